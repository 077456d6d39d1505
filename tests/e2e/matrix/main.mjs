// The matrix: official SDK clients x downstream transports x upstream transports and servers x features, of both eras
// of the protocol, through one proxy. Prints one table and fails unless every cell is green that there can be; a cell
// that was not played is not green.
//
//     main.mjs [--client NAME] [--downstream NAME] [--upstream NAME] [--server NAME] [--feature NAME] [--readme]
//
// The flags choose rows, to look for a fault; direct rows stay, because they are what the others are compared with.
// --readme writes the table into README.md; without it a whole run fails where another one stands there.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startProxy } from "../support/proxy.mjs";
import { limits, whyNot } from "./eras.mjs";
import { judge, report } from "./judge.mjs";
import { markdown } from "./markdown.mjs";
import { CLIENTS, DIRECT, FEATURES, erasOf, nameOf, rows } from "./plan.mjs";
import { readmeTable, writeReadmeTable } from "./readme.mjs";
import { PYTHON, mcpServers, startUpstreams } from "./upstreams.mjs";

/** One cell takes a tenth of a second when all is well. */
const CELL_MS = 20_000;
const LOG_MAX = 6_000;
/** All rows of one client; what has not been played by then is a failure. */
const CLIENT_MS_MAX = 300_000;

const string = { type: "string" };
const options = { client: string, downstream: string, upstream: string, server: string };
const { values } = parseArgs({ options: { ...options, feature: string, readme: { type: "boolean" } } });
const { readme: isForReadme, feature: only, ...chosen } = values;
const isWhole = Object.keys(values).every((key) => key === "readme");
const names = FEATURES.filter((feature) => [feature, undefined].includes(only));

const isChosen = (row) => Object.entries(chosen).every(([key, value]) => [value, DIRECT].includes(row[key]));

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const COMMANDS = {
  TypeScript: () => [process.execPath, here("typescript/main.mjs")],
  Python: (era) => [PYTHON[era], here("python/main.py")],
};

/** Has a client of an era play its rows; puts what it tells into `cells`. */
async function play(client, era, played, cells) {
  const [command, ...args] = COMMANDS[client](era);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), CLIENT_MS_MAX);
  child.stdin.on("error", () => {}); // it ended at once: its cells are missed below
  child.stdin.end(JSON.stringify({ rows: played, cellMs: CELL_MS }));
  for await (const line of createInterface({ input: child.stdout })) {
    const { tag, feature, ...cell } = JSON.parse(line);
    cells.set(`${tag} ${feature}`, cell);
  }
  const [status, signal] = await exited;
  clearTimeout(timer);
  return status === 0 ? [] : [`the ${client} client, ${era}, ended with ${status ?? signal}`];
}

/** The URL or command at which a row's client connects. */
function targetOf(row, upstreams, proxy) {
  if (row.downstream === DIRECT) return upstreams.target(row);
  if (row.downstream === "sse") return { transport: "sse", url: proxy.sseUrl(nameOf(row)).href };
  return { transport: "streamable", url: proxy.url(nameOf(row)).href };
}

const started = Date.now();
const upstreams = await startUpstreams();
const all = rows().filter(isChosen);
const through = all.filter(({ downstream }) => downstream !== DIRECT);
const proxy = through.length > 0 ? await startProxy(mcpServers(through, upstreams), { type: "both" }) : undefined;
const cells = new Map();
const faults = [];
for (const client of CLIENTS) {
  for (const era of ["legacy", "modern"]) {
    const played = all
      .map((row) => ({ ...row, eras: erasOf(row) }))
      .filter((row) => row.client === client && row.eras.client === era)
      .map((row) => ({
        ...row,
        features: names.filter((feature) => whyNot(feature, row) === undefined),
        cannot: limits(row),
        target: targetOf(row, upstreams, proxy),
      }));
    // One after the other: what one client does at a shared server, another sees as a change or a competing call.
    if (played.length > 0) faults.push(...(await play(client, era, played, cells)));
  }
}
const status = await proxy?.stop();
if (![0, undefined].includes(status)) faults.push(`the proxy ended with status ${status}`);
await upstreams.stop();

const verdicts = judge(all, cells, names);
const { text, faults: notGreen } = report(verdicts, names);
faults.push(...notGreen);
if (isWhole && faults.length === 0) {
  const table = markdown(verdicts, names);
  if (isForReadme) writeReadmeTable(table);
  else if (readmeTable() !== table) faults.push("README.md has another table: scripts/matrix --readme mends that");
}
console.log(text);
if (faults.length > 0) console.log(["\nnot green:", ...faults].join("\n  "));
if (faults.length > 0) console.log(`\n${proxy?.log().slice(-LOG_MAX) ?? ""}\n${upstreams.log()}`);
const part = isWhole ? "" : " (a part of the matrix)";
const marks = verdicts.flatMap(({ cells: found }) => Object.values(found).map(({ mark }) => mark));
const green = marks.filter((mark) => mark === "ok").length;
const played = marks.filter((mark) => mark !== "-").length;
const seconds = Math.round((Date.now() - started) / 1_000);
console.log(`\n${green} of ${played} cells are green${part}, ${seconds} s`);
process.exit(faults.length > 0 || all.length === 0 ? 1 : 0);
