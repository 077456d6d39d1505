"""Long trials of the real binary: processes that are killed under load, sessions that are abandoned, and full load for
a while. Each prints what it measured, and fails if anything was left behind or grew. See scripts/soak."""

import argparse
import collections
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.append(str(TESTS / "e2e"))
from proxy import BINARY, DEMO, EVERYTHING, Proxy, kill_marked, npm_program, wait_for
from rawmcp import Raw

MIB = 2**20
# A shell that starts a helper out of reach of its process group, and only then becomes the server.
FAMILY = {"command": "sh", "args": ["-c", f"setsid sleep 1000 & sleep 1000 & '{BINARY}' __demo; true"]}
# For whatever was killed to be gone, and all that hung on it.
GONE_SECONDS_MAX = 10


def say(text):
    print(text, flush=True)


def official():
    """One of the official servers, if it is installed."""
    return {"everything": EVERYTHING} if os.path.exists(npm_program("mcp-server-everything")) else {}


def rss(proxy):
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def descriptors(proxy):
    return len(os.listdir(f"/proc/{proxy.process.pid}/fd"))


class Callers:
    """Threads that call until they are told to end, each on a connection of its own. A call may fail, for servers are
    killed and the proxy too; none may hang."""

    def __init__(self, proxy, works):
        self.counts, self.is_over = collections.Counter(), threading.Event()
        # Daemons: a trial that fails must end.
        self.threads = [threading.Thread(target=self._run, args=(proxy, *work), daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def _run(self, proxy, name, work):
        while not self.is_over.is_set():
            raw = Raw(proxy, name, timeout=60)
            try:
                self._count(raw.initialize()[1])
                while not self.is_over.is_set() and raw.session:
                    self._count(work(raw))
            except TimeoutError:
                self.counts["hung"] += 1
            except (OSError, ValueError, http.client.HTTPException):
                self.is_over.wait(0.01)  # the proxy was killed
            finally:
                raw.close()

    def _count(self, answer):
        self.counts["answered" if answer and "result" in answer else "failed"] += 1

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive(), "a call hangs"
        assert self.counts["hung"] == 0, self.counts
        return self.counts


def echo(raw):
    return raw.call("echo", message="x" * 200)[1]


def slow(raw):
    return raw.call("slow", seconds=0.2, steps=4)[1]


# ---- Kills ----


class Process:
    """A process, told from another that gets its id later by the time when it began."""

    def __init__(self, pid):
        self.pid = pid
        self.began = self._stat()[19]

    def _stat(self):
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()

    def is_alive(self):
        try:
            stat = self._stat()
            return stat[19] == self.began and stat[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def parent(self):
        return int(self._stat()[1])


def family_of(proxy, pid):
    """The keeper that a process belongs to, and all that it has started."""
    found = {}
    for other in proxy.processes():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[other] = Process(other)
    parents = {}
    for other, process in found.items():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[other] = process.parent()

    def keeper(of):
        while parents.get(of) not in (None, proxy.process.pid):
            of = parents[of]
        return of if parents.get(of) == proxy.process.pid else None

    mine = keeper(pid)
    return [process for other, process in found.items() if mine is not None and keeper(other) == mine]


def kill_one(proxy, dice):
    """Kills a server, a keeper, or a helper of a server. All that belongs to it has to go."""
    # As their command lines begin. A shell that has forked, and not yet become the helper, has the shell's own.
    kind, begins = dice.choice([*[("server", f"{BINARY} __demo")] * 3, ("keeper", "mcp-keeper"), ("helper", "sleep")])
    candidates = [pid for pid, command in proxy.processes().items() if command.startswith(begins)]
    if not candidates:
        return None
    pid = dice.choice(candidates)
    family = family_of(proxy, pid) if kind != "helper" else []
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    left = wait_for(lambda: not any(process.is_alive() for process in family), GONE_SECONDS_MAX)
    assert left, f"left behind: {[process.pid for process in family if process.is_alive()]} {proxy.processes()}"
    return kind


def kills(count):
    """So many kills of servers, keepers, helpers and the proxy itself, at random moments under load."""
    seed = random.randrange(1 << 32)
    say(f"kills: {count:,}, seed {seed}")
    dice, killed, calls = random.Random(seed), collections.Counter(), collections.Counter()
    servers = {"one": DEMO, "two": DEMO, "family": FAMILY, **official()}
    works = [(name, work) for name in ("one", "two", "family") for work in (echo, slow)]
    works += [(name, lambda raw: raw.request("tools/list")[1]) for name in official()]
    started = time.monotonic()
    while killed.total() < count:
        proxy = Proxy(servers)
        try:
            callers = Callers(proxy, works)
            for _ in range(dice.randint(1, 40)):
                time.sleep(dice.uniform(0, 0.1))
                if killed.total() < count - 1:
                    killed.update(filter(None, [kill_one(proxy, dice)]))
            proxy.end(signal.SIGKILL)
            killed["the proxy"] += 1
            gone = wait_for(lambda: not proxy.processes(), GONE_SECONDS_MAX)
            assert gone, f"left behind by the proxy: {proxy.processes()}"
            calls.update(callers.end())
        finally:
            kill_marked(proxy.marker)
    took = time.monotonic() - started
    say(f"  killed in {took:.0f} s: {dict(killed)}")
    say(f"  calls: {dict(calls)}; nothing was left behind, no call hung")
    assert calls["answered"] > count / 10, "there was no load"


# ---- Sessions ----

INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}}})
SESSIONS_MAX = 65_536


