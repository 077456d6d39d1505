"""A proxy that keeps as many clients and logins as it may: how long it takes to start, and to refresh one of them."""

import contextlib
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

import peers

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "e2e"))
import authorization

CLIENTS, GRANTS = 1_000, 10_000
FILE = "oauth_clients.json"


@contextlib.contextmanager
def proxy(binary, directory):
    """A client of it, and the milliseconds of CPU that it took until it listened."""
    server = {"command": binary, "args": ["__demo"]}
    settings = authorization.settings(directory)
    with peers.configured(binary, {"demo": server}, ["demo"], settings) as (peer,):
        yield authorization.Client("127.0.0.1", peer.port), peer.cpu_ns() / 1e6


def read(file):
    """What is kept there: the first line, and the changes behind it."""
    store, *changes = [json.loads(line) for line in file.read_bytes().splitlines()]
    for change in changes:
        for section, records in change.items():
            store[section] |= records
            store[section] = {key: record for key, record in store[section].items() if record is not None}
    return store


def fill(file):
    """Makes of one login as many as there may be: no matter whose, but their passwords are those of today."""
    store = read(file)
    [client], [grant] = store["clients"].values(), store["grants"].values()
    ids = [secrets.token_urlsafe(16) for _ in range(CLIENTS - 1)]
    store["clients"] |= {name: client for name in ids}
    tokens = {section: next(iter(store[section].values())) for section in ("accessTokens", "refreshTokens")}
    for number in range(GRANTS - 1):
        name = secrets.token_urlsafe(16)
        store["grants"][name] = {**grant, "clientId": ids[number % len(ids)]}
        for section, record in tokens.items():
            store[section]["sha256:" + secrets.token_hex(32)] = {**record, "grant": name}
    file.write_text(json.dumps(store, separators=(",", ":")) + "\n")


def synced_ms(directory, data):
    """What the disk itself takes for one line: milliseconds."""
    with (directory / "probe").open("ab", buffering=0) as out:
        started = time.monotonic()
        out.write(data)
        os.fdatasync(out.fileno())
        return (time.monotonic() - started) * 1e3


def measure(table, options):
    with tempfile.TemporaryDirectory(prefix="mcp-proxy-bench-kept-") as name:
        empty, full = Path(name) / "empty", Path(name) / "full"
        with proxy(options.binary, full) as (client, _):
            tokens, client_id = client.log_in_whole(), client.id
        fill(full / FILE)
        size = (full / FILE).stat().st_size
        starts = {empty: [], full: []}
        changes, probes = [], []
        for _ in range(2 * options.rounds):
            for directory, found in starts.items():
                with proxy(options.binary, directory) as (client, milliseconds):
                    found.append(milliseconds)
                    if directory is full:
                        client.id = client_id
                        for _ in range(20):
                            started = time.monotonic()
                            status, tokens = client.refresh(tokens["refresh_token"])
                            changes.append((time.monotonic() - started) * 1e3)
                            assert status == 200, tokens
                            probes.append(synced_ms(full, b"x" * 500))
                    client.close()
        kept = read(full / FILE)
        assert len(kept["clients"]) == CLIENTS and len(kept["grants"]) == GRANTS, "they were swept away"
    without, took = (statistics.median(found) for found in starts.values())
    load = took - without
    beside = f"{size / 2**20:.1f} MiB; start with nothing {without:.1f} ms"
    table.add("CPU to load 10,000 logins", f"{load:.1f} ms", beside, "at most 50 ms", load <= 50)
    change, probe = statistics.median(changes), statistics.median(probes)
    table.add("one refresh of them", f"{change:.2f} ms", f"fdatasync alone {probe:.2f} ms", "at most 5 ms", change <= 5)
