"""Measures what scripts/bench/run promises and prints one table; pairs are interleaved, so both see the same minute."""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import calls
import kept
import standing

HERE = Path(__file__).resolve().parent
MEASURES = {
    "size": standing.size,
    "starts": standing.starts,
    "memory": standing.memory,
    "idleness": standing.idleness,
    "crash": standing.crash,
    "kept": kept.measure,
    "cpu": calls.cpu,
    "cpu-http": calls.cpu_http,
    "eras": calls.eras,
    "sse": calls.sse,
    "system-calls": calls.system_calls,
    "latency": calls.latency,
    "fairness": calls.fairness,
    "rates": calls.rates,
}


class Table:
    """The figures, one row each."""

    def __init__(self):
        self.rows = []

    def add(self, figure, ours, beside, wanted, holds):
        self.rows.append((figure, ours, beside, wanted, "yes" if holds else "NO"))
        print(f"  {figure}: {ours}; {beside}" if beside else f"  {figure}: {ours}", file=sys.stderr)

    def compare(self, figure, ours, beside, theirs, factor):
        """CPU microseconds, of which there may be so many times the others."""
        self.add(figure, f"{ours:.1f} µs ({ours / theirs:.2f} ×)", f"{beside} {theirs:.1f} µs",
                 f"at most {factor:g} × it", ours <= factor * theirs)

    def holds(self):
        return all(row[-1] == "yes" for row in self.rows)

    def __str__(self):
        rows = [("figure", "this", "beside it", "wanted", "holds"), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine():
    """What it was measured on."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / 2**20
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def versions():
    """Of those beside us."""
    said = {
        "nginx": subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr,
        "haproxy": subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout,
    }
    found = [f"{name} {re.search(r'[0-9]+([.][0-9]+)+', text)[0]}" for name, text in said.items()]
    lock = (HERE / "package-lock.json").read_text()
    for name in ("supergateway", "mcp-proxy"):
        found.append(f"npm {name} " + re.search(rf'"node_modules/{name}": {{\s+"version": "([^"]+)', lock)[1])
    pins = (HERE / "requirements.txt").read_text()
    for name in ("mcp-proxy", "fastmcp"):
        found.append(f"PyPI {name} " + re.search(rf"^{name}==(.*)", pins, re.M)[1])
    return ", ".join(found)


def results(table, options):
    return f"""# Figures

Written by `scripts/bench/run --write` on {date.today()}: {machine()}.
Medians of {options.rounds} rounds of {options.seconds} s, in which all that stand beside each other take turns.
The load is wrk's, on the same machine; one wrong status is a failure. nginx and haproxy (one process each) stand in
front of this proxy, so that they carry the very same requests, and only their own CPU is counted.

Beside this: {versions()}.

{table}
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary")
    arguments.add_argument("modules", help="the folder with the other proxies' node_modules and .venv")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=3, help="length of one run of the load")
    arguments.add_argument("--only", action="append", choices=MEASURES, help="leaves out all others")
    arguments.add_argument("--write", action="store_true", help="into scripts/bench/RESULTS.md")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds: whatever runs is ended on the way

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"others are using this machine (load average {load:.1f}): CPU figures will be off", file=sys.stderr)
    table = Table()
    for name, measure in MEASURES.items():
        if name in (options.only or MEASURES):
            measure(table, options)
    print(table)
    if options.write:
        (HERE / "RESULTS.md").write_text(results(table, options))
    sys.exit(0 if table.holds() else 1)


if __name__ == "__main__":
    main()
