"""What the reference (tbxark/mcp-proxy) was seen to do wrong, one test each: here it is right."""

import gzip
import http.client
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from proxy import BINARY, DEMO, Proxy, wait_for
from rawmcp import ACCEPT, Raw


def check(config):
    """What `-check-config` says to a configuration: exit status, and both outputs."""
    command = [BINARY, "-check-config", "-config", "-"]
    done = subprocess.run(command, input=json.dumps(config), capture_output=True, text=True, timeout=10)
    return done.returncode, done.stdout, done.stderr


def get(proxy, path, method="GET", **headers):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


def post(proxy, path, message, **headers):
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=10)
    headers = {"Content-Type": "application/json", "Accept": ACCEPT, **headers}
    connection.request("POST", path, json.dumps(message), headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


def initialize(version="2025-11-25"):
    client = {"name": "raw", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def text(answer):
    return answer["result"]["content"][0]["text"]


def test_1_a_crashed_server_is_reported_reaped_and_started_again():
    with Proxy({"demo": DEMO}) as proxy:
        raw = Raw(proxy, "demo")
        raw.initialize()
        status, answer = raw.call("crash")
        assert status == 502 and "exit status" in answer["error"]["message"], answer
        assert text(raw.call("echo", message="again")[1]).endswith("again")
        states = subprocess.run(["ps", "-o", "stat=", "--ppid", str(proxy.process.pid)], capture_output=True, text=True)
        assert "Z" not in states.stdout, "a zombie is left"


def test_2_stderr_is_always_read():
    noisy = {"command": "sh", "args": ["-c", f"head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; exec '{BINARY}' __demo"]}
    with Proxy({"noisy": noisy}) as proxy:
        assert Raw(proxy, "noisy").initialize()[0] == 200


def test_3_one_missing_command_ends_nothing():
    with Proxy({"missing": {"command": "no-such-command"}, "demo": DEMO}) as proxy:
        assert Raw(proxy, "demo").initialize()[0] == 200
        assert Raw(proxy, "missing").initialize()[0] == 502
        assert proxy.process.poll() is None


@pytest.mark.parametrize("name", ["two words", "sse", "_mine", "", "a//b", "a?b", "ü"])
def test_4_a_name_that_cannot_be_served_is_refused_by_the_check(name):
    status, _, stderr = check({"mcpServers": {name: {"command": "x"}}})
    assert status == 2 and "mcpServers" in stderr, stderr


@pytest.mark.parametrize(
    "server, meant",
    [
        ({"command": "x", "argz": []}, "args"),
        ({"command": "x", "options": {"authToken": ["t"]}}, "authTokens"),
    ],
)
def test_5_a_misspelt_key_is_an_error_with_the_right_one(server, meant):
    status, _, stderr = check({"mcpServers": {"a": server}})
    assert status == 2 and f'Did you mean "{meant}"?' in stderr, stderr


def test_6_a_timeout_says_its_unit():
    def remote(timeout):
        return {"mcpServers": {"a": {"url": "https://example.com/mcp", "timeout": timeout}}}

    assert check(remote("30s"))[0] == 0
    status, _, stderr = check(remote(30))
    assert status == 2 and '"30s"' in stderr, stderr
    assert check(remote(30_000_000_000))[0] == 0


def test_7_the_scheme_of_a_token_is_spelt_as_one_likes():
    with Proxy({"demo": {**DEMO, "options": {"authTokens": ["secret"]}}}) as proxy:
        for header in ["Bearer secret", "bearer secret", "BEARER secret", "secret"]:
            assert post(proxy, "/demo/mcp", initialize(), Authorization=header)[0] == 200, header
        status, headers, _ = post(proxy, "/demo/mcp", initialize(), Authorization="Bearer wrong")
        assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")


def test_8_a_token_in_the_path_opens_the_server_and_stays_secret():
    with Proxy({"fetch/a-token-of-length": DEMO}) as proxy:
        assert post(proxy, "/fetch/a-token-of-length/mcp", initialize())[0] == 200
        assert post(proxy, "/fetch/another-of-length/mcp", initialize())[0] == 404
        assert wait_for(lambda: "Adding tool" in proxy.log(), 10)
        assert "a-token-of-length" not in proxy.log() + proxy._stdout.decode()


def test_9_an_open_stream_does_not_hold_up_the_end():
    with Proxy({"demo": DEMO}) as proxy:
        connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=10)
        connection.request("GET", "/demo/sse", headers={"Accept": "text/event-stream"})
        assert connection.getresponse().status == 200
        started = time.monotonic()
        assert proxy.end() == 0
        assert time.monotonic() - started < 3, "the reference takes 6.7 s"


def test_10_a_route_is_there_before_its_server():
    slow = {"command": "sh", "args": ["-c", f"sleep 1; exec '{BINARY}' __demo"]}
    with Proxy({"slow": slow}) as proxy:
        assert Raw(proxy, "slow").initialize()[0] == 200


def test_11_session_version_accept_and_origin_are_checked():
    with Proxy({"demo": DEMO}) as proxy:
        _, headers, _ = post(proxy, "/demo/mcp", initialize())
        session, lists = headers["Mcp-Session-Id"], {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        assert post(proxy, "/demo/mcp", lists, **{"Mcp-Session-Id": session})[0] == 200
        assert post(proxy, "/demo/mcp", lists, **{"Mcp-Session-Id": "0" * 32})[0] == 404
        assert post(proxy, "/demo/mcp", lists)[0] == 400
        wrong = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "1999-01-01"}
        assert post(proxy, "/demo/mcp", lists, **wrong)[0] == 400
        assert post(proxy, "/demo/mcp", lists, **{"Mcp-Session-Id": session, "Accept": "text/html"})[0] == 406
        assert post(proxy, "/demo/mcp", initialize(), Origin="https://evil.example")[0] == 403


def test_12_the_old_format_keeps_its_meaning():
    old = {
        "server": {"addr": "127.0.0.1:0", "globalAuthTokens": ["common"]},
        "clients": {
            "one": {
                "type": "stdio",
                "config": {"command": "x"},
                "panicIfInvalid": True,
                "logEnabled": True,
                "authTokens": ["own"],
            }
        },
    }
    status, _, stderr = check(old)
    assert status == 0, stderr
    assert '"panicIfInvalid": true' in stderr and '"logEnabled": true' in stderr, stderr


class Compressing(BaseHTTPRequestHandler):
    """A server that compresses whenever it may."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answers = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "compressing", "version": "1"},
            },
            "tools/list": {"tools": []},
        }
        if "id" not in message:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answers[message["method"]]}).encode()
        self.send_response(200)
        accepted = self.headers.get("Accept-Encoding", "*")  # whoever does not say takes everything (RFC 9110, 12.5.3)
        if "gzip" in accepted or "*" in accepted:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_13_a_server_that_compresses_is_understood():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Compressing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/mcp"
    try:
        with Proxy({"zip": {"url": url, "transportType": "streamable-http"}}) as proxy:
            raw = Raw(proxy, "zip")
            status, answer = raw.initialize()
            assert status == 200 and answer["result"]["serverInfo"]["name"] == "compressing", answer
            assert raw.request("tools/list")[1]["result"]["tools"] == []
    finally:
        server.shutdown()
