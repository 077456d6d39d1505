"""A client of a few lines on plain sockets: no SDK between the test and the wire."""

import http.client
import json

ACCEPT = "application/json, text/event-stream"


class Raw:
    """One session over one connection."""

    def __init__(self, proxy, name, timeout=20):
        self.path = f"/{name}/mcp"
        self.connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=timeout)
        self.session = None
        self.last_id = 0

    def post(self, message):
        """The response's status, and its JSON: of the body, or of the last event on a stream."""
        self.send(message)
        return self.receive()

    def send(self, message):
        """The first half of `post`: once another request is answered, the proxy has this one as well."""
        headers = {"Content-Type": "application/json", "Accept": ACCEPT}
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        self.connection.request("POST", self.path, json.dumps(message), headers)

    def receive(self):
        """The second half of `post`."""
        response = self.connection.getresponse()
        self.session = response.getheader("Mcp-Session-Id") or self.session
        body = response.read()
        if (response.getheader("Content-Type") or "").startswith("text/event-stream"):
            data = [line[5:] for line in body.decode().splitlines() if line.startswith("data:") and line[5:].strip()]
            body = data[-1] if data else b"null"
        return response.status, json.loads(body or b"null")

    def request(self, method, params=None):
        return self.post(self.next_request(method, params))

    def next_request(self, method, params=None):
        self.last_id += 1
        return {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params or {}}

    def next_initialize(self):
        info = {"name": "raw", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        return self.next_request("initialize", params)

    def initialize(self):
        status, answer = self.post(self.next_initialize())
        if status == 200:
            self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return status, answer

    def call(self, tool, **arguments):
        return self.post(self.next_call(tool, **arguments))

    def next_call(self, tool, **arguments):
        return self.next_request("tools/call", {"name": tool, "arguments": arguments})

    def close(self):
        self.connection.close()
