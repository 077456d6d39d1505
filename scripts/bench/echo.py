"""A stdio server of one era that gives back what it is sent: echo.py legacy|modern. It does the same work in either, so
that the proxy in front of it is compared with itself."""

import json
import sys

SERVER = {"name": "echo", "version": "1"}
LEGACY = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": SERVER}
MODERN = {
    "resultType": "complete",
    "supportedVersions": ["2026-07-28"],
    "capabilities": {"tools": {}},
    "ttlMs": 0,
    "cacheScope": "public",
    "_meta": {"io.modelcontextprotocol/serverInfo": SERVER},
}
TOOLS = [{"name": "echo", "inputSchema": {"type": "object"}}]


def result(message, is_modern):
    """What a request comes to; None: this era has no such method."""
    common = {"resultType": "complete"} if is_modern else {}
    match message["method"], is_modern:
        case ("initialize", False):
            return LEGACY
        case ("server/discover", True):
            return MODERN
        case ("tools/list", _):
            return {**common, "tools": TOOLS}
        case ("tools/call", _):
            return {**common, "content": [{"type": "text", "text": message["params"]["arguments"]["message"]}]}
    return None


def main():
    is_modern = sys.argv[1] == "modern"
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        found = result(message, is_modern)
        answer |= {"error": {"code": -32601, "message": "Method not found"}} if found is None else {"result": found}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
