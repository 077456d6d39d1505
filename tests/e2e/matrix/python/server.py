"""The reference server on the official Python SDK, with the habits of Python's servers, and with as much of what the
one on the TypeScript SDK has (tests/conformance/server) as the matrix needs.

`server.py stdio` speaks on stdin and stdout. `server.py http` listens on a free port of 127.0.0.1, prints its origin,
and serves streamable HTTP at /mcp, from where it redirects to /mcp/, and SSE at /sse. Both end with their stdin.
"""

import asyncio
import contextlib
import os
import socket
import sys
import threading

import uvicorn
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from reference import reference_server

HOST = "127.0.0.1"
# How long a client whose stream ended is told to wait before it comes back.
RETRY_MS = 250

server = reference_server()


class Events(EventStore):
    """What the streams have carried, so that a client can resume one."""

    def __init__(self):
        self.sent = []

    async def store_event(self, stream_id, message):
        self.sent.append((stream_id, message))
        return str(len(self.sent))

    async def replay_events_after(self, last_event_id, send_callback):
        start = int(last_event_id)
        stream = self.sent[start - 1][0]
        for number, (other, message) in enumerate(self.sent[start:], start + 1):
            # A priming event has an id but carries no message.
            if other == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def application():
    sse = SseServerTransport("/messages/")
    manager = StreamableHTTPSessionManager(server, event_store=Events(), retry_interval=RETRY_MS)

    async def serve_sse(request):
        async with sse.connect_sse(request.scope, request.receive, request._send) as streams:
            await server.run(*streams, server.create_initialization_options())
        return Response()

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with manager.run():
            yield

    routes = [
        # A mount answers /mcp with a redirect to /mcp/, as many servers in the world do.
        Mount("/mcp", app=manager.handle_request),
        Route("/sse", endpoint=serve_sse, methods=["GET"]),
        Mount("/messages/", app=sse.handle_post_message),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def serve_stdio():
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())


def serve_http():
    threading.Thread(target=end_with_stdin, daemon=True).start()
    # With its protocol named: otherwise asyncio does not recognise it as TCP, and leaves Nagle's algorithm on.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    print(f"http://{HOST}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(application(), log_level="error")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["stdio"]:
            asyncio.run(serve_stdio())
        case ["http"]:
            serve_http()
        case _:
            sys.exit("usage: server.py stdio | http")
