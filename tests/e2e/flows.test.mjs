// What happens while a call runs: progress, cancellation, logging, questions back to the client, changes.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { closeAll, connectDirect, connectSse, connectThrough, outcome, pages, until } from "./support/client.mjs";
import { ODD } from "./support/odd.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";
import { everything, recorder } from "./support/servers.mjs";

const demo = { command: BINARY, args: ["__demo"] };
const call = (client, name, args = {}, options) => client.callTool({ name, arguments: args }, undefined, options);
const texts = (result) => result.content.map((item) => item.text);

/** A request whose bytes are ours, in a session of its own; the body of the response, byte for byte. */
async function postBytes(url, body) {
  const client = await connectThrough(url);
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-session-id": client.transport.sessionId,
  };
  return (await fetch(url, { method: "POST", headers, body })).text();
}

/** Runs a scenario on a fresh client each way: directly, over streamable HTTP and over HTTP+SSE. All see the same. */
async function everyWay(proxy, name, server, prepare, scenario) {
  const seen = [];
  const ways = [
    () => connectDirect(server, prepare),
    () => connectThrough(proxy.url(name), prepare),
    () => connectSse(proxy.sseUrl(name), prepare),
  ];
  for (const connect of ways) {
    const client = await connect();
    try {
      seen.push(await scenario(client));
    } finally {
      await client.close();
    }
  }
  assert.deepEqual(seen[1], seen[0], "over streamable HTTP");
  assert.deepEqual(seen[2], seen[0], "over HTTP+SSE");
  return seen[0];
}

