// Runs the official conformance suite straight to the reference server and through the proxy, prints a table for each
// leg, scenario by scenario, and fails on anything that is lost on the way.
//
//     run.mjs [--leg NAME]... [--only "stdio" | "streamable HTTP" | "SSE"] [--scenario NAME]
//
// The legs are in support/legs.mjs: both eras of the protocol on either side of the proxy. The flags choose some of
// what is run, to look for a fault.
import { parseArgs } from "node:util";
import { CLIENT_SCENARIOS, LEGS, REVISIONS } from "./support/legs.mjs";
import { isOpen, mark, processes } from "./support/remains.mjs";
import { Report } from "./support/report.mjs";
import { clientLeg, serverLeg } from "./support/suite.mjs";
import { startServer, startThrough, upstreams } from "./support/ways.mjs";

const { values: flags } = parseArgs({
  options: {
    leg: { type: "string", multiple: true },
    only: { type: "string" },
    scenario: { type: "string" },
  },
});
const CLIENT_WAY = "streamable HTTP";

const report = new Report();
const used = [];
/** What must be stopped, should this process be told to end. */
const running = new Set();

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await Promise.allSettled([...running].map(({ stop }) => stop()));
    process.exit(1);
  });
}

/** Does `work` with what was started, and stops it afterwards. What does not end as it should is a loss. */
async function during(starting, work) {
  const started = await starting;
  running.add(started);
  try {
    return await work(started);
  } finally {
    await end(started);
  }
}

async function end(started) {
  running.delete(started);
  await started.stop().catch((error) => report.losses.push(error.message));
}

/** What `make(key)` gives, made once for each key. */
function once(make) {
  const made = new Map();
  return (key) => made.get(key) ?? made.set(key, make(key)).get(key);
}

const serverOf = once(async (era) => {
  const server = await startServer(era);
  running.add(server);
  used.push(server.origin);
  return server;
});

const selectionOf = (revision) =>
  flags.scenario === undefined
    ? REVISIONS[revision].selection
    : ["--scenario", flags.scenario, "--spec-version", revision];

const directServer = once(async (revision) => {
  const { origin } = await serverOf(REVISIONS[revision].era);
  const { found, status } = await serverLeg(`${origin}/mcp`, selectionOf(revision));
  // A runner that breaks off leaves fewer scenarios, which alone would look like fewer to compare.
  if (status !== 0) report.losses.push(`${revision}, direct: the runner ended with status ${status}`);
  return found;
});

async function playServerLeg(name, { revision, server }) {
  const direct = await directServer(revision);
  const { origin } = await serverOf(server);
  const ways = {};
  for (const [way, upstream] of Object.entries(upstreams(server, origin, mark))) {
    if (flags.only !== undefined && flags.only !== way) continue;
    ways[way] = await during(startThrough(upstream), async ({ url }) => {
      used.push(url);
      const { found } = await serverLeg(url, selectionOf(revision));
      return found;
    });
  }
  report.leg(name, revision, direct, ways);
}

async function playClient(revision, client, through) {
  const command = `"${process.execPath}" client/main.mjs`;
  const env = { MCP_CONFORMANCE_CLIENT: client, ...(through && { MCP_CONFORMANCE_THROUGH: "1" }) };
  const found = new Map();
  for (const scenario of CLIENT_SCENARIOS[revision]) {
    if (flags.scenario !== undefined && flags.scenario !== scenario) continue;
    found.set(scenario, await clientLeg(command, scenario, revision, env));
  }
  return found;
}

const directClient = once((revision) => playClient(revision, REVISIONS[revision].era, false));

async function playClientLeg(name, { revision, client }) {
  if (flags.only !== undefined && flags.only !== CLIENT_WAY) return;
  const direct = await directClient(revision);
  report.leg(name, revision, direct, { [CLIENT_WAY]: await playClient(revision, client, true) });
}

const unknown = flags.leg?.filter((name) => LEGS[name] === undefined) ?? [];
if (unknown.length > 0) {
  console.error(`no such leg: ${unknown}; there are ${Object.keys(LEGS).join(", ")}`);
  process.exit(2);
}
for (const [name, leg] of Object.entries(LEGS)) {
  if (flags.leg !== undefined && !flags.leg.includes(name)) continue;
  await (leg.client === undefined ? playServerLeg : playClientLeg)(name, leg);
}
for (const started of running) await end(started);

for (const left of processes()) report.losses.push(`a process is left behind: ${left}`);
for (const url of used) if (await isOpen(url)) report.losses.push(`a port is left open: ${url}`);
process.exit(report.end());
