"""What machines do to programs: processes that are stopped, descriptors that run out, disks that are full. Whoever is
struck is told so, nobody else notices, and all is well again afterwards."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from proxy import BINARY, DEMO, HERE, Proxy, wait_for
from rawmcp import ACCEPT, Raw

# Far more than anything here takes: it only keeps a failing test from hanging.
PATIENCE = 30
OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]
CAN_MOUNT = shutil.which("unshare") and subprocess.run(
    [*OWN_DISK, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True
).returncode == 0


def text(answer):
    return answer["result"]["content"][0]["text"]


def servers_of(proxy):
    """The demo servers by process id, without their keepers."""
    return [pid for pid, command in proxy.processes().items() if "__demo" in command and "__keep" not in command]


def named(name, **options):
    """A demo server that the process list knows by a name."""
    return {"command": BINARY, "args": ["__demo"], "env": {"NAME": name}, "options": options}


def server_named(proxy, name):
    needle = f"NAME={name}".encode()
    [found] = [pid for pid in servers_of(proxy) if needle in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")]
    return found


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    assert wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T", 5)


def status_of(pid, field):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(value)


def cpu_seconds(pid):
    """Of all its threads, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Steady:
    """Calls to a server, one after the other, while something else goes wrong; all of them must succeed, and soon."""

    def __init__(self, proxy, name):
        self.raw, self.slowest, self.count, self.stopping = Raw(proxy, name), 0, 0, False
        assert self.raw.initialize()[0] == 200
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stopping:
            started = time.monotonic()
            assert text(self.raw.call("echo", message="steady")[1]).endswith("steady")
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join(PATIENCE)
        self.raw.close()
        assert self.count > 0 and self.slowest < 2, (self.count, self.slowest)


class Listener:
    """The stream of a session, and all messages that have come on it."""

    def __init__(self, proxy, raw):
        self.connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=PATIENCE)
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": raw.session}
        self.connection.request("GET", raw.path, headers=headers)
        self.response, self.messages = self.connection.getresponse(), []
        assert self.response.status == 200
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while line := self.response.readline():
            if line.startswith(b"data:") and line[5:].strip():
                self.messages.append(json.loads(line[5:]))


def test_a_server_that_is_stopped_is_missed_by_its_own_callers_only():
    servers = {"stuck": named("stuck", requestTimeout="1s"), "demo": named("demo")}
    with Proxy(servers) as proxy:
        raw, other = Raw(proxy, "stuck"), Raw(proxy, "stuck")
        assert raw.initialize()[0] == other.initialize()[0] == 200
        listener = Listener(proxy, raw)
        with Steady(proxy, "demo"):
            server = server_named(proxy, "stuck")
            stop(server)
            for number in range(2):
                started = time.monotonic()
                status, answer = raw.call("echo", message=f"late {number}")
                assert 0.9 < time.monotonic() - started < 10
                message = answer["error"]["message"]
                assert status == 504 and '"stuck"' in message and "requestTimeout" in message, (status, answer)
                assert answer["id"] == raw.last_id
            os.kill(server, signal.SIGCONT)
            # Its answers to what was given up come first, and belong to nobody.
            assert text(raw.call("echo", message="fresh")[1]).endswith("fresh")
            assert text(other.call("echo", message="fresh too")[1]).endswith("fresh too")
        assert server_named(proxy, "stuck") == server, "it was never started anew"
        assert not [message for message in listener.messages if "method" not in message], listener.messages


def test_a_server_that_reads_nothing_holds_so_many_bytes_and_no_more():
    with Proxy({"stuck": named("stuck", requestTimeout="8s"), "demo": named("demo")}) as proxy:
        sessions = [Raw(proxy, "stuck", timeout=PATIENCE) for _ in range(24)]
        for raw in sessions:
            assert raw.initialize()[0] == 200
        server = server_named(proxy, "stuck")
        stop(server)
        answers = []
        with Steady(proxy, "demo"):
            message = "x" * 8_000_000
            calls = [threading.Thread(target=lambda raw=raw: answers.append(raw.call("echo", message=message)))
                     for raw in sessions]
            for thread in calls:
                thread.start()
            for thread in calls:
                thread.join(PATIENCE)
        statuses = [status for status, _ in answers]
        assert len(answers) == len(sessions), "every call is answered"
        assert 503 in statuses and 504 in statuses and {503, 504} == set(statuses), statuses
        crowded = next(answer for status, answer in answers if status == 503)
        assert "does not read its input fast enough" in crowded["error"]["message"], crowded
        # 128 MiB may wait for one server, and each body comes in beside that.
        assert status_of(proxy.process.pid, "VmHWM") < 600_000
        os.kill(server, signal.SIGCONT)
        raw = sessions[0]
        assert wait_for(lambda: raw.call("echo", message="again")[0] == 200, PATIENCE)


