"""What whoever runs the proxy sees of it: metrics, read by Prometheus' own parser, and the log of requests."""

import http.client
import json
import re

from prometheus_client.parser import text_string_to_metric_families

from proxy import DEMO, Proxy, wait_for
from rawmcp import Raw


def read_metrics(proxy):
    """The families by name, and the samples by name and labels."""
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=20)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(response.read().decode()))
    connection.close()
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family is told of in two places"
    samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples, key
            samples[key] = sample.value
    return {family.name: family for family in families}, samples


def test_prometheus_understands_the_metrics():
    with Proxy({"demo": DEMO, "other": DEMO}, settings={"metrics": True}) as proxy:
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        for _ in range(3):
            assert raw.call("echo", message="hi")[0] == 200
        assert "error" in raw.call("crash")[1]
        assert "error" in raw.request("no/such/method")[1]
        families, samples = read_metrics(proxy)

        def calls(method, outcome):
            labels = (("method", method), ("outcome", outcome), ("server", "demo"))
            return samples[("mcp_proxy_calls_total", *labels)]

        assert calls("tools/call", "ok") == 3 and calls("tools/call", "failed") == 1
        assert calls("initialize", "ok") == 1 and calls("other", "error") == 1
        demo = ("server", "demo")
        assert samples["mcp_proxy_call_duration_seconds_count", demo] == 6
        assert samples["mcp_proxy_server_restarts_total", demo] == 1
        assert samples["mcp_proxy_sessions", demo] == 1
        assert samples["mcp_proxy_sessions", ("server", "other")] == 0
        assert samples["mcp_proxy_connections",] == 2
        assert samples["mcp_proxy_received_bytes_total",] > 1000 and samples["mcp_proxy_sent_bytes_total",] > 1000
        assert samples["mcp_proxy_loop_lag_seconds_count",] > 10
        assert 1e6 < samples["process_resident_memory_bytes",] < 1e8
        assert 10 < samples["process_open_fds",] < 100
        assert {name: family.type for name, family in families.items()}["mcp_proxy_calls"] == "counter"
        for name, family in families.items():
            assert family.documentation and family.type in ("counter", "gauge", "histogram"), name
        again = read_metrics(proxy)[1]
        assert all(again[key] >= value for key, value in samples.items() if key[0].endswith(("_total", "_bucket")))
        raw.close()


def requests(proxy, is_it):
    """The lines about requests, once there is one that `is_it`."""
    assert wait_for(lambda: any(map(is_it, proxy.log().splitlines())), 5), proxy.log()
    return [line for line in proxy.log().splitlines() if is_it(line)]


def test_each_request_is_logged():
    logged = {**DEMO, "options": {"logEnabled": True, "authTokens": ["a-secret-token"]}}
    with Proxy({"demo": logged, "quiet": DEMO}) as proxy:
        quiet = Raw(proxy, "quiet")
        assert quiet.initialize()[0] == 200
        connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=20)
        for token in ("a-secret-token", "a-secret-toke"):
            params = {"name": "echo", "x": "secret-body"}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            headers = {
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Authorization": f"Bearer {token}",
            }
            connection.request("POST", "/demo/mcp?code=secret-query", json.dumps(message), headers)
            connection.getresponse().read()
        [denied] = requests(proxy, lambda line: "status=401" in line)
        common = r"time=\S+Z level=INFO msg=request client=demo method=POST path=/demo/mcp"
        assert re.fullmatch(rf"{common} status=401 duration=\d+ms bytes=\d+", denied)
        [taken] = requests(proxy, lambda line: "status=400" in line)
        assert re.fullmatch(rf"{common} rpc=tools/call tool=echo status=400 duration=\d+ms bytes=\d+", taken)
        log = proxy.log()
        assert "secret" not in log and "client=quiet method" not in log, log


def test_the_log_as_json_has_the_same_members():
    with Proxy({"demo": {**DEMO, "options": {"logEnabled": True}}}, flags=["-log-format", "json"]) as proxy:
        raw = Raw(proxy, "demo")
        assert raw.initialize()[0] == 200
        assert raw.call("slow", seconds=0.3)[0] == 200
        [line] = requests(proxy, lambda line: '"tool":"slow"' in line)
        record = json.loads(line)
        assert list(record) == "time level msg client method path rpc tool status duration bytes".split()
        assert (record["msg"], record["client"], record["path"]) == ("request", "demo", "/demo/mcp")
        assert record["status"] == 200 and 0.2 < record["duration"] < 10 and record["bytes"] > 100
