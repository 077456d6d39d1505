"""Load: one call, over and over, on many connections, from wrk; and what it costs."""

import json
import os
import re
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
CALL_BYTES = 200


class Load:
    """Keeps connections busy with one call."""

    def __init__(self, seconds, connections=CONNECTIONS):
        self.seconds, self.connections, self.answered = seconds, connections, 0

    def run(self, peer, body):
        """Requests answered, seconds, and the 99th percentile of their latencies in milliseconds; fails if a single
        one of them failed."""
        if peer.session is None:
            peer.session = peer.open_session()
        params = json.loads(body)["params"]
        tool = params["name"] if "_meta" in params else ""
        session = "" if tool else peer.session
        environment = {**os.environ, "BENCH_BODY": body, "BENCH_SESSION": session, "BENCH_MODERN": tool}
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{self.seconds}s", "--timeout", "10s"]
        command += ["-s", str(HERE / "load.lua"), peer.url]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        requests, microseconds, failures, p99, mean = map(int, re.search("RESULT" + 5 * r" (\d+)", said).groups())
        assert requests > 0 and failures == 0, f"{peer.name}: {said}"
        # wrk says nothing of calls that hang, or whose connection was closed. Then not all were busy (Little's law).
        self.answered += requests
        busy = requests * mean / microseconds
        assert busy > 0.6 * self.connections, f"{peer.name}: {busy:.1f} of {self.connections} were busy: {said}"
        return requests, microseconds / 1e6, p99 / 1e3

    def cpu_us(self, peer, body):
        """CPU microseconds of the peer's process per request."""
        before = peer.cpu_ns()
        requests, *_ = self.run(peer, body)
        return (peer.cpu_ns() - before) / requests / 1e3

    def rate(self, peer, body):
        """Requests per second."""
        requests, seconds, _ = self.run(peer, body)
        return requests / seconds

    def p99_ms(self, peer, body):
        """The latency that one call of a hundred exceeds."""
        return self.run(peer, body)[2]


def call(tool, arguments, padded=None):
    """A `tools/call`; `padded` names the argument that is filled until the whole has CALL_BYTES bytes."""
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    if padded:
        arguments[padded] = ""
        arguments[padded] = "x" * (CALL_BYTES - len(json.dumps(message)))
    return json.dumps(message)


SMALL = call("echo", {}, padded="message")


def modern(body):
    """The same call as one of 2026-07-28."""
    message = json.loads(body)
    keys = {"protocolVersion": "2026-07-28", "clientInfo": {"name": "bench", "version": "1"}, "clientCapabilities": {}}
    message["params"]["_meta"] = {f"io.modelcontextprotocol/{key}": value for key, value in keys.items()}
    return json.dumps(message)


def interleaved(rounds, measures):
    """Each measure once per round, in turn, so that all see the same minutes; their medians."""
    found = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*found)]


def check_answer(peer, body, expected):
    """What is measured must be the real thing."""
    if peer.session is None:
        peer.session = peer.open_session()
    status, _, answer = peer.post(json.loads(body), session=peer.session)
    is_right = status == 200 and expected in answer and b'"isError":true' not in answer
    assert is_right, f"{peer.name}: {status} {answer[:300]!r}"
