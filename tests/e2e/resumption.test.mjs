// A connection that breaks in the middle of a call: the official client comes back, and nothing is lost.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { closeAll, connectThrough, until } from "./support/client.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";
import { startRelay } from "./support/relay.mjs";
import { everything } from "./support/servers.mjs";

const demo = { command: BINARY, args: ["__demo"] };

describe("a broken connection", () => {
  let proxy;
  before(async () => (proxy = await startProxy({ everything, demo })));
  after(async () => {
    await closeAll();
    assert.equal(await proxy?.stop(), 0, "the exit status");
  });

  /** A client whose network can be cut. */
  async function through(name, prepare, work) {
    const relay = await startRelay(proxy.url(name));
    const client = await connectThrough(relay.url, prepare);
    try {
      return await work(client, relay);
    } finally {
      await client.close();
      relay.stop();
    }
  }

  test("progress goes on where it stopped, and the result arrives", async () => {
    await through("everything", undefined, async (client, relay) => {
      const steps = [];
      const onprogress = ({ progress }) => {
        steps.push(progress);
        if (progress === 2) relay.cut();
      };
      const call = { name: "trigger-long-running-operation", arguments: { duration: 2, steps: 8 } };
      const result = await client.callTool(call, undefined, { onprogress });
      assert.match(result.content[0].text, /completed/);
      // The SDK may drop the last one, which comes together with the result.
      assert.deepEqual(steps.slice(0, 7), [1, 2, 3, 4, 5, 6, 7]);
    });
  });

  test("a result that came meanwhile is there for who comes back", async () => {
    await through("everything", undefined, async (client, relay) => {
      const onprogress = ({ progress }) => void (progress === 1 && relay.cut());
      const call = { name: "trigger-long-running-operation", arguments: { duration: 0.4, steps: 2 } };
      const result = await client.callTool(call, undefined, { onprogress });
      assert.match(result.content[0].text, /completed/);
    });
  });

  test("who was being asked can still answer", async () => {
    const prepare = (client) =>
      client.setRequestHandler(ElicitRequestSchema, async () => {
        cut();
        return { action: "accept", content: { name: "Ada", check: true } };
      });
    let cut = () => {};
    await through("everything", prepare, async (client, relay) => {
      // Not before the answer is on its way: it needs a connection of its own.
      cut = () => setTimeout(relay.cut, 50);
      const result = await client.callTool({ name: "trigger-elicitation-request", arguments: {} });
      assert.match(JSON.stringify(result), /Ada/);
    });
  });

  test("the session's own stream is resumed with what it missed", async () => {
    let changes = 0;
    const prepare = (client) =>
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changes += 1));
    await through("demo", prepare, async (client, relay) => {
      const other = await connectThrough(proxy.url("demo"));
      // Two changes, lest the first come before the stream is open.
      await until("a first change", async () => {
        await other.callTool({ name: "toggle", arguments: {} });
        return changes > 0;
      });
      const before = changes;
      relay.cut();
      await other.callTool({ name: "toggle", arguments: {} });
      await until("the change that was missed", () => changes > before);
      await other.close();
    });
  });
});
