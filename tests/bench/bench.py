"""Measures what scripts/bench promises and prints one table; pairs are interleaved, so both see the same minute."""

import argparse
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import kept
import peers

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
CALL_BYTES = 200
RESULT_BYTES = 100 * 1024
LARGE_BYTES = 50_000_000


class Load:
    """Keeps 16 connections busy with one call."""

    def __init__(self, seconds):
        self.seconds = seconds

    def run(self, peer, body):
        """Requests answered, seconds, and the 99th percentile of their latencies in milliseconds; fails if a single
        one of them failed."""
        if peer.session is None:
            peer.session = peer.open_session()
        params = json.loads(body)["params"]
        tool = params["name"] if "_meta" in params else ""
        session = "" if tool else peer.session
        environment = {**os.environ, "BENCH_BODY": body, "BENCH_SESSION": session, "BENCH_MODERN": tool}
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s", "-s", str(HERE / "load.lua"), peer.url]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        requests, microseconds, failures, p99 = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", said).groups())
        assert requests > 0 and failures == 0, f"{peer.name}: {said}"
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


def call(tool, arguments, padded=None):
    """A `tools/call`; `padded` names the argument that is filled until the whole has CALL_BYTES bytes."""
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    if padded:
        arguments[padded] = ""
        arguments[padded] = "x" * (CALL_BYTES - len(json.dumps(message)))
    return json.dumps(message)


def modern(body):
    """The same call as one of 2026-07-28."""
    message = json.loads(body)
    keys = {"protocolVersion": "2026-07-28", "clientInfo": {"name": "bench", "version": "1"}, "clientCapabilities": {}}
    message["params"]["_meta"] = {f"io.modelcontextprotocol/{key}": value for key, value in keys.items()}
    return json.dumps(message)


def interleaved(rounds, measures):
    """Each measure once per round, in turn; their medians."""
    found = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*found)]


