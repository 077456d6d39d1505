"""The reference server for 2026-07-28 on the official Python SDK, its 2.x. serve.py says how it is started; over HTTP
it answers at /mcp."""

import contextlib

from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

from modern_reference import reference_server
from serve import main

server = reference_server()


def application():
    manager = StreamableHTTPSessionManager(server)

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with manager.run():
            yield

    # A mount answers /mcp with a redirect to /mcp/, as many servers in the world do.
    return Starlette(routes=[Mount("/mcp", app=manager.handle_request)], lifespan=lifespan)


async def serve_stdio():
    async with stdio_server() as streams:
        await server.run(*streams, server.create_initialization_options())


if __name__ == "__main__":
    main(serve_stdio, application)
