// Through us = direct: whatever the SDK's client sees of a real server on stdio, it sees of the same server through the
// proxy. The direct connection is made in the same test, so nothing is expected that the server does not do.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { closeAll, connectDirect, connectThrough, outcome, pages } from "./support/client.mjs";
import { BINARY, startProxy } from "./support/proxy.mjs";
import { everything, filesystem, recorder, sampleFolder, time } from "./support/servers.mjs";

const folder = sampleFolder();
const servers = {
  everything,
  filesystem: filesystem(folder),
  time,
  recorder,
  demo: { command: BINARY, args: ["__demo"] },
};

/** The tools to call with what: successes, failures of a tool, and mistakes of the caller. */
const CALLS = {
  everything: [
    ["echo", { message: "grüße \u2028 \u0000 \u{1f600}" }],
    ["echo", {}],
    ["get-sum", { a: 1, b: 2.5 }],
    ["get-tiny-image", {}],
    ["get-annotated-message", { messageType: "error", includeImage: true }],
    ["get-structured-content", { location: "New York" }],
    ["get-resource-links", { count: 3 }],
    ["get-resource-reference", { resourceType: "Text", resourceId: 2 }],
    ["get-resource-reference", { resourceType: "Text", resourceId: -2 }],
    ["echo", { message: "x".repeat(300_000) }],
    ["no-such-tool", {}],
  ],
  filesystem: [
    ["list_allowed_directories", {}],
    ["read_text_file", { path: join(folder, "hello.txt") }],
    ["read_multiple_files", { paths: [join(folder, "hello.txt"), join(folder, "inner", "wide.txt")] }],
    ["directory_tree", { path: folder }],
    ["read_text_file", { path: "/etc/passwd" }],
    ["write_file", { path: join(folder, "new.txt"), content: "written" }],
    ["read_text_file", { path: join(folder, "new.txt") }],
    ["no_such_tool", {}],
  ],
  time: [
    ["convert_time", { source_timezone: "Asia/Tokyo", time: "12:30", target_timezone: "Europe/Berlin" }],
    ["convert_time", { source_timezone: "Mars/Base", time: "12:30", target_timezone: "Europe/Berlin" }],
    ["no_such_tool", {}],
  ],
  recorder: [["odd", {}]],
  demo: [["echo", { text: "hi" }], ["add", { a: 2, b: 3 }], ["big", { bytes: 100_000 }], ["no-such-tool", {}]],
};

/** Requests as they are, beyond what the SDK has methods for. */
const REQUESTS = {
  everything: [
    ["prompts/get", { name: "simple-prompt" }],
    ["prompts/get", { name: "args-prompt", arguments: { city: "Łódź" } }],
    ["prompts/get", { name: "args-prompt" }],
    ["prompts/get", { name: "no-such-prompt" }],
    ["resources/read", { uri: "demo://resource/dynamic/text/7" }],
    ["resources/read", { uri: "demo://resource/dynamic/blob/7" }],
    ["resources/read", { uri: "demo://resource/static/document/features.md" }],
    ["resources/read", { uri: "demo://no-such-resource" }],
    ["completion/complete", completion("department", "S")],
    ["completion/complete", completion("name", "", { department: "Engineering" })],
    ["completion/complete", completion("no-such-argument", "")],
    ["ping", {}],
    ["no/such/method", { a: 1 }],
    ["tools/list", { cursor: "no such cursor" }],
  ],
  filesystem: [["prompts/list", {}], ["no/such/method", {}]],
  time: [["resources/list", {}], ["no/such/method", {}]],
  recorder: [["no/such/method", { a: 1 }]],
  demo: [["no/such/method", {}], ["tools/list", { cursor: "no such cursor" }]],
};

function completion(name, value, given) {
  const ref = { type: "ref/prompt", name: "completable-prompt" };
  return { ref, argument: { name, value }, ...(given && { context: { arguments: given } }) };
}

/** The clock's time in the servers' texts is not the proxy's doing. */
function timeless(value) {
  const text = JSON.stringify(value, (key, member) =>
    key === "blob" && typeof member === "string" ? Buffer.from(member, "base64").toString("latin1") : member,
  );
  return JSON.parse(text.replaceAll(/created at [0-9: APM]+/gu, "created at T"));
}

describe("what a client sees through the proxy is what it sees directly", () => {
  let proxy;
  before(async () => (proxy = await startProxy(servers)));
  after(async () => {
    await closeAll();
    assert.equal(await proxy?.stop(), 0, "the exit status");
    rmSync(folder, { recursive: true });
  });

  for (const [name, server] of Object.entries(servers)) {
    describe(name, () => {
      let direct, through;
      before(async () => {
        [direct, through] = await Promise.all([connectDirect(server), connectThrough(proxy.url(name))]);
      });

      const same = async (what, ask) => {
        const [expected, actual] = [timeless(await ask(direct)), timeless(await ask(through))];
        assert.deepEqual(actual, expected, what);
      };

      test("the handshake", async () => {
        await same("serverInfo", (client) => client.getServerVersion());
        await same("capabilities", (client) => client.getServerCapabilities());
        await same("instructions", (client) => [client.getInstructions()]);
      });

      test("all pages of all lists", async () => {
        const offered = direct.getServerCapabilities();
        if (offered.tools) await same("tools", (client) => pages((at) => client.listTools(at)));
        if (offered.prompts) await same("prompts", (client) => pages((at) => client.listPrompts(at)));
        if (offered.resources) {
          await same("resources", (client) => pages((at) => client.listResources(at)));
          await same("templates", (client) => pages((at) => client.listResourceTemplates(at)));
        }
      });

      test("calls of tools", async () => {
        for (const [tool, args] of CALLS[name]) {
          const params = { name: tool, arguments: args };
          await same(tool, (client) => outcome(client.request({ method: "tools/call", params }, ResultSchema)));
        }
      });

      test("other requests, and their errors", async () => {
        for (const [method, params] of REQUESTS[name]) {
          await same(method, (client) => outcome(client.request({ method, params }, ResultSchema)));
        }
      });
    });
  }
});
