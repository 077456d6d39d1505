// Several clients at once, sessions that end, servers that die.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { closeAll, connectThrough, outcome, until } from "./support/client.mjs";
import { startProxy } from "./support/proxy.mjs";
import { descendants } from "./support/processes.mjs";
import { everything, filesystem, recorder, sampleFolder, time } from "./support/servers.mjs";

const call = (client, name, args = {}) => client.callTool({ name, arguments: args });
const post = (url, body, headers = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify(body),
  });

describe("sessions", () => {
  let proxy;
  const missing = { command: "no-such-command-anywhere", args: [] };
  before(async () => {
    proxy = await startProxy({ everything, time, filesystem: filesystem(sampleFolder()), recorder, missing });
  });
  after(async () => {
    await closeAll();
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  test("clients that use the same ids at the same time get their own answers", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectThrough(proxy.url("everything"))));
    const rounds = Array.from({ length: 40 }, (_, round) => round);
    await Promise.all(
      clients.flatMap((client, number) =>
        rounds.map(async (round) => {
          const { content } = await call(client, "echo", { message: `${number} ${round}` });
          assert.equal(content[0].text, `Echo: ${number} ${round}`);
        }),
      ),
    );
    assert.equal(new Set(clients.map((client) => client.transport.sessionId)).size, clients.length);
    await Promise.all(clients.map((client) => client.close()));
  });

  test("an ended session is 404, to POST, GET and DELETE", async () => {
    const client = await connectThrough(proxy.url("time"));
    const headers = { "mcp-session-id": client.transport.sessionId };
    await client.transport.terminateSession();
    const url = proxy.url("time");
    assert.equal((await post(url, { jsonrpc: "2.0", id: 1, method: "ping" }, headers)).status, 404);
    const accept = { accept: "text/event-stream" };
    assert.equal((await fetch(url, { headers: { ...headers, ...accept } })).status, 404);
    assert.equal((await fetch(url, { method: "DELETE", headers })).status, 404);
    await client.close();
  });

  test("a server that is killed in mid-call: an error at once, and the next call works", async () => {
    const client = await connectThrough(proxy.url("recorder"));
    for (let round = 0; round < 3; round++) {
      const waiting = outcome(call(client, "wait"));
      await until("the call", async () => /wait/.test(JSON.stringify(await call(client, "seen"))));
      // The proxy may have put a helper of its own in between: the server itself is the last of the line.
      const server = descendants(proxy.pid).filter(({ command }) => command.includes("recorder.mjs")).at(-1);
      assert.ok(server, "the recorder runs");
      process.kill(server.pid, "SIGKILL");
      const killed = Date.now();
      const { message } = await waiting;
      assert.ok(Date.now() - killed < 1_000, `answered after ${Date.now() - killed} ms`);
      assert.match(message, /recorder/, "the error names the server");
      const next = await call(client, "seen");
      assert.ok(!next.isError, JSON.stringify(next));
    }
    await client.close();
  });

  test("a command that does not exist: the reason at once, and never 404", async () => {
    const started = Date.now();
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "e2e", version: "1" } };
    const response = await post(proxy.url("missing"), { jsonrpc: "2.0", id: 5, method: "initialize", params });
    const { id, error } = await response.json();
    assert.ok(Date.now() - started < 2_000, `answered after ${Date.now() - started} ms`);
    assert.ok([502, 503].includes(response.status), `status ${response.status}`);
    assert.equal(id, 5);
    assert.match(error.message, /missing/, "names the server");
    assert.match(error.message, /no-such-command-anywhere|No such file|not found/, "names the cause");
    assert.ok(!(await (await connectThrough(proxy.url("time"))).listTools()).isError, "the others are served");
  });

  test("the log names each server's tools", async () => {
    await until("the tools of every server", () =>
      ["<everything> Adding tool echo", "<time> Adding tool convert_time", "<filesystem> Adding tool read_text_file"]
        .every((line) => proxy.log().includes(line)),
    );
  });
});