class Table:
    def __init__(self):
        self.rows = []

    def add(self, figure, ours, peer, wanted, holds):
        self.rows.append((figure, ours, peer, wanted, "yes" if holds else "NO"))
        print(f"  {figure}: {ours}; {peer}" if peer else f"  {figure}: {ours}", file=sys.stderr)

    def __str__(self):
        rows = [("figure (medians)", "this", "beside it", "wanted", "holds"), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return "\n".join([lines[0], "-|-".join("-" * width for width in widths), *lines[1:]])


def check_answer(peer, body, expected):
    """What is measured must be the real thing."""
    if peer.session is None:
        peer.session = peer.open_session()
    status, _, answer = peer.post(json.loads(body), session=peer.session)
    assert status == 200 and expected in answer and b"isError" not in answer, f"{peer.name}: {status} {answer[:300]!r}"


def measure_cpu(table, options, proxy, front):
    load = Load(options.seconds)
    small, large = call("echo", {}, padded="message"), call("big", {"bytes": RESULT_BYTES})
    for name, body, factor, expected in (("200 B call", small, 0.5, b"xxx"), ("100 KiB result", large, 2, b"text")):
        for peer in (proxy, front):
            check_answer(peer, body, expected)
        ours, nginx = interleaved(options.rounds, [lambda p=p: load.cpu_us(p, body) for p in (proxy, front)])
        wanted = f"at most {factor:g} × nginx"
        table.add(f"CPU per {name}", f"{ours:.1f} µs", f"nginx {nginx:.1f} µs", wanted, ours <= factor * nginx)


def measure_remote(table, options, backend):
    """A streamable HTTP upstream: through us, and through nginx, to the very same server."""
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    with peers.in_front(options.binary, backend) as proxy, peers.nginx(backend) as front:
        for peer in (proxy, front):
            check_answer(peer, body, b"xxx")
        ours, nginx = interleaved(options.rounds, [lambda p=p: load.cpu_us(p, body) for p in (proxy, front)])
    table.add("CPU per call, http upstream", f"{ours:.1f} µs", f"nginx {nginx:.1f} µs", "at most 0.8 × nginx",
              ours <= 0.8 * nginx)


def measure_eras(table, options, proxy):
    """Calls of either era: to a legacy server, and to a modern one, which is another of our proxies."""
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    bodies = body, modern(body)
    legacy, translated = interleaved(options.rounds, [lambda b=b: load.cpu_us(proxy, b) for b in bodies])
    table.add("CPU per modern call, legacy server", f"{translated:.1f} µs", f"legacy call {legacy:.1f} µs",
              "at most 2 × a legacy call", translated <= 2 * legacy)
    with peers.in_front(options.binary, proxy) as front:
        translated, passed = interleaved(options.rounds, [lambda b=b: load.cpu_us(front, b) for b in bodies])
    table.add("CPU per legacy call, modern server", f"{translated:.1f} µs", f"modern call {passed:.1f} µs",
              "at most 2 × a modern call", translated <= 2 * passed)


def measure_modern(table, options):
    """A modern call to a modern stdio server, against a legacy call to a legacy one."""
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    with peers.with_both_eras(options.binary) as (legacy_peer, modern_peer):
        measures = [lambda: load.cpu_us(legacy_peer, body), lambda: load.cpu_us(modern_peer, modern(body))]
        legacy, passed = interleaved(options.rounds, measures)
    table.add("CPU per modern call, modern stdio server", f"{passed:.1f} µs", f"legacy call and server {legacy:.1f} µs",
              "at most 1.3 × it", passed <= 1.3 * legacy)


def measure_sse(table, options, proxy):
    """HTTP+SSE: the POSTs of all connections belong to one session, whose stream somebody reads."""
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    with peers.sse_session(proxy) as session:
        sse, streamable = interleaved(options.rounds, [lambda p=p: load.cpu_us(p, body) for p in (session, proxy)])
        assert session.events > 0, "nothing came on the stream"
    table.add("CPU per call over SSE", f"{sse:.1f} µs", f"streamable {streamable:.1f} µs", "", True)


def measure_streams(table, options):
    with peers.ours(options.binary) as proxy:
        proxy.open_session()
        time.sleep(0.5)
        idle, total = proxy.rss_bytes(), 10_000
        with peers.sse_streams(proxy, total):
            each = (proxy.rss_bytes() - idle) / total
    table.add(f"memory per SSE stream, {total:,}", f"{each:,.0f} B", "", "at most 1,024 B", each <= 1_024)


def measure_neighbours(table, options):
    """Large results of another server pass, one after the other, while the usual calls go on."""
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    large = json.loads(call("big", {"bytes": LARGE_BYTES}))
    with peers.with_two_servers(options.binary) as (proxy, neighbour):
        check_answer(proxy, body, b"xxx")

        def alone():
            return load.run(proxy, body)[2]

        def beside():
            with peers.busy(neighbour, large, LARGE_BYTES) as passed:
                p99 = load.run(proxy, body)[2]
            assert passed.count > 0, "no large result has passed"
            return p99

        quiet, busy = interleaved(options.rounds, [alone, beside])
    wanted = "at most 2 × alone"
    table.add("p99 beside 50 MB results", f"{busy:.2f} ms", f"alone {quiet:.2f} ms", wanted, busy <= 2 * quiet)


def measure_rates(table, options, proxy, others):
    load, body = Load(options.seconds), call("echo", {}, padded="message")
    for peer in (proxy, *others):
        check_answer(peer, body, b"xxx")
    ours, *theirs = interleaved(options.rounds, [lambda p=p: load.rate(p, body) for p in (proxy, *others)])
    beside = ", ".join(f"{peer.name} {rate:,.0f}" for peer, rate in zip(others, theirs))
    table.add("calls per second", f"{ours:,.0f}", beside, "at least 20 × the best", ours >= 20 * max(theirs))


def measure_memory(table, options):
    with peers.ours(options.binary) as proxy:
        proxy.open_session()
        time.sleep(0.5)
        idle = proxy.rss_bytes()
        table.add("memory, idle", f"{idle / 2**20:.2f} MiB", "", "at most 4 MiB", idle <= 4 * 2**20)
        connection, opened = http.client.HTTPConnection("127.0.0.1", proxy.port), 0
        for total in (1_000, 10_000):
            while opened < total:
                proxy.open_session(connection)
                opened += 1
            each = (proxy.rss_bytes() - idle) / total
            table.add(f"memory per session, {total:,}", f"{each:,.0f} B", "", "at most 2,048 B", each <= 2_048)


def measure_start(table, options):
    listening, answered = [], []
    for _ in range(4 * options.rounds):
        started = time.monotonic()
        with peers.ours(options.binary) as proxy:
            listening.append(time.monotonic() - started)
            proxy.open_session()
            answered.append(time.monotonic() - started)
    for name, found, wanted in (("start to listening", listening, 10), ("start to first answer", answered, 50)):
        milliseconds = statistics.median(found) * 1e3
        table.add(name, f"{milliseconds:.1f} ms", "", f"at most {wanted} ms", milliseconds <= wanted)


def measure_crash(table, options):
    """The child is killed in the middle of a call: until the caller has the error, and until the next call's answer."""
    errors, answers = [], []
    with peers.ours(options.binary) as proxy:
        session = proxy.open_session()
        for _ in range(4 * options.rounds):
            with peers.killed_in_call(proxy, session) as (status, seconds):
                assert status == 502, f"a call whose server was killed: {status}"
            errors.append(seconds * 1e3)
            started = time.monotonic()
            status, _, body = proxy.post(json.loads(call("add", {"a": 1, "b": 2})), session=session)
            assert status == 200 and b"3" in body, f"{status}: {body!r}"
            answers.append((time.monotonic() - started) * 1e3)
    beside = f"next call answered after {statistics.median(answers):.1f} ms"
    table.add("error after a kill, worst", f"{max(errors):.1f} ms", beside, "at most 100 ms", max(errors) <= 100)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary")
    arguments.add_argument("modules", help="the node_modules folder with the other proxies")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=3, help="length of one run of the load")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds: whatever runs is ended on the way

    if os.getloadavg()[0] > 0.5:
        load = os.getloadavg()[0]
        print(f"others are using this machine (load average {load:.1f}): CPU figures will be off", file=sys.stderr)
    table = Table()
    size = os.path.getsize(options.binary)
    table.add("binary", f"{size / 2**20:.2f} MiB", "", "at most 1.6 MiB", size <= 1.6 * 2**20)
    measure_start(table, options)
    measure_memory(table, options)
    measure_crash(table, options)
    kept.measure(table, options)
    with ExitStack() as stack:
        proxy = stack.enter_context(peers.ours(options.binary))
        measure_cpu(table, options, proxy, stack.enter_context(peers.nginx(proxy)))
        measure_remote(table, options, proxy)
        measure_eras(table, options, proxy)
        measure_modern(table, options)
        measure_sse(table, options, proxy)
        measure_neighbours(table, options)
        measure_streams(table, options)
        others = [make(options.modules, options.binary) for make in (peers.supergateway, peers.npm_mcp_proxy)]
        measure_rates(table, options, proxy, [stack.enter_context(other) for other in others])
    print(table)


if __name__ == "__main__":
    main()
