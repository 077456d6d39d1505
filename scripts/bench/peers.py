"""Our own proxy under measurement, and what goes on beside it."""

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

ACCEPT = "application/json, text/event-stream"
HERE = Path(__file__).resolve().parent
START_SECONDS_MAX = 20


class Peer:
    """A running program with an MCP endpoint, and a session with it."""

    def __init__(self, name, process, port, path):
        self.name, self.process, self.port, self.path = name, process, port, path
        self.session = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def post(self, message, session=None, connection=None):
        """Status, headers and body of one POST."""
        headers = {"Content-Type": "application/json", "Accept": ACCEPT, "Host": f"127.0.0.1:{self.port}"}
        params = message.get("params", {})
        if "_meta" in params:
            headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": message["method"]}
            headers["Mcp-Name"] = params["name"]
        elif session:
            headers |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS_MAX)
        connection.request("POST", self.path, json.dumps(message), headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    def open_session(self, connection=None):
        """Initializes; the id of the new session."""
        info = {"name": "bench", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        initialize = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        status, headers, body = self.post(initialize, connection=connection)
        assert status == 200, f"{self.name}: initialize: {status} {body!r}"
        session = headers["Mcp-Session-Id"]
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.post(initialized, session=session, connection=connection)
        return session

    def cpu_ns(self):
        """CPU time of this one process so far, all threads; its children are not counted."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def rss_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


@contextlib.contextmanager
def running(command, **options):
    """A process in a group of its own, which ends with the block."""
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
                break


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, process):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args[0]} ended with status {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{process.args[0]} does not listen on port {port}")


def quiet():
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@contextlib.contextmanager
def ours(binary):
    """Our proxy with the built-in demo server, on a free port; not as -demo runs it, where each request is logged."""
    server = {"command": binary, "args": ["__demo"]}
    with configured(binary, {"demo": server}, ["demo"]) as (peer,):
        yield peer


@contextlib.contextmanager
def configured(binary, servers, names, settings=None):
    """Our proxy with these servers and members of mcpProxy, on a free port: a peer for each of the names."""
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-bench-") as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"mcpProxy": {"addr": "127.0.0.1:0", **(settings or {})}, "mcpServers": servers}))
        with running([binary, "-config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            port, _ = read_address(process)
            yield [Peer("mcp-proxy", process, port, f"/{name}/mcp") for name in names]


@contextlib.contextmanager
def in_front(binary, behind):
    """Our proxy with `behind` as its streamable HTTP upstream."""
    server = {"url": behind.url, "transportType": "streamable-http"}
    with configured(binary, {"far": server}, ["far"]) as (peer,):
        yield peer


@contextlib.contextmanager
def with_both_eras(binary):
    """Our proxy with a legacy and a modern stdio server that do the same."""
    servers = {era: {"command": sys.executable, "args": [str(HERE / "echo.py"), era]} for era in ("legacy", "modern")}
    with configured(binary, servers, list(servers)) as both:
        yield both


@contextlib.contextmanager
def with_two_servers(binary):
    """Our proxy with two demo servers, each a process of its own."""
    server = {"command": binary, "args": ["__demo"]}
    with configured(binary, {"one": server, "two": server}, ["one", "two"]) as both:
        yield both


@contextlib.contextmanager
def busy(peer, message, expected_bytes):
    """One large call after the other, until the block ends."""
    peer.session = peer.session or peer.open_session()
    passed, is_over = SimpleNamespace(count=0), threading.Event()

    def work():
        while not is_over.is_set():
            status, _, body = peer.post(message, session=peer.session)
            assert status == 200 and len(body) > expected_bytes, f"{status}: {body[:300]!r}"
            passed.count += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield passed
        assert worker.is_alive(), "the large calls have failed"
    finally:
        is_over.set()
        worker.join()


@contextlib.contextmanager
def dripping(peer):
    """A connection that sends a request a byte a second."""
    is_over = threading.Event()
    with socket.create_connection(("127.0.0.1", peer.port)) as connection:

        def work():
            for byte in f"POST {peer.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode():
                with contextlib.suppress(OSError):
                    connection.send(bytes([byte]))
                if is_over.wait(1):
                    return

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield
        finally:
            is_over.set()
            worker.join()


@contextlib.contextmanager
def killed_in_call(peer, session):
    """The status of a call whose server is killed, and the seconds from the kill to the answer."""
    slow = {"name": "slow", "arguments": {"seconds": 60, "steps": 1}}
    message, answer = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": slow}, {}

    def work():
        answer["status"], *_ = peer.post(message, session=session)
        answer["at"] = time.monotonic()

    caller = threading.Thread(target=work)
    caller.start()
    time.sleep(0.2)
    killed = time.monotonic()
    os.kill(server_of(peer.process.pid), signal.SIGKILL)
    caller.join()
    yield answer["status"], answer["at"] - killed


def server_of(pid):
    """The process of the stdio server: the proxy's child is its keeper, whose child it is."""
    keeper, *_ = children_of(pid)
    server, *_ = children_of(keeper)
    return server


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class SseSession(Peer):
    """A session over HTTP+SSE: its URL is the message endpoint, and somebody reads its stream."""

    def __init__(self, peer):
        super().__init__("SSE", peer.process, peer.port, "")
        self.session, self.events = "", 0
        self.socket = open_sse(peer)
        self.stream = self.socket.makefile("rb")
        self.path = next(line for line in self.stream if line.startswith(b"data: "))[6:].strip().decode()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def read(self):
        with contextlib.suppress(OSError, ValueError):
            for _ in self.stream:
                self.events += 1


def open_sse(peer):
    """A connection that has asked for a stream of HTTP+SSE."""
    connection = socket.create_connection(("127.0.0.1", peer.port))
    path = peer.path.removesuffix("/mcp") + "/sse"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{peer.port}\r\nAccept: text/event-stream\r\n\r\n"
    connection.sendall(head.encode())
    return connection


@contextlib.contextmanager
def sse_session(peer):
    session = SseSession(peer)
    try:
        yield session
    finally:
        with contextlib.suppress(OSError):
            session.socket.shutdown(socket.SHUT_RDWR)
        session.reader.join()


@contextlib.contextmanager
def sse_streams(peer, count):
    """So many open streams, each with its session."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(open_sse(peer))
            assert b"200 OK" in connection.recv(4096)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def read_address(process):
    """Port and path of the first endpoint that the proxy names on stdout."""
    for line in process.stdout:
        if found := re.search(rb"http://[^/\s]+:(\d+)(/\w+/mcp)", line):
            return int(found[1]), found[2].decode()
    raise AssertionError("the proxy named no endpoint")
