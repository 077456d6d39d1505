// Starts the real binary on a free port and ends it again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_MS_MAX = 10_000;
const STOP_MS_MAX = 10_000;

/** The release binary; scripts/test says where it is. */
export const BINARY = process.env.MCP_PROXY_BIN ?? fail("set MCP_PROXY_BIN to the mcp-proxy binary to test");

function fail(message) {
  throw new Error(message);
}

/**
 * Runs the proxy with these `mcpServers` until `stop` or `kill`. `type` says which transports it offers, `settings` are
 * further members of `mcpProxy`.
 */
export async function startProxy(servers, { env = {}, type, settings } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-e2e-"));
  const file = join(folder, "config.json");
  const mcpProxy = { addr: "127.0.0.1:0", name: "e2e", version: "1.0.0", type, ...settings };
  writeFileSync(file, JSON.stringify({ mcpProxy, mcpServers: servers }));
  const child = spawn(BINARY, ["-config", file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => (said[stream] += text));
  }
  const exited = once(child, "exit");
  const proxy = {
    pid: child.pid,
    /** Everything on stderr so far. */
    log: () => said.stderr,
    /** Where a server is to be reached over streamable HTTP. */
    url: (name) => new URL(`/${name}/mcp`, origin),
    /** Where a server is to be reached over HTTP+SSE. */
    sseUrl: (name) => new URL(`/${name}/sse`, origin),
    /** SIGTERM; resolves with the exit status once the process is gone. */
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
  async function end(signal) {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    const [code, killedBy] = await exited;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
    return code ?? killedBy;
  }
  const started = Date.now();
  let found;
  while (!(found = said.stdout.match(/https?:\/\/[^/\s]+:[1-9]\d*(?=\/)/))) {
    if (child.exitCode !== null || Date.now() - started > START_MS_MAX) {
      await end("SIGKILL");
      fail(`the proxy named no address; stdout: ${said.stdout}; stderr: ${said.stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const origin = found[0];
  return proxy;
}
