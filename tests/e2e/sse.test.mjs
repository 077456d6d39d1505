// HTTP+SSE of 2024-11-05 beside streamable HTTP: who is served what, how clients fall back, what ends with the stream.
// What passes over it is compared with the direct connection in flows.test.mjs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { closeAll, connectSse, connectThrough, outcome, until } from "./support/client.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";
import { recorder } from "./support/servers.mjs";

const demo = { command: BINARY, args: ["__demo"] };
const texts = (result) => result.content.map((item) => item.text);
const seen = async (client) => {
  const result = await client.callTool({ name: "seen", arguments: {} });
  return texts(result).map((line) => JSON.parse(line));
};

/** As the specification wants a client that was given a URL to find out what is there (2025-11-25, transports). */
async function connectSomehow(url) {
  const tried = await outcome(connectThrough(url));
  if (tried.result !== undefined) return { client: tried.result, status: 200 };
  return { client: await connectSse(url), status: tried.code };
}

describe("HTTP+SSE", () => {
  let proxy;
  before(async () => (proxy = await startProxy({ demo, recorder })));
  after(async () => {
    await closeAll();
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  test("a client that tries streamable HTTP first falls back", async () => {
    const { client, status } = await connectSomehow(proxy.sseUrl("demo"));
    assert.equal(status, 405);
    const { structuredContent } = await client.callTool({ name: "add", arguments: { a: 2, b: 3 } });
    assert.equal(structuredContent.sum, 5);
    await client.close();
    const direct = await connectSomehow(proxy.url("demo"));
    assert.equal(direct.status, 200);
    await direct.client.close();
  });

  test("sessions of both kinds call at the same time, each with its own answers", async () => {
    const ways = [() => connectSse(proxy.sseUrl("demo")), () => connectThrough(proxy.url("demo"))];
    const clients = await Promise.all(Array.from({ length: 8 }, (_, number) => ways[number % 2]()));
    await Promise.all(
      clients.flatMap((client, number) =>
        Array.from({ length: 20 }, async (_, round) => {
          const result = await client.callTool({ name: "echo", arguments: { message: `${number} ${round}` } });
          assert.deepEqual(texts(result), [`${number} ${round}`]);
        }),
      ),
    );
    await Promise.all(clients.map((client) => client.close()));
  });

  test("a result of 20 MB comes in one piece", async () => {
    const client = await connectSse(proxy.sseUrl("demo"));
    const [text] = texts(await client.callTool({ name: "big", arguments: { bytes: 20_000_000 } }));
    assert.equal(text.length, 20_000_000);
    await client.close();
  });

  test("the session ends with its stream, and its calls with it", async () => {
    const watcher = await connectThrough(proxy.url("recorder"));
    const client = await connectSse(proxy.sseUrl("recorder"));
    const waiting = outcome(client.callTool({ name: "wait", arguments: {} }));
    const call = await until("the call", async () =>
      (await seen(watcher)).find((line) => line.method === "tools/call" && line.params.name === "wait"),
    );
    await client.close();
    await waiting;
    await until("the cancellation", async () =>
      (await seen(watcher)).find(({ method, params }) => /cancelled/.test(method) && params.requestId === call.id),
    );
    await watcher.close();
  });
});

describe("mcpProxy.type", () => {
  for (const [type, mcp, sse] of [["sse", 404, 200], ["streamable-http", 405, 404], ["both", 405, 200]]) {
    test(`${type}: what is not offered is not there`, async () => {
      const proxy = await startProxy({ demo }, { type });
      const abort = new AbortController();
      const status = async (url) =>
        (await fetch(url, { headers: { accept: "text/event-stream" }, signal: abort.signal })).status;
      try {
        assert.deepEqual([await status(proxy.url("demo")), await status(proxy.sseUrl("demo"))], [mcp, sse]);
      } finally {
        abort.abort();
        assert.equal(await proxy.stop(), 0);
      }
    });
  }
});
