// Runs the official suite's scenarios for authorization servers against the proxy, which is one, for a client that
// names the server it wants a token for and for one that does not. Fails on any check that is not passed.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logIn, USER } from "../e2e/support/login.mjs";
import { BINARY, startProxy } from "../e2e/support/proxy.mjs";
import { authorizationLeg } from "./support/suite.mjs";
import { score, table, unmet } from "./support/verdict.mjs";

const SCENARIOS = ["authorization-server-metadata-endpoint", "authorization-code-grant"];

/** A port for the runner, which must be told one. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The id of a client without a secret, as most are: the runner sends none where the server knows such clients. */
async function register(origin, redirectUri) {
  const metadata = { client_name: "conformance", redirect_uris: [redirectUri], token_endpoint_auth_method: "none" };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${origin}/oauth/register`, { method: "POST", headers, body: JSON.stringify(metadata) });
  return (await answer.json()).client_id;
}

/** The checks by scenario. */
async function play(origin, more) {
  const port = await freePort();
  const client = await register(origin, `http://127.0.0.1:${port}/callback`);
  const browse = async (url) => void (await fetch(await logIn(url)));
  return authorizationLeg(origin, ["--port", `${port}`, "--client-id", client, ...more], browse);
}

const persistenceDir = mkdtempSync(join(tmpdir(), "mcp-proxy-logins-"));
const users = { [USER.username]: USER.password };
const oauth2 = { enabled: true, users, redirectURIs: ["loopback"], persistenceDir };
const demo = { command: BINARY, args: ["__demo"] };
const proxy = await startProxy({ demo }, { settings: { options: { oauth2 } } });
const lost = [];
const chosen = new Set();
const rows = [["scenario", "for a server", "for all servers"]];
try {
  const { origin, href } = proxy.url("demo");
  const ways = [await play(origin, ["--resource", href]), await play(origin, [])];
  for (const scenario of SCENARIOS) {
    const found = ways.map((way) => way.get(scenario) ?? []);
    for (const checks of found) {
      const verdict = unmet(checks);
      lost.push(...verdict.lost.map((what) => `${scenario}: ${what}`));
      for (const what of verdict.otherwise) chosen.add(`${scenario}: ${what}`);
    }
    rows.push([scenario, ...found.map(score)]);
  }
} finally {
  const status = await proxy.stop();
  if (status !== 0) lost.push(`the proxy ended with status ${status}`);
  rmSync(persistenceDir, { recursive: true, force: true });
}

console.log(`authorization server scenarios\n\n${table(rows)}`);
if (chosen.size > 0) console.log(["\n! by choice:", ...chosen].join("\n  "));
if (lost.length > 0) console.log(["\nlost:", ...lost].join("\n  "));
process.exitCode = lost.length > 0 ? 1 : 0;
