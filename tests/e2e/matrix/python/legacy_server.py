"""The reference server for the revisions up to 2025-11-25 on the official Python SDK, its 1.x, with the habits of
Python's servers, and with as much of what the one on the TypeScript SDK has (tests/conformance/server) as the matrix
needs. serve.py says how it is started; over HTTP it has streamable HTTP at /mcp and SSE at /sse.
"""

import contextlib

from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from legacy_reference import reference_server
from serve import main

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


if __name__ == "__main__":
    main(serve_stdio, application)
