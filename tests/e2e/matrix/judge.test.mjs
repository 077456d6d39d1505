// What the matrix takes for green.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "./eras.mjs";
import { judge, report } from "./judge.mjs";
import { markdown } from "./markdown.mjs";
import { DIRECT, DOWNSTREAMS, FEATURES, UPSTREAMS, rows } from "./plan.mjs";

const all = rows().filter((row) => row.client === "Python" && row.server === "Python");
const [direct, through] = all.filter(({ upstream }) => upstream === "sse");
const both = [direct, through];
const old = FEATURES.filter((feature) => !["discover", "listen"].includes(feature));

/** All cells green, each with its row's own word in what it saw. */
function green(played = both) {
  const cells = new Map();
  for (const { tag } of played) {
    for (const feature of FEATURES) cells.set(`${tag} ${feature}`, { seen: { uri: `test://${tag}`, feature } });
  }
  return cells;
}

function faults(change) {
  const cells = green();
  change(cells, (row) => `${row.tag} tools`);
  return report(judge(both, cells, FEATURES), FEATURES).faults;
}

test("the plan has every combination once, the direct ones first", () => {
  const shown = rows().map(({ client, server, upstream, downstream }) => [client, server, upstream, downstream].join());
  const count = 2 * 2 * Object.keys(UPSTREAMS).length * (1 + Object.keys(DOWNSTREAMS).length);
  assert.equal(new Set(shown).size, count);
  assert.equal(new Set(rows().map(({ tag }) => tag)).size, shown.length);
  assert.equal(direct.downstream, DIRECT);
  assert.notEqual(through.downstream, DIRECT);
});

test("all green, although each row has its own words", () => {
  const { text, faults } = report(judge(both, green(), FEATURES), FEATURES);
  assert.deepEqual(faults, []);
  assert.equal(text.match(/\bok\b/g).length, 2 * old.length, "but for what a legacy client does not have");
});

test("what a feature does without is noted, once for each reason", () => {
  const { text } = report(judge(both, green(), FEATURES), FEATURES);
  assert.match(text.split("\n").find((line) => line.includes("streamable")), / ok 3$/);
  assert.equal(text.match(/^3 {2}over stdio and SSE/gm).length, 1);
  assert.doesNotMatch(text.split("\n").find((line) => line.includes("direct")), /ok \d/);
});

test("a cell that nobody played is not green", () => {
  assert.match(faults((cells, at) => cells.delete(at(through))).join(), /streamable sse.*tools: was never played/);
  assert.equal(report(judge(both, new Map(), FEATURES), FEATURES).faults.length, 2 * old.length);
});

test("a cell that failed is not green, and if it fails directly neither way is", () => {
  assert.match(faults((cells, at) => cells.set(at(through), { failed: "why" })).join(), /tools: why/);
  assert.equal(faults((cells, at) => cells.set(at(direct), { failed: "why" })).length, 2);
});

test("what is seen otherwise than directly is not green", () => {
  for (const seen of [null, { feature: "tools" }, { uri: "test://elsewhere", feature: "tools" }]) {
    assert.match(faults((cells, at) => cells.set(at(through), { seen })).join(), /tools: otherwise than directly/);
  }
});

test("across the eras only what they do not share may be missing", () => {
  const across = { client: "legacy", server: "modern" };
  const _meta = { "io.modelcontextprotocol/serverInfo": {} };
  const list = { resultType: "complete", ttlMs: 0, tools: [{ name: "echo" }], _meta };
  assert.deepEqual(shared("tools", list, across), { tools: [{ name: "echo" }] });
  assert.deepEqual(shared("tools", list, { client: "modern", server: "modern" }), list);
  assert.deepEqual(shared("tools", { _meta: { mine: 1 } }, across), { _meta: { mine: 1 } });
  const missing = { code: -32002, message: "MCP error -32002: Resource not found", data: { uri: "test://nowhere" } };
  const found = { code: -32602, message: "Resource not found", data: { uri: "test://nowhere" } };
  assert.deepEqual(shared("resources", { missing }, across), { missing: found });
  assert.deepEqual(shared("resources", missing, { client: "legacy", server: "legacy" }), missing);
});

test("the README's table has a row for each way, with the worst of what it came to, and its notes", () => {
  const cells = green(all);
  const bad = all.find(({ downstream, upstream }) => downstream === "modern" && upstream === "modern-stdio");
  cells.set(`${bad.tag} tools`, { failed: "why" });
  const lines = markdown(judge(all, cells, FEATURES), FEATURES).split("\n");
  const ways = lines.filter((line) => /^\| (streamable|sse|modern) /.test(line));
  assert.equal(ways.length, Object.keys(DOWNSTREAMS).length * Object.keys(UPSTREAMS).length);
  const notGreen = ways.filter((line) => line.includes("✗"));
  assert.equal(notGreen.length, 1);
  assert.match(notGreen[0], /^\| modern \| modern-stdio /);
  assert.match(lines.find((line) => line.startsWith("| streamable | stdio ")), /–<sup>1<\/sup>.*–<sup>2<\/sup>/);
  assert.match(lines.find((line) => line.startsWith("| modern | sse ")), /✓<sup>\d<\/sup>/);
  const notes = lines.filter((line) => line.startsWith("<sup>"));
  assert.deepEqual(notes.map((line) => line.slice(0, 6)), notes.map((_, index) => `<sup>${index + 1}`));
  assert.ok(notes.length > 2);
});
