// The reference servers: for each official SDK one of either era, with the same tools, prompts and resources, on every
// transport.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SERVERS, UPSTREAMS, nameOf } from "./plan.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const STOP_MS_MAX = 5_000;
const LOG_MAX = 4_000;

const python = (environment) => join(HERE, "..", environment, "bin", "python");
/** The SDK's 1.x and its 2.x do not go together in one environment. */
export const PYTHON = { legacy: python(".venv"), modern: python(".venv2") };

const TYPESCRIPT = [process.execPath, join(HERE, "..", "..", "conformance", "server", "main.mjs"), "--era"];

/** How each is started: with `stdio` it speaks there, with `http` it prints its origin. */
const COMMANDS = {
  TypeScript: { legacy: [...TYPESCRIPT, "legacy"], modern: [...TYPESCRIPT, "modern"] },
  Python: {
    legacy: [PYTHON.legacy, join(HERE, "python", "legacy_server.py")],
    modern: [PYTHON.modern, join(HERE, "python", "modern_server.py")],
  },
};

/** Starts all servers on HTTP; ends with `stop`, and with this process whatever happens to it. */
export async function startUpstreams() {
  const each = SERVERS.flatMap((server) => Object.keys(COMMANDS[server]).map((era) => start(server, era)));
  const started = await Promise.all(each);
  const originOf = (server, era) => started.find((one) => one.server === server && one.era === era).origin;
  return {
    /** How a client reaches one directly. */
    target: ({ server, upstream }) => {
      const { era, transport } = UPSTREAMS[upstream];
      const [command, ...args] = COMMANDS[server][era];
      if (transport === "stdio") return { transport, command, args: [...args, "stdio"] };
      return { transport, url: `${originOf(server, era)}${transport === "sse" ? "/sse" : "/mcp"}` };
    },
    /** What they wrote to stderr: the Python SDK complains whenever a client ends a stream. */
    log: () => started.map(({ server, era, log }) => `${server}, ${era}:\n${log().slice(-LOG_MAX)}`).join("\n"),
    stop: () => Promise.all(started.map(({ stop }) => stop())),
  };
}

async function start(server, era) {
  const [command, ...args] = COMMANDS[server][era];
  const child = spawn(command, [...args, "http"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const exited = once(child, "exit");
  const [origin] = await Promise.race([once(child.stdout.setEncoding("utf8"), "data"), exited]);
  if (typeof origin !== "string") throw new Error(`the ${server} reference server did not start:\n${said}`);
  const stop = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await exited;
    clearTimeout(timer);
  };
  return { server, era, origin: origin.trim(), stop, log: () => said };
}

/** The same servers as the proxy's `mcpServers`, as far as rows need them. */
export function mcpServers(rows, { target }) {
  const entry = ({ transport, command, args, url }) => {
    if (transport === "stdio") return { command, args };
    return { url, transportType: transport === "sse" ? "sse" : "streamable-http" };
  };
  return Object.fromEntries(rows.map((row) => [nameOf(row), entry(target(row))]));
}
