// The whole life of a login with official clients. test_oauth.py is the same for the Python SDKs.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as sdk2 from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { closeAll, connectDirect } from "./support/client.mjs";
import { mcpRemote, sdk, toolNames } from "./support/logged_in.mjs";
import { USER } from "./support/login.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";

const demo = { command: BINARY, args: ["__demo"] };
const sdk1 = { Client, StreamableHTTPClientTransport, UnauthorizedError };

const CLIENTS = {
  "TypeScript SDK 1.x": () => sdk(sdk1, (back) => back.get("code")),
  "TypeScript SDK 2.x": () => sdk(sdk2, (back) => back),
  "mcp-remote": mcpRemote,
};

/** A proxy that asks for a login; started again with the same folder and `addr`, it is the same to its clients. */
function start(persistenceDir, addr = "127.0.0.1:0") {
  const users = { [USER.username]: USER.password };
  const oauth2 = { enabled: true, users, redirectURIs: ["loopback"], persistenceDir };
  return startProxy({ demo }, { settings: { addr, options: { oauth2 } } });
}

/** The status and the challenge of a request with this token. */
async function challenge(url, token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: "POST", headers, body: "{}" });
  await answer.text();
  return { status: answer.status, challenge: answer.headers.get("www-authenticate") };
}

async function revoke(url, client) {
  const { client_id, client_secret } = client.client();
  const body = new URLSearchParams({ token: client.tokens().refresh_token, client_id });
  if (client_secret !== undefined) body.set("client_secret", client_secret);
  const answer = await fetch(new URL("/oauth/revoke", url), { method: "POST", body });
  assert.equal(answer.status, 200, await answer.text());
}

async function wholeLife(client, folder, hold) {
  const tools = await toolNames(await connectDirect(demo));
  let proxy = hold(await start(folder));
  const url = proxy.url("demo");
  const refused = await challenge(url);
  assert.equal(refused.status, 401);
  assert.ok(refused.challenge.includes(`resource_metadata="${url.origin}/.well-known/`), refused.challenge);

  assert.deepEqual(await client.list(url), tools, "after the login");
  assert.equal(client.logins(), 1);
  const first = client.tokens();
  assert.deepEqual(await client.list(url), tools, "with the same token");
  assert.deepEqual([client.logins(), client.tokens().access_token], [1, first.access_token]);

  client.spoil();
  assert.deepEqual(await client.list(url), tools, "after a refresh");
  const second = client.tokens();
  assert.equal(client.logins(), 1, "a refresh asks nobody");
  assert.notEqual(second.access_token, first.access_token);
  assert.notEqual(second.refresh_token, first.refresh_token);

  assert.equal(await proxy.stop(), 0, "the exit status");
  proxy = hold(await start(folder, url.host));
  assert.deepEqual(await client.list(url), tools, "after a restart");
  assert.deepEqual([client.logins(), client.tokens().access_token], [1, second.access_token]);

  await revoke(url, client);
  const revoked = await challenge(url, second.access_token);
  assert.equal(revoked.status, 401);
  assert.match(revoked.challenge, /^Bearer error="invalid_token"/);
  assert.deepEqual(await client.list(url), tools, "after another login");
  assert.equal(client.logins(), 2);
  assert.equal(await proxy.stop(), 0, "the exit status");
  return proxy.log();
}

describe("a login, from the first 401 to its revocation", () => {
  for (const [name, make] of Object.entries(CLIENTS)) {
    test(name, async () => {
      const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-logins-"));
      const client = make();
      const proxies = [];
      const hold = (proxy) => proxies[proxies.push(proxy) - 1];
      try {
        const log = await wholeLife(client, folder, hold);
        const secrets = [USER.password, ...Object.values(client.tokens()).filter((value) => `${value}`.length > 20)];
        for (const secret of secrets) assert.ok(!log.includes(secret), "a secret in the log");
      } finally {
        await closeAll();
        for (const proxy of proxies) await proxy.kill();
        client.end();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
