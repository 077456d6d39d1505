"""A connection that breaks in the middle of a call: the official Python client comes back, and nothing is lost."""

import asyncio
from contextlib import asynccontextmanager

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from proxy import EVERYTHING, Proxy


class Relay:
    """A network that can break: relays to a port, until it is cut."""

    def __init__(self, port):
        self.port, self.open, self.tasks = port, set(), set()

    async def take(self, reader, writer):
        upstream = await asyncio.open_connection("127.0.0.1", self.port)
        self.open |= {writer, upstream[1]}
        for source, sink in ((reader, upstream[1]), (upstream[0], writer)):
            task = asyncio.create_task(self.pump(source, sink))
            self.tasks.add(task)

    async def pump(self, source, sink):
        try:
            while piece := await source.read(65536):
                sink.write(piece)
                await sink.drain()
        except OSError:
            pass
        sink.close()

    def cut(self):
        for writer in self.open:
            writer.transport.abort()
        self.open.clear()

    @asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self.take, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.cut()
            server.close()


def test_a_broken_call_goes_on():
    async def scenario(proxy):
        relay, steps = Relay(proxy.port), []

        async def on_progress(progress, _total, _message):
            steps.append(progress)
            if progress == 2:
                relay.cut()

        async with relay.listening() as port:
            url = f"http://127.0.0.1:{port}/everything/mcp"
            async with streamable_http_client(url) as (read, write, *_), ClientSession(read, write) as session:
                await session.initialize()
                arguments = {"duration": 2, "steps": 8}
                call = session.call_tool("trigger-long-running-operation", arguments, progress_callback=on_progress)
                result = await call
                return result.content[0].text, steps

    with Proxy({"everything": EVERYTHING}) as proxy:
        text, steps = asyncio.run(asyncio.wait_for(scenario(proxy), 60))
    assert "completed" in text
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]
