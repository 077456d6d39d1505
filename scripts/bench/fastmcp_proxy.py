"""FastMCP's proxy in front of the demo server: fastmcp_proxy.py PORT BINARY."""

import sys

from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy

port, binary = sys.argv[1:]
proxy = create_proxy(StdioTransport(binary, ["__demo"], keep_alive=True))
proxy.run(transport="http", host="127.0.0.1", port=int(port), show_banner=False, log_level="error")