describe("while a call runs", () => {
  let proxy;
  before(async () => (proxy = await startProxy({ everything, recorder, demo })));
  after(async () => {
    await closeAll();
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  const long = { name: "trigger-long-running-operation", arguments: { duration: 0.5, steps: 5 } };

  test("progress arrives while the call runs", async () => {
    const { progress } = await everyWay(proxy, "everything", everything, undefined, async (client) => {
      const progress = [];
      const result = await client.callTool(long, undefined, { onprogress: (update) => progress.push(update) });
      // The SDK may drop the last one, which comes together with the result.
      return { progress: progress.slice(0, 4), result };
    });
    assert.equal(progress.length, 4);
  });

  test("all progress comes in order, under the caller's token, and before the result", async () => {
    const params = { ...long, _meta: { progressToken: "mine" } };
    const request = JSON.stringify({ jsonrpc: "2.0", id: 3, method: "tools/call", params });
    const stream = await postBytes(proxy.url("everything"), request);
    const messages = [...stream.matchAll(/^data: *(\{.*)$/gm)].map(([, data]) => JSON.parse(data));
    const progress = messages.slice(0, -1).filter(({ method }) => method === "notifications/progress");
    const expected = [1, 2, 3, 4, 5].map((step) => ({ progress: step, total: 5, progressToken: "mine" }));
    assert.deepEqual(progress.map(({ params }) => params), expected);
    assert.equal(messages.at(-1).id, 3);
  });

  test("a cancelled call is cancelled upstream, under the id the upstream knows", async () => {
    const client = await connectThrough(proxy.url("recorder"));
    const abort = new AbortController();
    const waiting = outcome(call(client, "wait", {}, { signal: abort.signal }));
    const lines = async () => texts(await call(client, "seen")).map((line) => JSON.parse(line));
    const waited = await until("the call", async () => (await lines()).find((line) => line.params?.name === "wait"));
    abort.abort("enough");
    assert.match((await waiting).message, /enough/);
    const cancel = await until("the cancellation", async () =>
      (await lines()).find((line) => line.method === "notifications/cancelled"),
    );
    assert.equal(cancel.params.requestId, waited.id);
    assert.match(cancel.params.reason, /enough/);
    await client.close();
  });

  test("unknown members and odd spellings reach the server as they were written", async () => {
    const args = String.raw`{"b":1e2,"a":"\u0061\/\u2028","n":123456789012345678901}`;
    const params = `{"name":"seen","zeta":1.0,"arguments":${args}}`;
    const request = `{"jsonrpc":"2.0","id":77,"method":"tools/call","params":${params},"extra":[1.50]}`;
    const { result } = JSON.parse(await postBytes(proxy.url("recorder"), request));
    const line = texts(result).at(-1);
    assert.ok(line.includes(`"params":${params}`) && line.includes('"extra":[1.50]'), line);
  });

  test("a result's odd spellings reach the client as they were written", async () => {
    const request = '{"jsonrpc":"2.0","id":"seventy-seven","method":"tools/call","params":{"name":"odd"}}';
    const body = await postBytes(proxy.url("recorder"), request);
    assert.equal(body.trim(), `{"result":${ODD},"id":"seventy-seven","jsonrpc":"2.0"}`);
  });

  test("log messages follow the level that was asked for", async () => {
    const logged = [];
    const prepare = (client) =>
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params));
    await everyWay(proxy, "everything", everything, prepare, async (client) => {
      logged.length = 0;
      await client.setLoggingLevel("debug");
      await call(client, "toggle-simulated-logging");
      const { data } = await until("a log message", () => logged.find(({ data }) => /level/.test(data)));
      const stopped = await call(client, "toggle-simulated-logging");
      return { stopped, isMessage: /-level message|level-message/.test(data) };
    });
  });

  test("a subscribed resource's update arrives", async () => {
    const updated = [];
    const uri = "demo://resource/dynamic/text/1";
    const prepare = (client) =>
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params));
    await everyWay(proxy, "everything", everything, prepare, async (client) => {
      updated.length = 0;
      const subscribed = await client.subscribeResource({ uri });
      const on = await call(client, "toggle-subscriber-updates");
      const update = await until("an update", () => updated[0]);
      const off = await call(client, "toggle-subscriber-updates");
      return { subscribed, on: on.isError, update, off: off.isError, end: await client.unsubscribeResource({ uri }) };
    });
  });

  test("sampling: the server asks, the caller answers", async () => {
    const prepare = (client) =>
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
        model: "echo-model",
        role: "assistant",
        content: { type: "text", text: `you said ${JSON.stringify(params.messages)} of ${params.maxTokens}` },
      }));
    const [text] = texts(
      await everyWay(proxy, "everything", everything, prepare, (client) =>
        call(client, "trigger-sampling-request", { prompt: "say é", maxTokens: 5 }),
      ),
    );
    assert.match(text, /echo-model/);
  });

  test("elicitation: accepted, declined, and refused", async () => {
    const answers = [
      { action: "accept", content: { name: "Ada", check: true, integer: 7 } },
      { action: "decline" },
      new Error("not now"),
    ];
    for (const answer of answers) {
      const prepare = (client) =>
        client.setRequestHandler(ElicitRequestSchema, () => {
          if (answer instanceof Error) throw answer;
          return answer;
        });
      const result = await everyWay(proxy, "everything", everything, prepare, (client) =>
        outcome(call(client, "trigger-elicitation-request")),
      );
      assert.ok(JSON.stringify(result).match(/Ada|declined|not now/), JSON.stringify(result));
    }
  });

  test("two callers are each asked about their own call only", async () => {
    const names = ["Ada", "Grace"];
    const clients = await Promise.all(
      names.map((name) =>
        connectThrough(proxy.url("everything"), (client) =>
          client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { name } })),
        ),
      ),
    );
    for (const [index, client] of clients.entries()) {
      assert.match(JSON.stringify(await call(client, "trigger-elicitation-request")), new RegExp(names[index]));
    }
    await Promise.all(clients.map((client) => client.close()));
  });

  test("roots: the server may ask for the caller's", async () => {
    const prepare = (client) =>
      client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///srv/a", name: "a" }] }));
    const [text] = texts(
      await everyWay(proxy, "everything", everything, prepare, async (client) => {
        await call(client, "echo", { message: "settle" });
        return until("the roots", async () => {
          const result = await call(client, "get-roots-list");
          return /srv/.test(texts(result)[0]) && result;
        });
      }),
    );
    assert.match(text, /file:\/\/\/srv\/a/);
  });

  test("a changed list is announced to every session", async () => {
    const changes = { tools: 0, resources: 0 };
    const prepare = (client) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes.tools++);
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void changes.resources++);
    };
    const listener = await connectThrough(proxy.url("everything"), prepare);
    const caller = await connectThrough(proxy.url("everything"));
    const data = "data:text/plain;base64,aGVsbG8=";
    await call(caller, "gzip-file-as-resource", { name: "hello.gz", data });
    await until("resources/list_changed", () => changes.resources > 0);
    const { resources } = await listener.listResources();
    assert.ok(resources.some(({ name }) => name === "hello.gz"));

    const other = await connectThrough(proxy.url("demo"), prepare);
    const tools = () => pages((at) => other.listTools(at));
    changes.tools = 0;
    const before = await tools();
    await call(other, "toggle");
    await until("tools/list_changed", () => changes.tools > 0);
    assert.notDeepEqual(await tools(), before);
    await Promise.all([listener, caller, other].map((client) => client.close()));
  });
});
