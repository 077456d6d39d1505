-- One POST, over and over: url and connections come from the command line, the rest from the environment.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
local session = os.getenv("BENCH_SESSION")
if session ~= "" then wrk.headers["Mcp-Session-Id"] = session end
local tool = os.getenv("BENCH_MODERN") -- the tool that is called, if in the modern era
if tool ~= "" then
  wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
  wrk.headers["Mcp-Method"] = "tools/call"
  wrk.headers["Mcp-Name"] = tool
else
  wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
end

-- For the caller: requests, microseconds, failures of any kind, the 99th percentile of the latencies in microseconds.
function done(summary, latency, requests)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  local p99 = latency:percentile(99)
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, failures, p99))
end
