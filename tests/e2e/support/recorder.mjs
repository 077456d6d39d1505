// An MCP server on stdio that keeps every line it receives, byte for byte. Not built on an SDK: an SDK would parse and
// rewrite what this is here to show.
import { createInterface } from "node:readline";
import { ODD } from "./odd.mjs";

const seen = [];
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
const tool = (name) => ({ name, inputSchema: { type: "object" } });

const answers = {
  initialize: () => ({
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "recorder", version: "1" },
  }),
  "tools/list": () => ({ tools: [tool("seen"), tool("wait"), tool("odd")] }),
  ping: () => ({}),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  seen.push(line);
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method === undefined) return;
  if (method === "tools/call" && params.name === "wait") return;
  if (method === "tools/call" && params.name === "odd") {
    process.stdout.write(`{"result":${ODD},"id":${JSON.stringify(id)},"jsonrpc":"2.0"}\n`);
  } else if (method === "tools/call") {
    say({ id, result: { content: seen.map((text) => ({ type: "text", text })) } });
  } else if (answers[method]) {
    say({ id, result: answers[method]() });
  } else {
    say({ id, error: { code: -32601, message: `no ${method}`, data: { odd: [1, null] } } });
  }
});
