"""The README's example for nginx, in a real nginx: official clients over TLS and through a path, both transports."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

import certificates
from documents import example, replaced
from proxy import BINARY, DEMO, Proxy, wait_for

# scripts/test says where it is; Debian keeps it where not everybody looks.
NGINX = os.environ.get("NGINX_BIN") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
PUBLIC = "https://mcp.example.com"

# What a whole configuration has around the example. All that nginx writes stays in the test's folder.
AROUND = (Path(__file__).parent / "support" / "nginx.conf").read_text()

# The proxy itself asks nginx not to buffer event streams. Each of the two has to do on its own.
VARIANTS = {
    "as the example says": {"proxy_buffering off;": "proxy_buffering off; proxy_ignore_headers X-Accel-Buffering;"},
    "as the proxy asks": {"proxy_buffering off;": ""},
}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def nginx(folder, snippet):
    """Runs until the end of the block; a failed start says why."""
    # nginx gives up its rights for a user who may not look into the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(replaced(AROUND, {"FOLDER": str(folder), "USER": user, "EXAMPLE": snippet}))
    log = folder / "nginx.log"
    log.touch()
    assert NGINX, "there is no nginx: apt-get install nginx-light"
    process = subprocess.Popen([NGINX, "-c", config, "-p", folder, "-e", log], stdin=subprocess.DEVNULL)
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(10)


class Public:
    """nginx in front of a proxy that serves the demo."""

    def __init__(self, folder, changes):
        self.authority, certificate, key = certificates.make(folder, "localhost")
        behind, self.port = free_port(), free_port()
        self.origin = f"https://localhost:{self.port}"
        known = {"127.0.0.1:9090": f"127.0.0.1:{behind}", PUBLIC: self.origin}
        settings = json.loads(replaced(example("json", '.example.com/tools"'), known))
        settings["mcpServers"] = {"demo": DEMO}
        self.base = settings["mcpProxy"]["baseURL"]
        (folder / "config.json").write_text(json.dumps(settings))
        in_test = {
            "server 127.0.0.1:9090": f"server 127.0.0.1:{behind}",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "server_name mcp.example.com": "server_name localhost",
            "/etc/ssl/mcp.example.com.pem": str(certificate),
            "/etc/ssl/mcp.example.com.key": str(key),
        }
        self.snippet = replaced(replaced(example("nginx", "location"), in_test), changes)
        self.folder = folder

    def http(self, headers=None, timeout=None, auth=None):
        trust = ssl.create_default_context(cafile=str(self.authority))
        return httpx.AsyncClient(verify=trust, headers=headers, timeout=timeout or httpx.Timeout(30), auth=auth)

    @asynccontextmanager
    async def streamable(self):
        async with self.http() as client, streamable_http_client(f"{self.base}/demo/mcp", http_client=client) as way:
            yield way

    def sse(self):
        return sse_client(f"{self.base}/demo/sse", httpx_client_factory=self.http)


@pytest.fixture(params=VARIANTS)
def public(request, tmp_path):
    public = Public(tmp_path, VARIANTS[request.param])
    command = [BINARY, "-config", str(tmp_path / "config.json")]
    with Proxy(command=command) as proxy, nginx(tmp_path, public.snippet) as (process, log):
        is_up = lambda: process.poll() is not None or can_connect(public.port)
        assert wait_for(is_up, 10) and process.poll() is None, log.read_text()
        public.proxy = proxy
        yield public
        assert proxy.end() == 0
        assert log.read_text() == ""


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


async def elicit(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "Ada", "drink": "tea", "sugar": 0})


async def everything(way):
    async with way as (read, write, *_), ClientSession(read, write, elicitation_callback=elicit) as session:
        initialized = await session.initialize()
        assert initialized.serverInfo.name == "demo"
        await progress_while_the_call_goes_on(session)
        # The question comes on the way of the call that is answered only after it.
        asked = await session.call_tool("ask")
        assert "Ada" in asked.content[0].text, asked
        # More than nginx lets pass by itself, and more than it keeps in memory.
        message = "x" * 3_000_000
        echoed = await session.call_tool("echo", {"message": message})
        assert echoed.content[0].text == message


async def progress_while_the_call_goes_on(session):
    """The call takes as long as it may; its first events have to be here in a small part of that."""
    seen, enough = [], asyncio.Event()

    async def on_progress(progress, _total, _message):
        seen.append(progress)
        if len(seen) == 3:
            enough.set()

    arguments = {"seconds": 60, "steps": 600}
    request_id = session._request_id  # the next one: the SDK has no other way to tell
    call = asyncio.create_task(session.call_tool("slow", arguments, progress_callback=on_progress))
    await asyncio.wait_for(enough.wait(), 20)
    assert seen[:3] == [1, 2, 3] and not call.done()
    # The SDK itself would not say so, and trip over progress that comes while it is being closed.
    params = types.CancelledNotificationParams(requestId=request_id)
    await session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


@pytest.mark.parametrize("transport", ["streamable", "sse"])
def test_an_official_client(public, transport):
    asyncio.run(asyncio.wait_for(everything(getattr(public, transport)()), 60))


def test_the_readme_says_how_caddy_is_told():
    """The path and the address are those of the example for nginx; Caddy itself is not run."""
    caddy = example("caddy", "reverse_proxy")
    base = json.loads(example("json", '.example.com/tools"'))["mcpProxy"]
    assert f"reverse_proxy {base['baseURL'].removeprefix(PUBLIC)}/* {base['addr']}" in caddy
    assert caddy.startswith(PUBLIC.removeprefix("https://"))
