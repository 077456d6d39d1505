// The official runner as a function: it is run as its users run it, and its results are read from the files it writes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SUITE = new URL("../node_modules/@modelcontextprotocol/conformance/", import.meta.url);
const RUNNER = fileURLToPath(new URL("dist/index.js", SUITE));
const REQUIREMENTS = new URL("requirements/", SUITE);
/** Scenarios of the Tasks extension, which nobody must have and the reference server does not have. */
const LEFT_OUT = /^tasks-/;
const HERE = fileURLToPath(new URL("..", import.meta.url));
/** A whole leg takes some ten seconds when all is well; a scenario that hangs is given up by the runner after 30. */
const LEG_MS_MAX = 600_000;
/** What the runner repeats of a client that failed, and how much of all it says is shown otherwise. */
const CLIENT_SAID = /Client (exited|timed out)[^]*?(?=\s*Results saved)/;
const SAID_MAX = 2_000;
/** How the runner asks for a login, and how it says that a browser can be sent back: it asks before it listens. */
const ADDRESS = /^(https?:\S+\?\S*code_challenge=\S+)\n/m;
const LISTENS = /^Callback server started: /m;

/**
 * What the server at `url` achieves: in `found` the checks of each scenario, by its name, and the runner's `status`.
 * `selection` is the runner's own flags.
 */
export const serverLeg = (url, selection) => leg(["server", "--url", url, ...selection]);

/** The checks that a client achieves in one scenario. `command` is for a shell; the runner adds the URL. */
export async function clientLeg(command, scenario, revision, env) {
  const args = ["client", "--command", command, "--scenario", scenario, "--spec-version", revision];
  const { found, said, status } = await leg(args, env);
  // The runner's status tells of a client that failed, which no check does.
  const errorMessage = CLIENT_SAID.exec(said)?.[0] ?? said.slice(-SAID_MAX);
  const client = { id: "client", status: status === 0 ? "SUCCESS" : "FAILURE", errorMessage };
  return [...(found.get(scenario) ?? []), client];
}

/**
 * The checks that the authorization server at `issuer` achieves, by scenario. `selection` is the runner's own flags;
 * `open` is its browser.
 */
export async function authorizationLeg(issuer, selection, open) {
  const { found } = await leg(["authorization", "--url", issuer, ...selection], {}, open);
  return found;
}

/** The scenarios that the runner plays at a revision without requiring them. */
export function notRequired(revision) {
  const file = new URL(`${revision}.yaml`, REQUIREMENTS);
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return new Set([...text.matchAll(/^ +- scenario: (\S+)$/gm)].map(([, name]) => name));
}

async function leg(args, env = {}, open = undefined) {
  const folder = mkdtempSync(join(tmpdir(), "mcp-conformance-"));
  try {
    const { said, status } = await run([...args, "--output-dir", folder], env, open);
    // 0: all well; 1: something failed, and the files say what. Without files the runner itself is at fault.
    const found = readResults(folder);
    const isPlayed = found.size > 0 && [0, 1].includes(status);
    if (!isPlayed) throw new Error(`the runner ended with status ${status}:\n${said}`);
    return { found, said, status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the runner to its end; `open`, if given, is called once with the address it asks to open, when it listens. */
async function run(args, env, open) {
  const child = spawn(process.execPath, [RUNNER, ...args], {
    cwd: HERE,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LEG_MS_MAX,
    killSignal: "SIGKILL",
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let said = "";
  const hear = (text) => {
    said += text;
    const asked = ADDRESS.exec(said);
    if (open === undefined || asked === null || !LISTENS.test(said)) return;
    // Nobody would come back to the runner, which waits for minutes.
    open(asked[1]).catch((error) => {
      said += `${error.stack}\n`;
      kill();
    });
    open = undefined;
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
  const [status] = await once(child, "close");
  process.off("exit", kill);
  return { said, status };
}

const TIME = /-(\d{4}-\d\d-\d\dT[\d-]+Z)$/;

/**
 * One folder per scenario, named `server-NAME-TIME`, `authorization-server-NAME-TIME` or `NAME-TIME`; without its file
 * the scenario broke off.
 */
function readResults(folder) {
  const found = new Map();
  const time = (name) => TIME.exec(name)?.[1] ?? "";
  for (const name of readdirSync(folder).sort((one, other) => time(one).localeCompare(time(other)))) {
    const file = join(folder, name, "checks.json");
    const checks = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [brokenOff];
    const scenario = name.replace(TIME, "").replace(/^(authorization-)?server-/, "");
    if (!LEFT_OUT.test(scenario)) found.set(scenario, checks);
  }
  return found;
}

const brokenOff = { id: "finished", status: "FAILURE", errorMessage: "the scenario broke off" };
