"""A remote server whose packets vanish. Run by test_faults.py, in a network namespace that has nothing but us in it.

The server has an address of this machine. When that is taken away and routed to a device that nobody reads, whatever
either side sends is gone without a word: no reset, no "unreachable". That is what a firewall or a pulled cable does."""

import subprocess
import threading
import time

import pytest

from proxy import DEMO, Proxy, wait_for
from rawmcp import Raw

ADDRESS = "192.0.2.1"
PATIENCE = 60


def ip(command):
    subprocess.run(["ip", *command.split()], check=True)


def close_hole():
    subprocess.run(["ip", "route", "del", ADDRESS, "dev", "hole"], capture_output=True)
    ip(f"address replace {ADDRESS}/32 dev lo")


def open_hole():
    ip(f"address del {ADDRESS}/32 dev lo")
    ip(f"route add {ADDRESS} dev hole")


@pytest.fixture(scope="module")
def network():
    ip("link set lo up")
    ip("tuntap add dev hole mode tun")
    ip("link set hole up")


@pytest.fixture
def far(network):
    """A server at that address: another proxy."""
    close_hole()
    with Proxy({"far": DEMO}, settings={"addr": f"{ADDRESS}:0"}) as proxy:
        yield proxy
        close_hole()


def remote(far, transport, **options):
    endpoint = "sse" if transport == "sse" else "mcp"
    return {"url": far.url("far", endpoint), "transportType": transport, "options": options}


def text(answer):
    return answer["result"]["content"][0]["text"]


def assert_near_is_well(proxy, raw):
    started = time.monotonic()
    assert text(raw.call("echo", message="near")[1]).endswith("near")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
def test_calls_to_a_server_whose_packets_vanish(far, transport):
    with Proxy({"far": remote(far, transport, requestTimeout="3s"), "near": DEMO}) as proxy:
        raw, near = Raw(proxy, "far", timeout=PATIENCE), Raw(proxy, "near")
        assert raw.initialize()[0] == near.initialize()[0] == 200
        assert text(raw.call("echo", message="there")[1]).endswith("there")
        answers = []
        slow = threading.Thread(target=lambda: answers.append(Raw.call(begun, "slow", seconds=20)))
        begun = Raw(proxy, "far", timeout=PATIENCE)
        assert begun.initialize()[0] == 200
        slow.start()
        time.sleep(0.3)
        open_hole()
        started = time.monotonic()
        status, answer = raw.call("echo", message="lost")
        assert time.monotonic() - started < 30
        assert status in (502, 504) and '"far"' in answer["error"]["message"], answer
        slow.join(PATIENCE)
        assert "error" in answers[0][1] and "requestTimeout" in answers[0][1]["error"]["message"], answers
        assert_near_is_well(proxy, near)
        # A call while nothing can be connected, and what it is told.
        status, answer = raw.call("echo", message="lost again")
        assert status in (502, 503, 504) and '"far"' in answer["error"]["message"], answer
        assert_near_is_well(proxy, near)
        close_hole()

        def works():
            again = Raw(proxy, "far", timeout=PATIENCE)
            return again.initialize()[0] == 200 and again.call("echo", message="back")[0] == 200

        assert wait_for(works, PATIENCE), proxy.log()
        assert proxy.end() == 0


def test_a_server_that_cannot_be_reached_at_all(far):
    open_hole()
    with Proxy({"far": remote(far, "streamable-http"), "near": DEMO}) as proxy:
        near = Raw(proxy, "near")
        assert near.initialize()[0] == 200
        started = time.monotonic()
        status, answer = Raw(proxy, "far", timeout=PATIENCE).initialize()
        took = time.monotonic() - started
        assert status == 502 and "no answer from" in answer["error"]["message"], answer
        assert took < 25, "10 s are given to a connection"
        assert_near_is_well(proxy, near)
        close_hole()
        assert wait_for(lambda: Raw(proxy, "far", timeout=PATIENCE).initialize()[0] == 200, PATIENCE), proxy.log()


def test_the_proxy_ends_although_nobody_hears_its_farewells(far):
    with Proxy({"far": remote(far, "streamable-http"), "near": DEMO}) as proxy:
        raw = Raw(proxy, "far", timeout=PATIENCE)
        assert raw.initialize()[0] == 200
        open_hole()
        answers = []
        lost = threading.Thread(target=lambda: answers.append(raw.call("echo", message="lost")))
        lost.start()
        time.sleep(0.3)
        started = time.monotonic()
        assert proxy.end(seconds=PATIENCE) == 0
        assert time.monotonic() - started < 15
        lost.join(5)
        assert "shuts down" in answers[0][1]["error"]["message"], answers
