"""FastMCP's proxy in front of the demo server: fastmcp_proxy.py PORT BINARY. One client serves all: FastMCP would greet
the server anew for each request otherwise."""

import asyncio
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy


async def main(port, binary):
    async with Client(StdioTransport(binary, ["__demo"])) as client:
        proxy = create_proxy(client)
        await proxy.run_http_async(host="127.0.0.1", port=int(port), show_banner=False, log_level="error")


asyncio.run(main(*sys.argv[1:]))
