// The ways to the reference server: straight to it, and through the proxy over each kind of upstream.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startProxy } from "../../e2e/support/proxy.mjs";

const SERVER = fileURLToPath(new URL("../server/main.mjs", import.meta.url));
const NAME = "reference";
const STOP_MS_MAX = 10_000;

/** The reference server on HTTP, held to an era. Ends with `stop`, and with this process whatever happens to it. */
export async function startServer(era) {
  const child = spawn(process.execPath, [SERVER, "http", "--era", era], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [origin] = await Promise.race([once(child.stdout.setEncoding("utf8"), "data"), exited]);
  if (typeof origin !== "string") throw new Error("the reference server did not start");
  return {
    origin: origin.trim(),
    stop: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The proxy before one upstream: its URL, and `stop`, which fails unless the proxy ends cleanly. */
export async function startThrough(upstream) {
  const proxy = await startProxy({ [NAME]: upstream });
  return {
    url: proxy.url(NAME).href,
    stop: async () => {
      const status = await proxy.stop();
      if (status !== 0) throw new Error(`the proxy ended with status ${status}:\n${proxy.log()}`);
    },
  };
}

/** The ways through the proxy to a server of this era, by transport. `env` is for the process that it starts. */
export const upstreams = (era, origin, env) => ({
  stdio: { command: process.execPath, args: [SERVER, "stdio", "--era", era], env },
  "streamable HTTP": streamable(`${origin}/mcp`),
  ...(era === "legacy" && { SSE: { url: `${origin}/sse` } }),
});

export const streamable = (url) => ({ url, transportType: "streamable-http" });
