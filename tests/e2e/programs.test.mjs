// Programs that people put in front of an MCP server: the Inspector's command line and mcp-remote.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { closeAll, connectDirect, connectThrough } from "./support/client.mjs";
import { startProxy } from "./support/proxy.mjs";
import { everything, program } from "./support/servers.mjs";

const run = promisify(execFile);

/** The Inspector needs a newer Node.js than this may be: one comes with the packages. */
function newerNode() {
  const [major] = process.versions.node.split(".");
  if (Number(major) >= 24) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin", "node");
}

describe("programs in front of the proxy", () => {
  const home = mkdtempSync(join(tmpdir(), "mcp-proxy-home-"));
  let proxy, sdk;
  before(async () => {
    proxy = await startProxy({ everything });
    // What the official SDK sees through the proxy; equal.test.mjs shows that to be what the server says.
    sdk = await connectThrough(proxy.url("everything"));
  });
  after(async () => {
    await closeAll();
    rmSync(home, { recursive: true, force: true });
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  const inspect = async (...args) => {
    const given = [program("mcp-inspector"), "--cli", proxy.url("everything").href, "--transport", "http", ...args];
    const { stdout } = await run(newerNode(), given, { env: { ...process.env, HOME: home }, timeout: 60_000 });
    return JSON.parse(stdout);
  };

  test("the Inspector lists the tools", async () => {
    const names = ({ tools }) => tools.map(({ name }) => name).sort();
    assert.deepEqual(names(await inspect("--method", "tools/list")), names(await sdk.listTools()));
  });

  test("the Inspector calls a tool", async () => {
    const sum = { name: "get-sum", arguments: { a: 2, b: 40 } };
    const args = ["--method", "tools/call", "--tool-name", "get-sum", "--tool-arg", "a=2", "b=40"];
    assert.deepEqual((await inspect(...args)).content, (await sdk.callTool(sum)).content);
  });

  test("the Inspector reads resources and prompts", async () => {
    assert.deepEqual(await inspect("--method", "prompts/list"), await sdk.listPrompts());
    const uri = "demo://resource/static/document/features.md";
    assert.deepEqual(await inspect("--method", "resources/read", "--uri", uri), await sdk.readResource({ uri }));
  });

  test("mcp-remote brings the proxy to a client that speaks stdio only", async () => {
    const client = await connectDirect({
      command: process.execPath,
      args: [program("mcp-remote"), proxy.url("everything").href],
      env: { ...process.env, HOME: home, MCP_REMOTE_CONFIG_DIR: home },
    });
    try {
      assert.deepEqual(client.getServerVersion(), sdk.getServerVersion());
      assert.deepEqual(await client.listTools(), await sdk.listTools());
      const progress = [];
      const long = { name: "trigger-long-running-operation", arguments: { duration: 0.3, steps: 3 } };
      await client.callTool(long, undefined, { onprogress: (update) => progress.push(update.progress) });
      // The SDK may drop the last one, which comes together with the result.
      assert.deepEqual(progress.slice(0, 2), [1, 2]);
    } finally {
      await client.close();
    }
  });
});
