"""What calls cost: CPU, rates, latencies and system calls, beside those who do the same."""

import json
import re
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import others
import peers
from load import SMALL, Load, call, check_answer, interleaved, modern

RESULT_BYTES = 100 * 1024
LARGE_BYTES = 50_000_000


def cpu(table, options):
    """A stdio server: through us, and through plain reverse proxies in front of us."""
    large = call("big", {"bytes": RESULT_BYTES})
    with peers.ours(options.binary) as proxy, others.nginx(proxy) as nginx, others.haproxy(proxy) as haproxy:
        all_three = proxy, nginx, haproxy
        beside_each_other(table, options, all_three, ("200 B call, stdio server", SMALL, 0.45, b"xxx"))
        beside_each_other(table, options, all_three, ("100 KiB result, stdio server", large, 1.5, b"text"))


def cpu_http(table, options):
    """A streamable HTTP server: through us, and through the others, to the very same server. It is another of our
    proxies, which speaks both eras: a modern call is what passes as it is."""
    with peers.ours(options.binary) as server, ExitStack() as stack:
        makers = peers.in_front(options.binary, server), others.nginx(server), others.haproxy(server)
        all_three = [stack.enter_context(made) for made in makers]
        beside_each_other(table, options, all_three, ("modern call, HTTP server", modern(SMALL), 0.8, b"xxx"))


def beside_each_other(table, options, all_three, what):
    name, body, factor, expected = what
    load = Load(options.seconds)
    for peer in all_three:
        check_answer(peer, body, expected)
    ours, nginx, haproxy = interleaved(options.rounds, [lambda p=p: load.cpu_us(p, body) for p in all_three])
    found, beside = f"{ours:.1f} µs ({ours / nginx:.2f} × nginx)", f"nginx {nginx:.1f} µs, haproxy {haproxy:.1f} µs"
    table.add(f"CPU per {name}", found, beside, f"at most {factor:g} × nginx", ours <= factor * nginx)


def eras(table, options):
    """Calls of either era, to servers of either era; the remote ones are another of our proxies."""
    load, bodies = Load(options.seconds), (SMALL, modern(SMALL))
    with peers.ours(options.binary) as proxy:
        for body in bodies:
            check_answer(proxy, body, b"xxx")
        legacy, translated = interleaved(options.rounds, [lambda b=b: load.cpu_us(proxy, b) for b in bodies])
        table.compare("CPU per modern call, legacy server", translated, "legacy call", legacy, 2)
        with peers.in_front(options.binary, proxy) as front:
            for body in bodies:
                check_answer(front, body, b"xxx")
            translated, passed = interleaved(options.rounds, [lambda b=b: load.cpu_us(front, b) for b in bodies])
        table.compare("CPU per legacy call, modern HTTP server", translated, "modern call", passed, 2)
    with peers.with_both_eras(options.binary) as (legacy_peer, modern_peer):
        pairs = (legacy_peer, bodies[0]), (modern_peer, bodies[1])
        for peer, body in pairs:
            check_answer(peer, body, b"xxx")
        legacy, passed = interleaved(options.rounds, [lambda p=p, b=b: load.cpu_us(p, b) for p, b in pairs])
    table.compare("CPU per modern call, modern stdio server", passed, "legacy call and server", legacy, 1.3)


def sse(table, options):
    """HTTP+SSE: the POSTs of all connections belong to one session, whose stream somebody reads."""
    load = Load(options.seconds)
    with peers.ours(options.binary) as proxy, peers.sse_session(proxy) as session:
        ways = session, proxy
        over_sse, streamable = interleaved(options.rounds, [lambda p=p: load.cpu_us(p, SMALL) for p in ways])
        # Each answer is an event: three lines or more.
        assert session.events >= load.answered, f"{session.events} lines on the stream for {load.answered} calls"
    table.add("CPU per call over SSE", f"{over_sse:.1f} µs", f"streamable {streamable:.1f} µs", "", True)


def rates(table, options):
    """Calls per second, against the other MCP proxies in front of the same stdio server."""
    with peers.ours(options.binary) as proxy, ExitStack() as stack:
        makers = others.supergateway, others.npm_mcp_proxy, others.pypi_mcp_proxy, others.fastmcp
        rivals = [stack.enter_context(make(options.modules, options.binary)) for make in makers]
        for peer in (proxy, *rivals):
            check_answer(peer, SMALL, b"xxx")
        for connections, factor in ((1, 4), (16, 25), (256, 20)):
            load = Load(options.seconds, connections)
            ours, *theirs = interleaved(options.rounds, [lambda p=p: load.rate(p, SMALL) for p in (proxy, *rivals)])
            beside = ", ".join(f"{peer.name} {rate:,.0f}" for peer, rate in zip(rivals, theirs))
            name, best = f"calls per second, connections: {connections}", max(theirs)
            found, wanted = f"{ours:,.0f} ({ours / best:.1f} × the best)", f"at least {factor} × the best"
            table.add(name, found, beside, wanted, ours >= factor * best)


def latency(table, options):
    """Both in front of the same server, another of our proxies."""
    load = Load(options.seconds)
    with peers.ours(options.binary) as server, ExitStack() as stack:
        makers = peers.in_front(options.binary, server), others.nginx(server)
        both = [stack.enter_context(made) for made in makers]
        ours, theirs = interleaved(options.rounds, [lambda p=p: load.p99_ms(p, modern(SMALL)) for p in both])
    table.add("p99 at 16 connections, HTTP server", f"{ours:.2f} ms", f"nginx {theirs:.2f} ms", "at most 2 × nginx",
              ours <= 2 * theirs)


def fairness(table, options):
    """Large results of another server pass, one after the other, and somebody drips, while the usual calls go on."""
    load = Load(options.seconds, 64)
    large = json.loads(call("big", {"bytes": LARGE_BYTES}))
    with peers.with_two_servers(options.binary) as (proxy, neighbour):
        check_answer(proxy, SMALL, b"xxx")

        def beside():
            with peers.dripping(proxy), peers.busy(neighbour, large, LARGE_BYTES) as passed:
                p99 = load.p99_ms(proxy, SMALL)
            assert passed.count > 0, "no large result has passed"
            return p99

        quiet, busy = interleaved(options.rounds, [lambda: load.p99_ms(proxy, SMALL), beside])
    table.add("p99 of 64 connections beside 50 MB results", f"{busy:.2f} ms", f"alone {quiet:.2f} ms",
              "at most 2 × alone", busy <= 2 * quiet)


def system_calls(table, options):
    """Of our process, per call, as strace counts them."""
    load = Load(options.seconds)
    with peers.ours(options.binary) as proxy, tempfile.TemporaryDirectory() as folder:
        check_answer(proxy, SMALL, b"xxx")
        counts = Path(folder) / "counts"
        command = ["strace", "-c", "-f", "-U", "calls,name", "-o", str(counts), "-p", str(proxy.process.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert b"attached" in strace.stderr.readline(), "strace must be allowed to trace others"
            requests, *_ = load.run(proxy, SMALL)
            strace.terminate()
        total = int(re.search(r"(\d+)\s+total", counts.read_text())[1])
    each = total / requests
    table.add("system calls per call, 16 connections", f"{each:.2f}", "", "at most 3.0", each <= 3)
