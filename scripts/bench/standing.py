"""What the proxy costs while little happens: size, memory, starts, idleness; and what a crash costs."""

import http.client
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import peers
from load import call

MIB = 2**20


def size(table, options):
    """Of the binary."""
    found = os.path.getsize(options.binary)
    table.add("binary", f"{found / MIB:.2f} MiB", "", "at most 3.5 MiB", found <= 3.5 * MIB)


def memory(table, options):
    with peers.ours(options.binary) as proxy:
        proxy.open_session()
        time.sleep(0.5)
        idle = proxy.rss_bytes()
        table.add("memory, idle", f"{idle / MIB:.2f} MiB", "", "at most 4 MiB", idle <= 4 * MIB)
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
        for _ in range(10_000):
            proxy.open_session(connection)
        more = proxy.rss_bytes() - idle
        table.add("memory, 10,000 idle sessions", f"{more / MIB:.1f} MiB more", "", "at most 16 MiB", more <= 16 * MIB)
    with peers.ours(options.binary) as proxy:
        proxy.open_session()
        time.sleep(0.5)
        idle = proxy.rss_bytes()
        with peers.sse_streams(proxy, 10_000):
            more = proxy.rss_bytes() - idle
        table.add("memory, 10,000 open streams", f"{more / MIB:.1f} MiB more", "", "at most 16 MiB", more <= 16 * MIB)


def starts(table, options):
    listening, answered = [], []
    for _ in range(4 * options.rounds):
        started = time.monotonic()
        with peers.ours(options.binary) as proxy:
            listening.append(time.monotonic() - started)
            proxy.open_session()
            answered.append(time.monotonic() - started)
    for name, found, wanted in (("start to listening", listening, 5), ("start to first answer", answered, 50)):
        milliseconds = statistics.median(found) * 1e3
        table.add(name, f"{milliseconds:.1f} ms", "", f"at most {wanted} ms", milliseconds <= wanted)


def idleness(table, options):
    """System calls of our process while nobody wants anything, as strace counts them."""
    with peers.ours(options.binary) as proxy, tempfile.TemporaryDirectory() as folder:
        proxy.open_session()
        time.sleep(3)
        calls = Path(folder) / "calls"
        command = ["strace", "-f", "-o", str(calls), "-p", str(proxy.process.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert b"attached" in strace.stderr.readline(), "strace must be allowed to trace others"
            time.sleep(10)
            strace.terminate()
        returned = [line for line in calls.read_text().splitlines() if re.search(r"\) += |resumed", line)]
    table.add("system calls in 10 s without traffic", f"{len(returned)}", "", "none", not returned)


def crash(table, options):
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
