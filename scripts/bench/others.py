"""Those beside ours: plain reverse proxies in front of ours, other MCP proxies in front of the same stdio server."""

import contextlib
import tempfile
from pathlib import Path

from peers import HERE, Peer, free_port, quiet, running, wait_until_listening

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 100000000;
  # Room for a whole answer in memory: otherwise nginx would write the large ones to a file.
  client_body_buffer_size 256k; proxy_buffers 32 8k; proxy_max_temp_file_size 0;
  upstream proxied {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://proxied; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(behind):
    """nginx, one process, in front of `behind`: what a plain reverse proxy spends on the very same requests."""
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-bench-") as folder:
        port = free_port()
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, upstream=behind.port, port=port))
        with running(["nginx", "-c", str(config), "-p", folder], **quiet()) as process:
            wait_until_listening(port, process)
            yield Peer("nginx", process, port, behind.path)


@contextlib.contextmanager
def supergateway(modules, binary):
    port = free_port()
    command = ["node", f"{modules}/node_modules/.bin/supergateway", "--stdio", f"{binary} __demo", "--port", str(port)]
    command += ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none"]
    with running(command, **quiet()) as process:
        wait_until_listening(port, process)
        yield Peer("supergateway", process, port, "/mcp")


@contextlib.contextmanager
def npm_mcp_proxy(modules, binary):
    port = free_port()
    command = ["node", f"{modules}/node_modules/.bin/mcp-proxy", "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--server", "stream", "--", binary, "__demo"], **quiet()) as process:
        wait_until_listening(port, process)
        yield Peer("npm mcp-proxy", process, port, "/mcp")


HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:{port}
  default_backend behind
backend behind
  server ours 127.0.0.1:{upstream}
"""


@contextlib.contextmanager
def haproxy(behind):
    """haproxy, one thread, in front of `behind`."""
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-bench-") as folder:
        port = free_port()
        config = Path(folder) / "haproxy.cfg"
        config.write_text(HAPROXY.format(upstream=behind.port, port=port))
        with running(["haproxy", "-db", "-f", str(config)], **quiet()) as process:
            wait_until_listening(port, process)
            yield Peer("haproxy", process, port, behind.path)


@contextlib.contextmanager
def pypi_mcp_proxy(modules, binary):
    port = free_port()
    command = [f"{modules}/.venv/bin/mcp-proxy", "--host", "127.0.0.1", "--port", str(port), "--log-level", "ERROR"]
    with running([*command, "--", binary, "__demo"], **quiet()) as process:
        wait_until_listening(port, process)
        yield Peer("PyPI mcp-proxy", process, port, "/mcp")


@contextlib.contextmanager
def fastmcp(modules, binary):
    port = free_port()
    command = [f"{modules}/.venv/bin/python", str(HERE / "fastmcp_proxy.py"), str(port), binary]
    with running(command, **quiet()) as process:
        wait_until_listening(port, process)
        yield Peer("fastmcp", process, port, "/mcp")
