-- One POST, over and over, each with an id of its own: url and connections come from the command line, the rest
-- from the environment.
wrk.method = "POST"
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

-- All ids have as many digits, so that the head stays as it is; runs that follow each other have others.
local FIRST = 1000000 + os.time() % 80 * 100000
local before, behind, count

function init(_)
  local body, found = os.getenv("BENCH_BODY"):gsub('"id": ?%d+', '"id":' .. FIRST, 1)
  assert(found == 1, "the body has no id")
  local whole = wrk.format(nil, nil, nil, body)
  local _, last = whole:find('"id":' .. FIRST, 1, true)
  before, behind, count = whole:sub(1, last - #tostring(FIRST)), whole:sub(last + 1), 0
end

function request()
  count = count + 1
  return before .. FIRST + count .. behind
end

-- For the caller: requests, microseconds, failures of any kind, the 99th percentile of the latencies in microseconds,
-- and their mean.
function done(summary, latency, requests)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  local p99, mean = latency:percentile(99), latency.mean
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, failures, p99, mean))
end
