// The matrix: official SDK clients x downstream transports x upstream transports and servers x features, through one
// proxy. Prints one table and fails unless every cell is green; a cell that was not played is not green.
//
//     main.mjs [--client NAME] [--downstream NAME] [--upstream NAME] [--server NAME]
//
// The flags choose rows, to look for a fault; direct rows stay, because they are what the others are compared with.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startProxy } from "../support/proxy.mjs";
import { judge } from "./judge.mjs";
import { CLIENTS, DIRECT, FEATURES, isAttributed, nameOf, rows } from "./plan.mjs";
import { PYTHON, mcpServers, startUpstreams } from "./upstreams.mjs";

/** One cell takes a tenth of a second when all is well. */
const CELL_MS = 8_000;
const LOG_MAX = 6_000;
/** All rows of one client; what has not been played by then is a failure. */
const CLIENT_MS_MAX = 110_000;

const string = { type: "string" };
const { values: chosen } = parseArgs({
  options: { client: string, downstream: string, upstream: string, server: string },
});

const isChosen = (row) => Object.entries(chosen).every(([key, value]) => [value, DIRECT].includes(row[key]));

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const COMMANDS = {
  TypeScript: [process.execPath, here("typescript/main.mjs")],
  Python: [PYTHON, here("python/main.py")],
};

/** Has a client play its rows; puts what it tells into `cells`. */
async function play(client, played, cells) {
  const [command, ...args] = COMMANDS[client];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), CLIENT_MS_MAX);
  child.stdin.on("error", () => {}); // it ended at once: its cells are missed below
  child.stdin.end(JSON.stringify({ rows: played, names: FEATURES, cellMs: CELL_MS }));
  for await (const line of createInterface({ input: child.stdout })) {
    const { tag, feature, ...cell } = JSON.parse(line);
    cells.set(`${tag} ${feature}`, cell);
  }
  const [status, signal] = await exited;
  clearTimeout(timer);
  return status === 0 ? [] : [`the ${client} client ended with ${status ?? signal}`];
}

/** The URL or command at which a row's client connects. */
function targetOf(row, upstreams, proxy) {
  if (row.downstream === DIRECT) return upstreams.target(row);
  const url = row.downstream === "sse" ? proxy.sseUrl(nameOf(row)) : proxy.url(nameOf(row));
  return { transport: row.downstream, url: url.href };
}

const started = Date.now();
const upstreams = await startUpstreams();
const all = rows().filter(isChosen);
const through = all.filter(({ downstream }) => downstream !== DIRECT);
const proxy = through.length > 0 ? await startProxy(mcpServers(through, upstreams), { type: "both" }) : undefined;
const cells = new Map();
const faults = [];
for (const client of CLIENTS) {
  const played = all
    .filter((row) => row.client === client)
    .map((row) => ({ ...row, isAttributed: isAttributed(row), target: targetOf(row, upstreams, proxy) }));
  // One after the other: what one client does at a shared server, another sees as a change or a competing call.
  if (played.length > 0) faults.push(...(await play(client, played, cells)));
}
const status = await proxy?.stop();
if (![0, undefined].includes(status)) faults.push(`the proxy ended with status ${status}`);
await upstreams.stop();

const verdict = judge(all, cells);
faults.push(...verdict.faults);
console.log(verdict.text);
if (faults.length > 0) console.log(["\nnot green:", ...faults].join("\n  "));
if (faults.length > 0) console.log(`\n${proxy?.log().slice(-LOG_MAX) ?? ""}\n${upstreams.log()}`);
const part = Object.keys(chosen).length > 0 ? " (a part of the matrix)" : "";
const green = all.length * FEATURES.length - verdict.faults.length;
const seconds = Math.round((Date.now() - started) / 1_000);
console.log(`\n${green} of ${all.length * FEATURES.length} cells are green${part}, ${seconds} s`);
process.exit(faults.length > 0 || all.length === 0 ? 1 : 0);
