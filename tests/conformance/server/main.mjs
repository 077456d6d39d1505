// The reference server: all that the suite's server scenarios demand, on the official SDKs.
//
//     main.mjs stdio | http [--era legacy | modern | both]
//
// With `stdio` it speaks on stdin and stdout; with `http` it listens on a free port of 127.0.0.1 and prints its origin.
// The era `legacy`, which is the default, has the revisions up to 2025-11-25 and `modern` has 2026-07-28; neither knows
// the other. It ends with its stdin, so that it cannot outlive its parent.
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { parseArgs } from "node:util";
import { listen } from "./http.mjs";
import { legacyServer } from "./legacy/server.mjs";
import { serveModernStdio } from "./modern/stdio.mjs";

const ERAS = ["legacy", "modern", "both"];

process.stdin.on("end", () => process.exit(0));

const options = { era: { type: "string", default: "legacy" } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [way] = positionals;
if (!["stdio", "http"].includes(way) || !ERAS.includes(values.era)) {
  console.error("usage: main.mjs stdio | http [--era legacy | modern | both]");
  process.exit(2);
}
if (way === "http") {
  process.stdin.resume(); // or its end would never be seen
  console.log(await listen(values.era));
} else if (values.era === "legacy") {
  await legacyServer().connect(new StdioServerTransport());
} else {
  serveModernStdio({ isDual: values.era === "both" });
}