@pytest.mark.parametrize("whom", ["the server", "the server and its keeper"])
def test_a_stopped_server_ends_with_the_proxy(whom):
    with Proxy({"demo": DEMO}) as proxy:
        raw = Raw(proxy, "demo", timeout=PATIENCE)
        assert raw.initialize()[0] == 200
        stopped = [pid for pid in proxy.processes() if pid != proxy.process.pid]
        for pid in stopped if "keeper" in whom else servers_of(proxy):
            stop(pid)
        raw.send(raw.next_call("echo", message="?"))
        assert Raw(proxy, "").post({})[0] == 404, "so the call has been read"
        # 5 s for the call, then 1 s after its stdin is closed and 2 s after SIGTERM.
        started = time.monotonic()
        assert proxy.end(seconds=PATIENCE) == 0
        assert time.monotonic() - started < 15
        answer = raw.receive()[1]
        assert "demo" in answer["error"]["message"], answer
        assert wait_for(lambda: not proxy.processes(), 5), proxy.processes()


def test_a_stopped_server_ends_when_the_configuration_drops_it():
    with Proxy({"stuck": named("stuck"), "demo": named("demo")}) as proxy:
        raw = Raw(proxy, "stuck", timeout=PATIENCE)
        assert raw.initialize()[0] == 200
        server = server_named(proxy, "stuck")
        stop(server)
        raw.send(raw.next_call("echo", message="?"))
        assert Raw(proxy, "").post({})[0] == 404, "so the call has been read"
        with Steady(proxy, "demo"):
            proxy.write_config({"demo": named("demo")})
            proxy.process.send_signal(signal.SIGHUP)
            answer = raw.receive()[1]
            assert "stuck" in answer["error"]["message"], answer
            assert wait_for(lambda: not Path(f"/proc/{server}").exists(), 15), "it outlives its place in the file"


STOPPED_CLIENT = """
import json, socket, sys
port, session = int(sys.argv[1]), sys.argv[2]
def ask(method, body=b""):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall((f"{method} /demo/mcp HTTP/1.1\\r\\nHost: localhost\\r\\nMcp-Session-Id: {session}\\r\\n"
        "Content-Type: application/json\\r\\nAccept: application/json, text/event-stream\\r\\n"
        f"Content-Length: {len(body)}\\r\\n\\r\\n").encode() + body)
    return s
def call(id, name, **arguments):
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": id}}
    return ask("POST", json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode())
kept = [ask("GET"), call(1, "slow", seconds=2, steps=10000)]
kept += [call(2 + n, "big", bytes=30_000_000) for n in range(4)]
print("sent", flush=True)
sys.stdin.read()
"""


def connections(proxy):
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("mcp_proxy_connections "))


