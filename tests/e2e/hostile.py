"""An MCP server that misbehaves on purpose: `hostile.py stdio MODE`, or `hostile.py http MODE`, which prints its port.

It introduces itself well and answers calls of the tool `right` as it should; a call of `go` starts the mischief."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = b"x" * 65536
LONG_LINE_PIECES = 1100  # 68.75 MiB
MILLION = 1_000_000
NEVER_GIVEN = [999_999, -1, 1.5, None, "a", "mcp-proxy:initialize", "mcp-proxy:tools/list", {}, [1], 1e400, True]


def message(**members):
    return json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n"


def result(text):
    return {"content": [{"type": "text", "text": text}]}


def answer(request, text="right"):
    return message(id=request["id"], result=result(text))


NOTICE = message(method="notifications/message", params={"level": "emergency", "data": "a notice"})


def introduction(request):
    """The answer to what every client asks first; None to what is to be done."""
    if request["method"] == "initialize":
        capabilities = {"tools": {}, "logging": {}}
        info = {"name": "hostile", "version": "1"}
        asked = request["params"]["protocolVersion"]
        return message(
            id=request["id"], result={"protocolVersion": asked, "capabilities": capabilities, "serverInfo": info}
        )
    if request["method"] == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("go", "right")]
        return message(id=request["id"], result={"tools": tools})
    if request["method"] != "tools/call":
        return message(id=request["id"], error={"code": -32601, "message": "Method not found"})
    return answer(request) if request["params"]["name"] == "right" else None


GARBAGE = [
    b"Starting the server on stdio...\n",
    b"\n\n\r\n",
    b"\x1b[31merror\x1b[0m\n",
    b"\xff\xfe\x00\x01\n",
    b"{\n",
    b"null\n",
    b"[]\n",
    b"[1,2,3]\n",
    b'{"jsonrpc":"1.0","id":1,"result":{}}\n',
    b'{"jsonrpc":"2.0"}\n',
    b"Content-Length: 30\r\n\r\n",
    b"<html>\n",
    b"[" * 100_000 + b"\n",
]


def endless(start, piece=PIECE):
    yield start
    while True:
        yield piece


def mischief(mode, request):
    """What goes out when `go` is called, piece by piece."""
    if mode == "endless-line":
        yield from endless(b'{"jsonrpc":"2.0","id":1,"result":"')
    elif mode == "long-line":
        yield b'{"jsonrpc":"2.0","method":"notifications/x","params":{"x":"'
        yield from [PIECE] * LONG_LINE_PIECES
        yield b'"}}\n' + answer(request)
    elif mode == "wrong-ids":
        for number in NEVER_GIVEN:
            yield message(id=number, result=result("wrong")).replace(b"Infinity", b"1e400")
            yield message(id=number, error={"code": 1, "message": "wrong"}).replace(b"Infinity", b"1e400")
        yield message(id=request["id"] + 1, result=result("wrong")) + message(result=result("wrong")) + answer(request)
    elif mode == "duplicates":
        yield answer(request) + answer(request, "again") + answer(request, "again") * 1000
    elif mode == "early":
        yield answer(request)
        for number in range(request["id"] + 1, request["id"] + 1000):
            yield message(id=number, result=result("early"))
    elif mode == "flood":
        yield from [NOTICE * 1000] * (MILLION // 1000)  # as fast as the pipe takes them
        yield answer(request)
    elif mode == "garbage":
        for line in GARBAGE:
            yield line + NOTICE
        yield answer(request)


def stdio(mode):
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "id" not in request or "method" not in request:
            continue
        said = introduction(request)
        for piece in [said] if said else mischief(mode, request):
            out.write(piece)
        out.flush()


def event(data):
    return b"event: message\ndata: " + data.strip() + b"\n\n"


def events(mode, request):
    """The same, as an event stream."""
    if mode == "endless-comment":
        yield from endless(b": ")
    elif mode == "endless-comments":
        yield from endless(b"", b": still here\n\n" * 1000)
    elif mode == "endless-event-line":
        yield from endless(b"data: ")
    elif mode == "endless-event":
        yield from endless(b"", b"data: x\n" * 1000)
    elif mode == "endless-ids":
        yield from endless(b"", b"id: 1\n\n" * 1000)
    elif mode == "flood":
        yield from [event(NOTICE) * 1000] * (MILLION // 1000)
        yield event(answer(request))
    elif mode == "long-line":
        yield b'data: {"jsonrpc":"2.0","method":"notifications/x","params":{"x":"'
        yield from [PIECE] * LONG_LINE_PIECES
        yield b'"}}\n\n' + event(answer(request))
    elif mode == "garbage":
        for line in GARBAGE:
            yield b"data: " + line.strip().replace(b"\n", b"") + b"\n\n" + line + b"\n" + event(NOTICE)
        yield event(answer(request))
    else:
        for piece in mischief(mode, request):
            yield b"".join(event(line) for line in piece.splitlines())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mode = None

    def do_GET(self):
        self.send_error(405)

    do_DELETE = do_GET

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in request or "method" not in request:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if said := introduction(request):
            return self.answer("application/json", [said])
        if self.mode == "endless-head":
            return self.send_all(endless(b"HTTP/1.1 200 OK\r\nX: "))
        if self.mode == "endless-interim":
            return self.send_all(endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100))
        if self.mode == "endless-json":
            return self.answer("application/json", endless(b'{"jsonrpc":"2.0","id":1,"result":"'))
        self.answer("text/event-stream", events(self.mode, request))

    def answer(self, kind, pieces):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.send_all(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
        self.send_all([b"0\r\n\r\n"])

    def send_all(self, pieces):
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True  # nobody listens any more

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    kind, Handler.mode = sys.argv[1:]
    if kind == "stdio":
        stdio(Handler.mode)
    else:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
