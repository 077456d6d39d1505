// The reference servers: one on each official SDK, with the same tools, prompts and resources, on every transport.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SERVERS, nameOf } from "./plan.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const STOP_MS_MAX = 5_000;
const LOG_MAX = 4_000;

export const PYTHON = join(HERE, "..", ".venv", "bin", "python");

/** How each is started: with `stdio` it speaks there, with `http` it prints its origin. */
const COMMANDS = {
  TypeScript: [process.execPath, join(HERE, "..", "..", "conformance", "server", "main.mjs")],
  Python: [PYTHON, join(HERE, "python", "server.py")],
};

/** Starts both servers on HTTP; ends with `stop`, and with this process whatever happens to it. */
export async function startUpstreams() {
  const started = await Promise.all(SERVERS.map(start));
  const origins = Object.fromEntries(started.map(({ server, origin }) => [server, origin]));
  return {
    /** How a client reaches one directly. */
    target: ({ server, upstream }) => {
      const [command, ...args] = COMMANDS[server];
      if (upstream === "stdio") return { transport: "stdio", command, args: [...args, "stdio"] };
      return { transport: upstream, url: `${origins[server]}${upstream === "sse" ? "/sse" : "/mcp"}` };
    },
    /** What they wrote to stderr: the Python SDK complains whenever a client ends a stream. */
    log: () => started.map(({ server, log }) => `${server}:\n${log().slice(-LOG_MAX)}`).join("\n"),
    stop: () => Promise.all(started.map(({ stop }) => stop())),
  };
}

async function start(server) {
  const [command, ...args] = COMMANDS[server];
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
  return { server, origin: origin.trim(), stop, log: () => said };
}

/** The same servers as the proxy's `mcpServers`, as far as rows need them. */
export function mcpServers(rows, { target }) {
  const entry = ({ transport, command, args, url }) => {
    if (transport === "stdio") return { command, args };
    return { url, transportType: transport === "sse" ? "sse" : "streamable-http" };
  };
  return Object.fromEntries(rows.map((row) => [nameOf(row), entry(target(row))]));
}