def test_a_client_that_is_stopped_holds_up_nobody_and_is_let_go():
    with Proxy({"demo": DEMO}, settings={"metrics": True}) as proxy:
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        alone = connections(proxy)
        client = subprocess.Popen([sys.executable, "-c", STOPPED_CLIENT, str(proxy.port), raw.session],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert client.stdout.readline() == b"sent\n"
            stop(client.pid)
            with Steady(proxy, "demo") as steady:
                assert wait_for(lambda: connections(proxy) >= alone + 7, 10), "all six, and the steady one"
                # What is kept for it has a bound, and whoever reads nothing for 30 s is let go. Streams of which the
                # kernel has taken everything stay: nobody can know that their client is stopped.
                assert wait_for(lambda: connections(proxy) <= alone + 3, 60), connections(proxy)
                assert steady.count > 10
            assert status_of(proxy.process.pid, "VmHWM") < 600_000
        finally:
            client.kill()
            client.wait()
        assert wait_for(lambda: connections(proxy) <= alone, 10)


def knock(proxy):
    """A connection that has said nothing yet."""
    return socket.create_connection((proxy.host, proxy.port), timeout=PATIENCE)


def ask_health(connection, seconds=PATIENCE):
    """Whether it is answered."""
    connection.settimeout(seconds)
    try:
        connection.sendall(b"GET /_healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


SHORTAGE = "Too many open files (os error 24); the bound is 64 (ulimit -n)"


def few_descriptors(count, servers):
    """A proxy that may have so many."""
    return Proxy(servers, before=["prlimit", f"--nofile={count}:{count}"])


def test_with_64_descriptors_it_serves_whom_it_can_and_rests_meanwhile():
    with few_descriptors(64, {"one": DEMO, "two": DEMO}) as proxy:
        pid = proxy.process.pid
        raw = Raw(proxy, "one")
        assert raw.initialize()[0] == 200
        assert "only 64 files and connections may be open at once (ulimit -n)" in proxy.log(), proxy.log()
        # Streams are in use: nobody makes room.
        streams = [Listener(proxy, raw) for _ in range(8)]
        idle = descriptors(pid)
        waiting = [knock(proxy) for _ in range(100)]
        try:
            assert wait_for(lambda: SHORTAGE in proxy.log(), 10), proxy.log()
            # Who was there before goes on, and the proxy does not run in circles.
            used, began = cpu_seconds(pid), time.monotonic()
            while time.monotonic() - began < 2:
                assert text(raw.call("echo", message="hi")[1]).endswith("hi")
                time.sleep(0.1)
            assert cpu_seconds(pid) - used < 1, "it spins"
            assert descriptors(pid) <= 64
            assert proxy.log().count(SHORTAGE) < 3, "one line for all of them"
            # Who comes last gets in as soon as somebody leaves.
            for connection in waiting[:-1]:
                connection.close()
            assert ask_health(waiting[-1])
        finally:
            for connection in waiting:
                connection.close()
        assert wait_for(lambda: descriptors(pid) <= idle, 10), (descriptors(pid), idle)
        assert Raw(proxy, "two").initialize()[0] == 200
        assert len(streams) == 8 and all(not stream.response.isclosed() for stream in streams)


def test_whoever_is_idle_makes_room_where_descriptors_are_short():
    with few_descriptors(64, {"one": DEMO}) as proxy:
        assert Raw(proxy, "one").initialize()[0] == 200
        idle = []
        try:
            for _ in range(100):
                idle.append(knock(proxy))
                assert ask_health(idle[-1], 5), f"{len(idle)} are idle, and the next one has to wait for them"
        finally:
            for connection in idle:
                connection.close()


def test_a_server_that_crashes_while_descriptors_are_short_comes_back():
    with few_descriptors(64, {"one": DEMO}) as proxy:
        raw = Raw(proxy, "one", timeout=PATIENCE)
        assert raw.initialize()[0] == 200
        streams = []
        for _ in range(64):  # more than there is room for
            connection = knock(proxy)
            head = f"GET {raw.path} HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {raw.session}\r\n"
            connection.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
            streams.append(connection)
        assert wait_for(lambda: SHORTAGE in proxy.log(), 10), proxy.log()
        assert "error" in raw.call("crash")[1]
        raw.call("echo", message="?")  # it may have found a descriptor, or not
        for connection in streams:
            connection.close()
        assert wait_for(lambda: raw.call("echo", message="again")[0] == 200, PATIENCE), proxy.log()


@pytest.mark.skipif(not CAN_MOUNT, reason="this system lets nobody mount anything")
def test_a_full_disk_under_the_log_holds_nobody_up():
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-log-") as name:
        disk, server = Path(name), {**DEMO, "options": {"logEnabled": True}}
        command = f'mount -t tmpfs -o size=64k,mode=0700 none "{disk}" && exec "$0" "$@" 2>> "{disk}/log"'
        with Proxy({"demo": server}, before=[*OWN_DISK, "sh", "-c", command]) as proxy:
            inside = Path(f"/proc/{proxy.process.pid}/root{disk}")
            log = inside / "log"
            raw = Raw(proxy, "demo")
            assert raw.initialize()[0] == 200
            assert wait_for(lambda: "msg=request" in log.read_text(), 10)
            try:
                with (inside / "ballast").open("wb", buffering=0) as out:
                    while True:
                        out.write(bytes(4096))
            except OSError:
                pass
            for _ in range(500):
                assert raw.call("echo", message="hi")[0] == 200
            assert log.stat().st_size < 65536
            (inside / "ballast").unlink()
            assert raw.call("add", a=1, b=2)[0] == 200
            assert wait_for(lambda: "log lines lost" in log.read_text(), 10), log.read_text()[-500:]
            said = log.read_text()
            assert "tool=add" in said and "No space left on device" in said, said[-500:]
            # The line that did not fit as a whole has spoilt no other.
            assert all(line.startswith("time=") for line in said.splitlines()[-3:]), said[-500:]


def test_a_full_disk_under_stderr_keeps_nobody_from_starting():
    full = ["sh", "-c", 'exec "$0" "$@" 2> /dev/full']
    with Proxy({"demo": DEMO}, before=full, flags=["-insecure"]) as proxy:  # which warns, before there is a log
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        assert text(raw.call("echo", message="hi")[1]).endswith("hi")


def test_a_black_hole_in_the_network():
    """In a network of its own, where packets can be lost; see black_hole.py."""
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    hole = "ip link set lo up && ip tuntap add dev hole mode tun"
    if subprocess.run([*own, "sh", "-c", hole], capture_output=True).returncode:
        pytest.skip("this system lets nobody have a network of their own with a device in it")
    command = [*own, sys.executable, "-m", "pytest", "-q", str(HERE / "black_hole.py")]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
