"""Servers that misbehave on purpose: the others go on, the memory stays bounded, and somebody is told why."""

import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy import DEMO, Proxy
from rawmcp import Raw

SCRIPT = str(Path(__file__).parent / "hostile.py")
MIB = 1024 * 1024
# LINE_BYTES_MAX in src/limits.rs: one message of an upstream.
MESSAGE_BYTES_MAX = 64 * MIB
# Beside it a proxy with two servers, three connections, what waits for those who read slowly (NOTIFY_QUEUE_BYTES_MAX, 1
# MiB each), what is kept for those who come back (SESSION_REPLAY_BYTES_MAX, 4 MiB each), and room to spare.
MEMORY_BYTES_MAX = MESSAGE_BYTES_MAX + 40 * MIB
# How long a call of another server may take while one misbehaves: both processors are busy.
OTHERS_SECONDS_MAX = 5


def peak(proxy):
    """The most memory that the process has had resident."""
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024


@contextmanager
def hostile(kind, mode, timeout):
    """A proxy with such a server and a good one; sessions with both."""
    options = {"requestTimeout": timeout}
    process = None
    if kind == "stdio":
        server = {"command": sys.executable, "args": [SCRIPT, "stdio", mode], "options": options}
    else:
        process = subprocess.Popen([sys.executable, SCRIPT, "http", mode], stdout=subprocess.PIPE)
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        server = {"url": url, "transportType": "streamable-http", "options": options}
    try:
        with Proxy({"hostile": server, "demo": DEMO}) as proxy:
            bad, good = Raw(proxy, "hostile", timeout=60), Raw(proxy, "demo", timeout=60)
            assert bad.initialize()[0] == good.initialize()[0] == 200
            yield proxy, bad, good
            assert proxy.process.poll() is None
    finally:
        if process:
            process.kill()
            process.wait()


def text(answer):
    return answer["result"]["content"][0]["text"]


def while_others_go_on(bad, good):
    """The answer to the call that starts the mischief. Meanwhile another server is called all the time."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(bad.call("go")))
    thread.start()
    calls, slowest = 0, 0.0
    while thread.is_alive() or calls < 3:
        started = time.monotonic()
        assert text(good.call("echo", message="hi")[1]).endswith("hi")
        calls, slowest = calls + 1, max(slowest, time.monotonic() - started)
        time.sleep(0.01)
    assert slowest < OTHERS_SECONDS_MAX, f"{slowest:.1f} s"
    thread.join()
    assert answers, "no answer"
    return answers[0]


# What the caller is told: of silence at its end, of a bound as soon as it is reached.
SILENCE = 'server "hostile" said nothing about this call for 3 s (requestTimeout); the call was cancelled'
ENDLESS = {
    ("stdio", "endless-line"): SILENCE,
    ("http", "endless-comment"): SILENCE,
    ("http", "endless-comments"): SILENCE,
    ("http", "endless-event-line"): SILENCE,
    ("http", "endless-event"): SILENCE,
    ("http", "endless-ids"): SILENCE,
    ("http", "endless-json"): f"its answer has more than {MESSAGE_BYTES_MAX} bytes",
    ("http", "endless-head"): "the status line and headers are larger than this many bytes: 65536",
    ("http", "endless-interim"): "there are more interim responses than: 100",
}


@pytest.mark.parametrize("kind, mode", ENDLESS)
def test_what_never_ends_is_given_up(kind, mode):
    with hostile(kind, mode, timeout="3s") as (proxy, bad, good):
        status, answer = while_others_go_on(bad, good)
        assert status in (502, 504) and ENDLESS[kind, mode] in answer["error"]["message"], (status, answer)
        assert peak(proxy) < MEMORY_BYTES_MAX, f"{peak(proxy) / MIB:.0f} MiB"


NO_MESSAGE = "It said something that is no message"
# What whoever runs the proxy is told. An answer that nobody waits for may be one to a call that was cancelled.
LOGGED = {
    "wrong-ids": rf"{NO_MESSAGE} .*1e400",
    "duplicates": "",
    "early": "",
    "garbage": rf"{NO_MESSAGE} .*<html>",
    "long-line": f"Dropped a message of more than {MESSAGE_BYTES_MAX} bytes",
    "flood": "",
}


@pytest.mark.parametrize("kind", ["stdio", "http"])
@pytest.mark.parametrize("mode", LOGGED)
def test_what_nobody_asked_for_answers_nobody(kind, mode):
    with hostile(kind, mode, timeout="60s") as (proxy, bad, good):
        status, answer = while_others_go_on(bad, good)
        assert status == 200 and text(answer) == "right", answer
        for _ in range(3):
            assert text(bad.call("right")[1]) == "right"
        assert re.search(LOGGED[mode], proxy.log()), proxy.log()
        assert peak(proxy) < MEMORY_BYTES_MAX, f"{peak(proxy) / MIB:.0f} MiB"


@pytest.mark.parametrize("kind", ["stdio", "http"])
def test_a_million_notices_for_a_client_that_does_not_read(kind):
    with hostile(kind, "flood", timeout="60s") as (proxy, bad, good):
        deaf = Raw(proxy, "hostile", timeout=60)
        assert deaf.initialize()[0] == 200
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": deaf.session}
        deaf.connection.request("GET", deaf.path, headers=headers)
        status, answer = while_others_go_on(bad, good)
        assert status == 200 and text(answer) == "right", answer
        assert peak(proxy) < MEMORY_BYTES_MAX, f"{peak(proxy) / MIB:.0f} MiB"
        deaf.close()
