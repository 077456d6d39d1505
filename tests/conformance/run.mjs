// Runs the official conformance suite straight to the reference server and through the proxy, prints a table for each
// revision, scenario by scenario, and fails on anything that is lost on the way.
//
//     run.mjs [--only "stdio" | "streamable HTTP" | "SSE"]
import { parseArgs } from "node:util";
import { isOpen, mark, processes } from "./support/remains.mjs";
import { clientLeg, notRequired, serverLeg } from "./support/suite.mjs";
import { compare, score, shortcomings, table } from "./support/verdict.mjs";
import { startServer, startThrough, upstreams } from "./support/ways.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string" } } });

/** The runner's own flags for each revision: the older one has no list of requirements. */
const SELECTIONS = {
  "2025-11-25": ["--requirements", "2025-11-25"],
  "2025-06-18": ["--spec-version", "2025-06-18"],
};

const CLIENT_REVISION = "2025-11-25";
const CLIENT_SCENARIOS = [
  "initialize",
  "tools_call",
  "elicitation-sep1034-client-defaults",
  "sse-retry",
  "json-schema-2020-12-preservation",
];

const losses = [];
const remarks = [];
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
    running.delete(started);
    await started.stop().catch((error) => losses.push(error.message));
  }
}

/** Prints one table: what is achieved directly and in each way, scenario by scenario. Keeps what is lost. */
function report(leg, revision, direct, ways) {
  const title = `${leg} scenarios, ${revision}`;
  const optional = notRequired(revision);
  const intact = Object.fromEntries(Object.keys(ways).map((way) => [way, 0]));
  const rows = [["scenario", "direct", ...Object.keys(ways)]];
  for (const [scenario, checks] of direct) {
    for (const short of shortcomings(checks)) losses.push(`${title}, direct, ${scenario}: ${short}`);
    const cells = Object.entries(ways).map(([way, found]) => {
      const through = found.get(scenario) ?? [];
      const { lost, otherwise } = compare(scenario, checks, through);
      losses.push(...lost.map((what) => `${title}, ${way}, ${scenario}: ${what}`));
      remarks.push(...otherwise.map((what) => `${title}, ${way}, ${scenario}: ${what}`));
      if (lost.length === 0 && !optional.has(scenario)) intact[way] += 1;
      return `${score(through)}${lost.length > 0 ? " LOST" : otherwise.length > 0 ? " *" : ""}`;
    });
    rows.push([`${scenario}${optional.has(scenario) ? " (not required)" : ""}`, score(checks), ...cells]);
  }
  const required = [...direct.keys()].filter((scenario) => !optional.has(scenario)).length;
  const whole = Object.keys(ways).map((way) => `${intact[way]}`);
  rows.push([optional.size > 0 ? "required scenarios intact" : "scenarios intact", `${required}`, ...whole]);
  console.log(`\n${title}\n\n${table(rows)}`);
}

async function serverLegs({ origin }) {
  for (const [revision, selection] of Object.entries(SELECTIONS)) {
    const title = `server scenarios, ${revision}`;
    const { found: direct, status } = await serverLeg(`${origin}/mcp`, selection);
    // A runner that breaks off leaves fewer scenarios, which alone would look like fewer to compare.
    if (status !== 0) losses.push(`${title}, direct: the runner ended with status ${status}`);
    const ways = {};
    for (const [way, upstream] of Object.entries(upstreams(origin, mark))) {
      if (flags.only !== undefined && flags.only !== way) continue;
      ways[way] = await during(startThrough(upstream), async ({ url }) => {
        used.push(url);
        const { found } = await serverLeg(url, selection);
        return found;
      });
    }
    report("server", revision, direct, ways);
  }
}

async function clientLegs() {
  const way = "streamable HTTP";
  if (flags.only !== undefined && flags.only !== way) return;
  const command = `"${process.execPath}" client/main.mjs`;
  const all = async (env) => {
    const found = new Map();
    for (const scenario of CLIENT_SCENARIOS) {
      found.set(scenario, await clientLeg(command, scenario, CLIENT_REVISION, env));
    }
    return found;
  };
  const direct = await all({});
  const through = await all({ MCP_CONFORMANCE_THROUGH: "1" });
  report("client", CLIENT_REVISION, direct, { [way]: through });
}

await during(startServer(), async (server) => {
  used.push(server.origin);
  await serverLegs(server);
  await clientLegs();
});

for (const left of processes()) losses.push(`a process is left behind: ${left}`);
for (const url of used) if (await isOpen(url)) losses.push(`a port is left open: ${url}`);

function section(title, lines) {
  if (lines.length > 0) console.log([`\n${title}`, ...lines].join("\n  "));
}
section("* otherwise than directly, by choice:", remarks);
section("lost:", losses);
console.log(losses.length > 0 ? `\nFAILED: ${losses.length} losses` : "\nnothing lost");
process.exit(losses.length > 0 ? 1 : 0);
