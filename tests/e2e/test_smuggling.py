"""HTTP request smuggling over real sockets: the table that tests/it/codec_http_smuggling.rs plays in memory, to the
proxy itself and through an nginx in front of it. Whatever nginx makes of the bytes: of the requests that it passes on,
the proxy sees each, and none besides."""

import json
import re
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from documents import replaced
from proxy import DEMO, Proxy, wait_for
from test_reverse_proxy import can_connect, free_port, nginx

TABLE = json.loads((Path(__file__).parents[1] / "it" / "golden" / "smuggling.json").read_text())
TEXTS = {name: "".join(pieces) for name, pieces in TABLE["texts"].items()}
VECTORS = TABLE["vectors"]
SERVERS = {name: DEMO for name in ("first", "smuggled", "sentinel")}
# Far more than an answer takes. A connection that is to stay silent is watched for a moment only.
PATIENCE, MOMENT = 10, 0.3
GIVEN_UP = 499

Seen = namedtuple("Seen", "request status")
LOGGED = re.compile(r" msg=request .*?method=(\S+) path=(\S+) .*?status=(\d+)")


def bytes_of(vector, sentinel):
    text = "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in vector["bytes"])
    for name in ("post", "get", "smuggled", "body"):
        text = text.replace(f"<{name}>", TEXTS[name])
    return (text + sentinel).encode("latin-1")


class Connection:
    """Sends bytes and reads answers, each of which says how long it is."""

    def __init__(self, port, data):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.received, self.statuses = b"", []
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # it has read enough to refuse the rest

    def read_until(self, is_enough, seconds=PATIENCE):
        """Whether the connection is still open."""
        self.socket.settimeout(seconds)
        while not is_enough():
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                return True
            except ConnectionResetError:
                return False
            if not piece:
                return False
            self.received += piece
            self._take_answers()
        return True

    def _take_answers(self):
        while found := re.match(rb"HTTP/1\.1 (\d+)[^\n]*\n(.*?\r\n)??\r\n", self.received, re.DOTALL):
            status, head = int(found[1]), found[0]
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            end = len(head) + (int(length[1]) if length else 0)
            if len(self.received) < end:
                return
            self.statuses.append(status)
            self.received = self.received[end:]

    def close(self):
        self.socket.close()


class Log:
    """What was logged since the last look."""

    def __init__(self, proxy):
        self.proxy, self.at = proxy, 0

    def look(self):
        lines = LOGGED.findall(self.proxy.log())[self.at :]
        return [Seen(f"{method} {path}", int(status)) for method, path, status in lines]

    def take(self):
        seen = self.look()
        self.at += len(seen)
        return seen


def logging_proxy(**settings):
    proxy = Proxy(SERVERS, settings={"options": {"logEnabled": True}, **settings})
    is_ready = lambda: all(f"<{name}> Adding tool" in proxy.log() for name in SERVERS)
    assert wait_for(is_ready, PATIENCE), proxy.log()
    return proxy


def test_the_table_is_no_shorter_than_it_was():
    assert len(VECTORS) >= 200
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


def test_every_vector_gets_its_answers_over_a_socket():
    with logging_proxy() as proxy:
        log = Log(proxy)
        for vector in VECTORS:
            then, answers, requests = vector["then"], vector["answers"], vector["requests"]
            if then == "open":
                answers, requests = [*answers, 405], [*requests, "GET /sentinel/mcp"]
            connection = Connection(proxy.port, bytes_of(vector, TEXTS["sentinel"]))
            is_enough = lambda: then == "open" and len(connection.statuses) >= len(answers)
            is_open = connection.read_until(is_enough, MOMENT if then == "waits" else PATIENCE)
            assert (connection.statuses, is_open) == (answers, then != "closed"), vector["name"]
            connection.close()
            wait_for(lambda: len(log.look()) >= len(requests), PATIENCE)
            assert [seen.request for seen in log.take()] == requests, vector["name"]
        assert proxy.end() == 0
        assert log.take() == [], "logged late"


