"""Starts the real binary on a free port, and looks at the process table."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = os.environ.get("MCP_PROXY_BIN") or sys.exit("set MCP_PROXY_BIN to the mcp-proxy binary to test")
START_SECONDS_MAX = 10
# The name of the environment variable by which a test recognises all processes of one proxy.
MARKER = "MCP_PROXY_E2E_MARKER"


def npm_program(name):
    return str(HERE / "node_modules" / ".bin" / name)


EVERYTHING = {"command": "node", "args": [npm_program("mcp-server-everything")]}
TIME = {"command": sys.executable, "args": ["-m", "mcp_server_time", "--local-timezone", "Europe/Berlin"]}


def filesystem(folder):
    return {"command": "node", "args": [npm_program("mcp-server-filesystem"), str(folder)]}


DEMO = {"command": BINARY, "args": ["__demo"]}


class Proxy:
    """One run of the binary; a context manager that ends it. `command`: how it is started, if not by us; otherwise
    `before` (what starts it in its turn), `flags` and `settings` (members of mcpProxy)."""

    def __init__(self, servers=None, demo=False, command=None, env=None, flags=(), settings=None, before=()):
        self.marker = uuid.uuid4().hex
        self.folder = tempfile.mkdtemp(prefix="mcp-proxy-e2e-")
        if command is None:
            served = ["-demo"] if demo else ["-config", self.write_config(servers, 0, settings)]
            command = [*before, BINARY, *flags, *served]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {}), MARKER: self.marker},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._stdout, self._stderr = bytearray(), bytearray()
        for stream, kept in ((self.process.stdout, self._stdout), (self.process.stderr, self._stderr)):
            threading.Thread(target=_keep, args=(stream, kept), daemon=True).start()
        address = re.compile(rb"https?://([^/\s:]+):([1-9]\d*)/")
        wait_for(lambda: address.search(self._stdout) or self.process.poll() is not None, START_SECONDS_MAX)
        found = address.search(self._stdout)
        if not found:
            self.end(signal.SIGKILL)
            raise AssertionError(f"the proxy named no address: {self._stdout!r} {self.log()}")
        self.host, self.port = found[1].decode(), int(found[2])

    def write_config(self, servers, port=0, settings=None):
        """The path of a configuration with these servers; all processes of theirs carry our marker."""
        marked = {
            name: {**server, "env": {**server.get("env", {}), MARKER: self.marker}} if "command" in server else server
            for name, server in servers.items()
        }
        here = {"addr": f"127.0.0.1:{port}", "name": "e2e", "version": "1", **(settings or {})}
        path = Path(self.folder) / f"config-{port}.json"
        path.write_text(json.dumps({"mcpProxy": here, "mcpServers": marked}))
        return str(path)

    def url(self, name, endpoint="mcp"):
        return f"http://{self.host}:{self.port}/{name}/{endpoint}"

    def log(self):
        return self._stderr.decode(errors="replace")

    def processes(self):
        """Everything that carries our marker, the proxy itself included: `{pid: command line}`."""
        return marked_processes(self.marker)

    def end(self, signal_number=signal.SIGTERM, seconds=15):
        """Ends the proxy; the exit status, negative for a signal."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        kill_marked(self.marker)


def _keep(stream, kept):
    while piece := stream.read1(65536):
        kept.extend(piece)


def wait_for(condition, seconds):
    """Polls until `condition` gives something true; its last value either way."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return value


def marked_processes(marker):
    needle = f"{MARKER}={marker}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # A zombie has no environment any more: it is dead, only its status is still to be read.
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return found


def kill_marked(marker):
    """So that a failed test leaves nothing behind either."""
    for pid in marked_processes(marker):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
