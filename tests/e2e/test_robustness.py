"""Servers that misbehave or die, and a proxy that is killed: nothing hangs, nothing is left behind."""

import json
import os
import random
import select
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from proxy import BINARY, DEMO, MARKER, Proxy, kill_marked, marked_processes, wait_for
from rawmcp import Raw

# A shell that starts a helper in a session of its own, out of reach of its process group, and another in the
# background, and only then becomes the server.
FAMILY = {
    "command": "sh",
    "args": ["-c", f"setsid sleep 1000 & sleep 1000 & '{BINARY}' __demo; true"],
}
NPX = {"command": "npx", "args": ["--no-install", "mcp-server-everything"]}


def text(answer):
    return answer["result"]["content"][0]["text"]


def test_ten_megabytes_of_stderr_do_not_wedge_a_server():
    empty_lines, one_line = (f"head -c 10485760 /dev/zero | tr '\\0' '{byte}' >&2" for byte in ("\\n", "x"))
    noisy = {"command": "sh", "args": ["-c", f"{empty_lines}; {one_line}; exec '{BINARY}' __demo"]}
    with Proxy({"noisy": noisy}) as proxy:
        raw = Raw(proxy, "noisy")
        assert raw.initialize()[0] == 200
        assert text(raw.call("echo", message="still here")[1]).endswith("still here")


def test_a_server_that_crashes_in_mid_call():
    with Proxy({"demo": DEMO}) as proxy:
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        for _ in range(3):
            status, answer = raw.call("crash")
            assert status in (200, 502), answer
            assert "demo" in answer["error"]["message"]
            assert text(raw.call("echo", message="again")[1]).endswith("again")


def test_a_server_that_is_killed_in_mid_call():
    with Proxy({"demo": DEMO}) as proxy:
        raw, slow = Raw(proxy, "demo"), Raw(proxy, "demo")
        assert raw.initialize()[0] == slow.initialize()[0] == 200
        slow.send(slow.next_call("slow", seconds=60))
        assert raw.call("echo", message="?")[0] == 200
        commands = proxy.processes().items()
        [server] = [pid for pid, command in commands if "__demo" in command and "__keep" not in command]
        killed = time.monotonic()
        os.kill(server, signal.SIGKILL)
        error = slow.receive()[1]["error"]
        assert time.monotonic() - killed < 1
        assert "demo" in error["message"] and ("9" in error["message"] or "KILL" in error["message"]), error
        assert text(raw.call("echo", message="again")[1]).endswith("again")


def test_a_command_that_does_not_exist():
    with Proxy({"missing": {"command": "no-such-command-anywhere"}, "demo": DEMO}) as proxy:
        raw = Raw(proxy, "missing")
        started = time.monotonic()
        status, answer = raw.initialize()
        assert time.monotonic() - started < 2
        assert status in (502, 503) and answer["id"] == 1
        assert "missing" in answer["error"]["message"] and "no-such-command-anywhere" in answer["error"]["message"]
        assert Raw(proxy, "demo").initialize()[0] == 200


def test_a_server_that_never_answers_holds_up_nobody_else():
    with Proxy({"mute": {"command": "sleep", "args": ["1000"]}, "demo": DEMO}) as proxy:
        waiting = Raw(proxy, "mute")
        waiting.send(waiting.next_initialize())
        raw = Raw(proxy, "demo")
        started = time.monotonic()
        assert raw.initialize()[0] == 200
        assert time.monotonic() - started < 2
        assert not select.select([waiting.connection.sock], [], [], 0)[0], "the call to the mute server waits"
        assert proxy.end() == 0
        assert "mute" in waiting.receive()[1]["error"]["message"], "a call that waited is answered when the proxy ends"


def test_demo_mode():
    with Proxy(demo=True) as proxy:
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        assert text(raw.call("echo", message="hi")[1]).endswith("hi")


def test_a_second_proxy_on_the_same_port_says_so():
    with Proxy({"demo": DEMO}) as proxy:
        command = [BINARY, "-config", proxy.write_config({}, proxy.port)]
        second = subprocess.run(command, capture_output=True, timeout=10)
        assert second.returncode != 0
        assert str(proxy.port).encode() in second.stderr


def test_a_hangup_ends_the_proxy_only_with_its_terminal():
    terminal, side = os.openpty()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"mcpProxy": {"addr": "127.0.0.1:0"}, "mcpServers": {"demo": DEMO}}))
        proxy = subprocess.Popen([BINARY, "-config", config], stdout=subprocess.DEVNULL, stderr=side)
        os.close(side)
        shown = bytearray()

        def says(text):
            if select.select([terminal], [], [], 0.1)[0]:
                shown.extend(os.read(terminal, 65536))
            return text in shown

        assert wait_for(lambda: says(b"Ready with"), 10), shown
        proxy.send_signal(signal.SIGHUP)
        assert wait_for(lambda: says(b"Reloaded the configuration: no server has changed"), 10), shown
        os.close(terminal)
        proxy.send_signal(signal.SIGHUP)
        assert proxy.wait(10) == 0


class Load:
    """Calls from a few threads until the proxy is gone; how many were answered."""

    def __init__(self, proxy, names):
        self.answered, self.stopping = 0, False
        self.threads = [threading.Thread(target=self._run, args=(proxy, name)) for name in names for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def _run(self, proxy, name):
        raw = Raw(proxy, name, timeout=5)
        try:
            raw.initialize()
            while not self.stopping:
                status, _ = raw.request("tools/list")
                self.answered += status == 200
        except (OSError, ValueError):
            pass  # the proxy was killed: that is what this is about
        except Exception as error:  # http.client has many names for a connection that broke
            if type(error).__module__ != "http.client":
                raise
        finally:
            raw.close()

    def join(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a call hangs although the proxy is gone"


def kill_under_load(servers, signal_number, delay, seconds):
    proxy = Proxy(servers)
    try:
        load = Load(proxy, servers)
        time.sleep(delay)
        status = proxy.end(signal_number)
        load.join()
        if signal_number == signal.SIGTERM:
            assert status == 0, proxy.log()
        gone = wait_for(lambda: not proxy.processes(), seconds)
        assert gone, f"left behind after {signal_number!r} at {delay:.3f} s: {proxy.processes()}"
        return load.answered
    finally:
        kill_marked(proxy.marker)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_nothing_is_left_behind(signal_number):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    delays = random.Random(seed)
    servers = {"demo": DEMO, "family": FAMILY}
    # From before the servers have started to well into the load.
    answered = [kill_under_load(servers, signal_number, delays.uniform(0, 0.3), 5) for _ in range(25)]
    assert sum(answered) > 0, "no round had any load"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("delay", [0.2, 0.6, 3.0])
def test_nothing_is_left_behind_of_npx(signal_number, delay):
    kill_under_load({"everything": NPX, "demo": DEMO}, signal_number, delay, 5)


def test_the_marker_finds_grandchildren():
    """The scan itself must be able to fail: it sees what a proxy that cleans nothing up would leave."""
    marker = "grandchild-" + os.urandom(8).hex()
    subprocess.run(["sh", "-c", "setsid sleep 1000 & exit"], env={**os.environ, MARKER: marker}, check=True)
    try:
        assert wait_for(lambda: [c for c in marked_processes(marker).values() if "sleep" in c], 2)
    finally:
        kill_marked(marker)
    assert wait_for(lambda: not marked_processes(marker), 2)
