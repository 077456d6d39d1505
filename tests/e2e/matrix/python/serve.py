"""How a reference server is started: with `stdio` it speaks on stdin and stdout; with `http` it listens on a free port
of 127.0.0.1 and prints its origin. Either way it ends with its stdin."""

import asyncio
import os
import socket
import sys
import threading

import uvicorn

HOST = "127.0.0.1"


def main(serve_stdio, application):
    match sys.argv[1:]:
        case ["stdio"]:
            asyncio.run(serve_stdio())
        case ["http"]:
            serve_http(application())
        case _:
            sys.exit(f"usage: {sys.argv[0]} stdio | http")


def serve_http(application):
    threading.Thread(target=end_with_stdin, daemon=True).start()
    # With its protocol named: otherwise asyncio does not recognise it as TCP, and leaves Nagle's algorithm on.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    print(f"http://{HOST}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(application, log_level="error")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)
