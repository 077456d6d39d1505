"""The Dockerfile, and what the README gives people to copy: linted, compared with each other, and run as far as that
can be done without a container engine."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from documents import ROOT, example, replaced, stages
from proxy import BINARY, DEMO, Proxy, wait_for
from rawmcp import Raw

PORT = "9090"


def test_the_linter_is_content():
    linter = Path(sys.executable).parent / "hadolint"
    command = [linter, "--no-color", "--failure-threshold", "style", "-"]
    lint = lambda text: subprocess.run(command, input=text, capture_output=True, text=True)
    found = lint((ROOT / "Dockerfile").read_text())
    assert (found.returncode, found.stdout + found.stderr) == (0, "")
    assert lint("FROM debian\nRUN cd /tmp\n").returncode == 1


def test_both_images():
    found = stages()
    assert list(found) == ["build", "scratch", "runtime"], "the last one is built by default"
    for name in ("scratch", "runtime"):
        stage = found[name]
        assert stage.one("STOPSIGNAL") == "SIGTERM"
        assert stage.one("EXPOSE") == PORT
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage.one("USER")), "a number that is not root's"
        [binary] = stage.words("ENTRYPOINT")
        assert ["--from=build", "/out/mcp-proxy", binary] in stage.copies()
        # Where the reference's image has it.
        assert stage.words("CMD") == ["-config", "/config/config.json"]


def test_the_build_is_given_what_it_needs(tmp_path):
    """Everything in the context that .dockerignore describes, and cargo finds its way there."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in kept:
        source, copy = ROOT / name, tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    metadata = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    package = json.loads(subprocess.check_output(metadata, cwd=tmp_path))["packages"][0]
    built = [target["src_path"] for target in package["targets"] if set(target["kind"]) & {"lib", "bin"}]
    assert len(built) == 2 and all(Path(path).exists() for path in built)
    # What the sources themselves take in. A path is relative to the file that has it.
    for source in (tmp_path / "src").rglob("*.rs"):
        for taken in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text()):
            assert (source.parent / taken).exists(), f"{source.name}: {taken} is not in .dockerignore"


def test_the_health_check():
    command = stages()["runtime"].words("HEALTHCHECK")

    def is_healthy(path="/_healthz"):
        here = replaced(command[-1], {f":{PORT}/_healthz": f":{proxy.port}{path}"})
        return subprocess.run([*command[:-1], here], timeout=10).returncode == 0

    with Proxy({"demo": DEMO}) as proxy:
        assert is_healthy()
        assert not is_healthy("/no/such/page"), "an answer is not enough"
        assert proxy.end() == 0
        assert not is_healthy()


def children(pid):
    """The process ids of a process's children, zombies included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may itself contain spaces and parentheses.
            _state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid:
            found.add(int(stat.parent.name))
    return found


def test_the_first_process_of_a_container(tmp_path):
    """In a process namespace of its own, where it inherits whoever has lost their parent, it takes leave of them."""
    mapped, as_user = ([], []) if os.geteuid() == 0 else (["--map-root-user"], ["--user", "--preserve-credentials"])
    container = ["unshare", *mapped, "--pid", "--fork", "--mount-proc"]
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"mcpProxy": {"addr": "127.0.0.1:0"}, "mcpServers": {"demo": DEMO}}))
    with Proxy(command=[*container, "--kill-child", BINARY, "-config", str(config)]) as proxy:
        [first] = children(proxy.process.pid)
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        before = children(first)
        # As a health check, or somebody who looks around in there, may leave them: parents that do not wait.
        enter = ["nsenter", "--target", str(first), *as_user, "--pid", "--mount"]
        left = "for _ in 1 2 3 4 5; do sleep 0.5 & done"
        subprocess.run([*enter, "sh", "-c", left], check=True, timeout=10)
        assert wait_for(lambda: len(children(first) - before) == 5, 5), "they are its children now"
        assert wait_for(lambda: children(first) == before, 10), f"not reaped: {children(first)}"
        assert raw.call("echo", message="still here")[0] == 200
        raw.close()
        os.kill(first, signal.SIGTERM)
        assert proxy.process.wait(10) == 0


def test_the_compose_file():
    compose = yaml.safe_load(example("yaml", "services:"))
    runtime = stages()["runtime"]
    service = compose["services"]["mcp-proxy"]
    assert service["build"] == "."
    assert [port.rpartition(":")[2] for port in service["ports"]] == [PORT]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounts["./config"] == str(Path(runtime.words("CMD")[1]).parent)
    [volume] = compose["volumes"]
    assert f"HOME={mounts[volume]}" in runtime.all("ENV")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze on this machine")
def test_the_systemd_unit(tmp_path):
    unit = tmp_path / "mcp-proxy.service"

    def verify(changes):
        unit.write_text(replaced(example("ini", "[Service]"), {"/usr/local/bin/mcp-proxy": BINARY, **changes}))
        return subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)

    found = verify({})
    assert (found.returncode, found.stderr) == (0, "")
    assert "Restrat" in verify({"Restart=on-failure": "Restrat=on-failure"}).stderr