SNIPPET = """
  log_format seen escape=json '{"request":"$request_method $request_uri","status":"$upstream_status"}';
  upstream mcp_proxy { server 127.0.0.1:BEHIND; keepalive 1; }
  server {
    listen 127.0.0.1:FRONT;
    access_log FOLDER/access.log seen;
    client_max_body_size 64m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_request_buffering BUFFERING;
    location / { proxy_pass http://mcp_proxy; }
  }
"""


class Front:
    """nginx, and what it says that it has passed on since the last look."""

    def __init__(self, folder, port):
        self.log, self.port, self.at = folder / "access.log", port, 0

    def look(self):
        # nginx logs the bytes of a target as they came.
        lines = self.log.read_bytes().decode("latin-1").split("\n")[:-1]
        return [json.loads(line) for line in lines[self.at :]]

    def take(self):
        lines = self.look()
        self.at += len(lines)
        # Without a status it was nginx that answered, or the client was gone before us.
        return [Seen(line["request"], int(line["status"])) for line in lines if line["status"].isdigit()]

    def probe(self, number):
        """A request on a connection of its own, perhaps over the one to the proxy that was used last."""
        body = json.dumps({"jsonrpc": "2.0", "id": f"probe-{number}", "method": "ping"})
        head = TEXTS["post"].replace("/first/", "/sentinel/").replace("MCP-Protocol-Version: 2026-07-28\r\n", "")
        data = f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        connection = Connection(self.port, data)
        answers = bytearray()
        while piece := connection.socket.recv(65536):
            answers.extend(piece)
        connection.close()
        return bytes(answers)


PROBE = Seen("POST /sentinel/mcp", 400)  # it belongs to no session


def refusal_of(vector):
    """The status of a request that is refused before anybody knows which server it is for: none is logged."""
    return vector["answers"][0] if vector["then"] == "closed" and not vector["requests"] else None


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_nginx_and_the_proxy_agree_where_requests_end(tmp_path, buffering):
    # Foreign hosts are known here: a request that is refused for its host is not logged.
    with logging_proxy(allowedHosts=["evil.example"]) as proxy:
        port = free_port()
        changes = {"FRONT": port, "BEHIND": proxy.port, "BUFFERING": buffering, "FOLDER": tmp_path}
        snippet = replaced(SNIPPET, {name: str(value) for name, value in changes.items()})
        with nginx(tmp_path, snippet) as (process, log):
            assert wait_for(lambda: process.poll() is not None or can_connect(port), PATIENCE), log.read_text()
            front, ours = Front(tmp_path, port), Log(proxy)
            # nginx closes behind the last answer, and keeps its own connection to the proxy.
            sentinel = TEXTS["sentinel"].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
            passed_on, refused, disagreements = 0, 0, []
            for number, vector in enumerate(VECTORS):
                connection = Connection(port, bytes_of(vector, sentinel))
                connection.read_until(lambda: False, 1)
                connection.close()
                assert f'"probe-{number}"'.encode() in front.probe(number), f"{vector['name']}: another one's answer"
                is_logged = lambda: PROBE in ours.look() and PROBE.request in [line["request"] for line in front.look()]
                assert wait_for(is_logged, PATIENCE), vector["name"]
                # Of a request that was given up nobody has an answer.
                theirs, seen = front.take(), [seen for seen in ours.take() if seen.status != GIVEN_UP]
                passed_on += len(theirs)
                if theirs[0].status == refusal_of(vector) and theirs != seen:
                    refused += 1
                    theirs = theirs[1:]
                if theirs != seen:
                    disagreements.append((vector["name"], theirs, seen))
        assert disagreements == []
        # Each probe, and of the vectors so many that this is worth something.
        assert passed_on > len(VECTORS) + 150 and refused < 15, (passed_on, refused)
        assert proxy.end() == 0
        assert ours.take() == [], "logged late"
