"""The binary alone: in a folder that contains nothing else, as the root of its world. That is what `FROM scratch` gives
it, except that a container also has /proc. scripts/build-static runs these right after the build."""

import os
import shutil
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.server.transport_security import TransportSecuritySettings

import certificates
import documents
from proxy import BINARY, Proxy, wait_for
from rawmcp import Raw

# Resolved nowhere but in the /etc/hosts of the test's own root.
HOST = "upstream.test"
NOBODY = 65534
PT_DYNAMIC, PT_INTERP = 2, 3
DT_NEEDED = 1


def chroot(root, user=None):
    """The command that makes a folder the root of what follows. Without being root ourselves we can only pretend to be,
    in a namespace of our own, and there is no other user in there."""
    if os.geteuid() == 0:
        return ["chroot", *([f"--userspec={user}"] if user else []), str(root)]
    pretend = ["unshare", "--map-root-user"]
    refused = subprocess.run([*pretend, "true"], capture_output=True, text=True).stderr
    assert not refused, f"only root can show this here, nobody else may pretend to be: {refused}"
    return [*pretend, "chroot", str(root)]


@pytest.fixture
def root(tmp_path):
    """A folder with the binary, and nothing else."""
    root = tmp_path / "root"
    root.mkdir(mode=0o755)
    shutil.copy(BINARY, root / "mcp-proxy")
    # pytest's folders are for their owner only; the way into a root is not a matter of its contents.
    for folder in (root, *root.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    return root


def segments(binary):
    """The program headers of an ELF file for 64 bits, little-endian: `{type: content}`."""
    content = Path(binary).read_bytes()
    assert content[:6] == b"\x7fELF\x02\x01"
    [table], (size, number) = struct.unpack_from("<Q", content, 32), struct.unpack_from("<HH", content, 54)
    found = {}
    for start in range(table, table + number * size, size):
        kind, _flags, offset, _virtual, _physical, length = struct.unpack_from("<IIQQQQ", content, start)
        found[kind] = content[offset : offset + length]
    return found


def test_it_needs_no_loader_and_no_library():
    found = segments(BINARY)
    assert PT_INTERP not in found
    assert DT_NEEDED not in {tag for tag, _ in struct.iter_unpack("<QQ", found.get(PT_DYNAMIC, b""))}
    # The check itself: this interpreter, or the shell that started it, is no static program.
    assert PT_INTERP in segments(os.path.realpath("/bin/sh"))


def post(proxy, path, message):
    """What curl prints: a client that shares nothing with us."""
    headers = ["-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream"]
    url = f"http://{proxy.host}:{proxy.port}{path}"
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *headers, "--data", message, url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


INITIALIZE = (
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":'
    '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}'
)


def serves_the_demo(proxy):
    assert '"name":"demo"' in post(proxy, "/demo/mcp", INITIALIZE)
    raw = Raw(proxy, "demo")
    assert raw.initialize()[0] == 200
    status, answer = raw.call("echo", message="from an empty root")
    assert status == 200 and answer["result"]["content"][0]["text"] == "from an empty root"
    raw.close()


def test_the_demo(root):
    command = [*chroot(root), "/mcp-proxy", "-demo", "-addr", "127.0.0.1:0"]
    with Proxy(command=command) as proxy:
        assert [path.name for path in root.iterdir()] == ["mcp-proxy"]
        serves_the_demo(proxy)
        children = len(proxy.processes())
        assert children >= 3, "the proxy, a keeper and the demo server"
        assert proxy.end() == 0
        assert wait_for(lambda: not proxy.processes(), 5)


def test_the_scratch_image(root):
    """What the Dockerfile's target does, done by hand: the same file, user and command line."""
    stage = documents.stages()["scratch"]
    assert stage.base == "scratch"
    assert stage.copies() == [["--from=build", "/out/mcp-proxy", "/mcp-proxy"]]
    [binary], [flag, config] = stage.words("ENTRYPOINT"), stage.words("CMD")
    mounted = root / config.lstrip("/")
    mounted.parent.mkdir(mode=0o755)
    mounted.write_text(
        '{"mcpProxy": {"addr": "127.0.0.1:0"}, "mcpServers": {"demo": {"command": "/mcp-proxy", "args": ["__demo"]}}}'
    )
    user = stage.one("USER")
    with Proxy(command=[*chroot(root, user), binary, flag, config]) as proxy:
        if os.geteuid() == 0:
            assert user == f"{NOBODY}:{NOBODY}"
            assert Path(f"/proc/{proxy.process.pid}").stat().st_uid == NOBODY
        serves_the_demo(proxy)
        assert proxy.end() == 0


@contextmanager
def https_upstream(certificate, key):
    """The official SDK's server behind TLS; its port."""
    rebinding = TransportSecuritySettings(allowed_hosts=[f"{HOST}:*"])
    server = FastMCP("secure", transport_security=rebinding)

    @server.tool()
    def where() -> str:
        return "behind TLS"

    config = uvicorn.Config(
        server.streamable_http_app(),
        host="127.0.0.1",
        port=0,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        assert wait_for(lambda: running.started or not thread.is_alive(), 10) and thread.is_alive()
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        thread.join()


def remote(root, port):
    config = root / "config.json"
    config.write_text(
        '{"mcpProxy": {"addr": "127.0.0.1:0"}, "mcpServers": {"secure": {"transportType": "streamable-http", '
        f'"url": "https://{HOST}:{port}/mcp"}}}}}}'
    )
    return [*chroot(root), "/mcp-proxy", "-config", "/config.json"]


# Whatever the machine says must not matter: the root has nothing but itself.
PLAIN = {name: "" for name in ("SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")}


def test_https_to_a_name(root, tmp_path):
    authority, certificate, key = certificates.make(tmp_path, HOST)
    (root / "etc").mkdir()
    (root / "etc" / "hosts").write_text(f"127.0.0.1 {HOST}\n")
    shutil.copy(authority, root / "etc" / "authority.pem")
    with https_upstream(certificate, key) as port:
        trusting = {**PLAIN, "SSL_CERT_FILE": "/etc/authority.pem"}
        with Proxy(command=remote(root, port), env=trusting) as proxy:
            raw = Raw(proxy, "secure")
            status, answer = raw.initialize()
            assert status == 200, (answer, proxy.log())
            assert answer["result"]["serverInfo"]["name"] == "secure"
            status, answer = raw.call("where")
            assert status == 200 and answer["result"]["content"][0]["text"] == "behind TLS"
            raw.close()
            assert proxy.end() == 0
        # The same with the authorities that are built in, none of which has issued it.
        with Proxy(command=remote(root, port), env=PLAIN) as proxy:
            status, answer = Raw(proxy, "secure").initialize()
            assert status == 502 and "no authority known here has issued it" in answer["error"]["message"], answer