def post(session, body):
    named = f"Mcp-Session-Id: {session}\r\n" if session else ""
    return (f"POST /demo/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{named}"
            f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def open_sessions(proxy, count):
    """Begins so many sessions on one connection; their ids."""
    with socket.create_connection((proxy.host, proxy.port), 60) as connection:
        connection.sendall(post(None, INITIALIZE) * count)
        stream, ids = connection.makefile("rb"), []
        for _ in range(count):
            length = 0
            assert b" 200 " in stream.readline()
            while (line := stream.readline()) != b"\r\n":
                name, value = line.split(b":", 1)
                if name.lower() == b"mcp-session-id":
                    ids.append(value.strip().decode())
                elif name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
    return ids


def abandon(proxy, session, way):
    """Does something with a session, and goes in the middle of it."""
    with socket.create_connection((proxy.host, proxy.port), 60) as connection:
        if way == "stream":
            head = f"GET /demo/mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\n"
            connection.sendall(f"{head}Accept: text/event-stream\r\n\r\n".encode())
            assert b" 200 " in connection.recv(4096)
        else:
            params = {"name": "slow", "arguments": {"seconds": 0.5, "steps": 2}, "_meta": {"progressToken": 1}}
            call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
            connection.sendall(post(session, json.dumps(call)))


def sessions(count):
    """So many sessions that nobody ends: some after `initialize`, some with a stream, some in the middle of a call."""
    say(f"sessions: {count:,}, all abandoned")
    batch = max(50, min(500, count // 40))
    with Proxy({"demo": DEMO}, settings={"metrics": True}) as proxy:
        Raw(proxy, "demo").initialize()
        time.sleep(1)
        idle, files, opened, samples = rss(proxy), descriptors(proxy), 0, {}
        while opened < count:
            ids = open_sessions(proxy, batch)
            opened += len(ids)
            for session in ids[::10]:
                abandon(proxy, session, "stream")
            for session in ids[::50]:
                abandon(proxy, session, "call")
            samples[opened] = rss(proxy)
            if opened % (count // 10) < batch:
                grown = (samples[opened] - idle) / min(opened, SESSIONS_MAX)
                size = samples[opened] / MIB
                say(f"  {opened:>7,}: {size:6.1f} MiB, {grown:5.0f} B each, {descriptors(proxy)} files")
        assert wait_for(lambda: descriptors(proxy) <= files, 15), (descriptors(proxy), files)
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200 and "result" in echo(raw), "a new one is served"
        each = (max(samples.values()) - idle) / min(opened, SESSIONS_MAX)
        say(f"  from {idle / MIB:.1f} to {rss(proxy) / MIB:.1f} MiB, {each:,.0f} B each at most")
        # What streams and calls have left is kept for a while for whoever comes back.
        assert each < 3_072, "a session takes too much"
        full = [size for number, size in samples.items() if number > SESSIONS_MAX * 1.1]
        if full:
            growth = max(full) / full[0] - 1
            say(f"  beyond {SESSIONS_MAX:,}, where the oldest make room: {growth:+.1%}")
            assert growth < 0.05, "memory goes on growing although no more sessions are kept"


# ---- Load ----


def churn(raw):
    """A session of its own: it begins, calls, listens, and ends."""
    answer = raw.call("add", a=1, b=2)[1]
    raw.connection.request("DELETE", raw.path, headers={"Mcp-Session-Id": raw.session})
    raw.connection.getresponse().read()
    raw.session = None
    return answer


def big(raw):
    return raw.call("big", bytes=1_000_000)[1]


def crash(raw):
    raw.call("crash")
    time.sleep(5)
    return echo(raw)


@contextlib.contextmanager
def wrk(proxy, seconds):
    """The call that most are, on 16 connections, as fast as they come."""
    if not shutil.which("wrk"):
        say("  wrk is not installed: the load is what Python can do")
        yield None
        return
    raw = Raw(proxy, "demo")
    raw.initialize()
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "echo", "arguments": {"message": "x" * 100}}}
    environment = {**os.environ, "BENCH_BODY": json.dumps(call), "BENCH_SESSION": raw.session, "BENCH_MODERN": ""}
    script = str(TESTS.parent / "scripts" / "bench" / "load.lua")
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", script, proxy.url("demo")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sample(proxy, seconds, started):
    """Memory and files, as often as makes 200 samples."""
    samples, shown = [], 0
    while (passed := time.monotonic() - started) < seconds:
        samples.append((passed, rss(proxy), descriptors(proxy)))
        if passed >= shown:
            say(f"  {passed:6.0f} s: {samples[-1][1] / MIB:6.1f} MiB, {samples[-1][2]} files")
            shown += max(2, seconds / 20)
        time.sleep(seconds / 200)
    return samples


def load(seconds):
    """Full load for so long. Memory and descriptors must be flat: the last quarter is compared with the second."""
    say(f"load: {seconds:,} s")
    servers = {"demo": DEMO, "other": DEMO, "crashing": DEMO, **official()}
    works = [("other", work) for work in (echo, slow, slow, churn, churn, big)] + [("crashing", crash)]
    works += [(name, lambda raw: raw.request("tools/list")[1]) for name in official()]
    with Proxy(servers, settings={"metrics": True}) as proxy:
        for name in servers:
            assert Raw(proxy, name, timeout=60).initialize()[0] == 200
        time.sleep(1)
        idle, files = rss(proxy), descriptors(proxy)
        started = time.monotonic()
        with wrk(proxy, seconds) as process:
            callers = Callers(proxy, works)
            samples = sample(proxy, seconds, started)
            counts = callers.end()
            if process:
                said = process.communicate(timeout=60)[0]
                requests, _, failures, *_ = map(int, re.search("RESULT" + 5 * r" (\d+)", said).groups())
                say(f"  wrk: {requests:,} calls, {requests / seconds:,.0f} a second, {failures} failed")
                assert requests > 0 and failures == 0, said
        assert wait_for(lambda: descriptors(proxy) <= files, 15), (descriptors(proxy), files)
        say(f"  others: {dict(counts)}; afterwards {rss(proxy) / MIB:.1f} MiB (idle before: {idle / MIB:.1f} MiB), "
            f"{descriptors(proxy)} files (before: {files})")
        judge(samples, seconds)
        assert counts["answered"] > seconds, "there was no load"
        assert proxy.end() == 0
        assert wait_for(lambda: not proxy.processes(), GONE_SECONDS_MAX), proxy.processes()


def judge(samples, seconds):
    second = [part for part in samples if seconds / 4 <= part[0] < seconds / 2]
    last = [part for part in samples if part[0] >= seconds * 3 / 4]
    memory = [statistics.median(part[1] for part in quarter) / MIB for quarter in (second, last)]
    most = [max(part[2] for part in quarter) for quarter in (second, last)]
    say(f"  second quarter: {memory[0]:.1f} MiB, at most {most[0]} files; last: {memory[1]:.1f} MiB, {most[1]} files")
    assert memory[1] <= memory[0] * 1.1 + 4, "memory grows"
    assert most[1] <= most[0] + 8, "descriptors leak"


TRIALS = {"kills": (kills, 20, 1_000), "sessions": (sessions, 2_000, 100_000), "load": (load, 20, 1_200)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--long", action="store_true", help="the long form of each: half an hour")
    arguments.add_argument("trial", nargs="?", choices=TRIALS, help="only this one")
    arguments.add_argument("amount", nargs="?", type=int, help="kills, sessions, or seconds of load")
    options = arguments.parse_args()
    for name, (trial, short, long) in TRIALS.items():
        if options.trial in (None, name):
            trial(options.amount or (long if options.long else short))
    say("all is well")


if __name__ == "__main__":
    main()
