// The reference server: all that the suite's server scenarios demand, on the official SDK. `main.mjs stdio` speaks on
// stdin and stdout; `main.mjs http` listens on a free port of 127.0.0.1, prints its origin, and serves streamable HTTP
// at /mcp and SSE (2024-11-05) at /sse. Either way it ends with its stdin, so that it cannot outlive its parent.
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { listen } from "./http.mjs";
import { referenceServer } from "./reference.mjs";

process.stdin.on("end", () => process.exit(0));

const [way] = process.argv.slice(2);
switch (way) {
  case "stdio":
    await referenceServer().connect(new StdioServerTransport());
    break;
  case "http":
    process.stdin.resume(); // or its end would never be seen
    console.log(await listen());
    break;
  default:
    console.error("usage: main.mjs stdio | http");
    process.exit(2);
}
