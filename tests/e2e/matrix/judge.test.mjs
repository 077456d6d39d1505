// What the matrix takes for green.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "./judge.mjs";
import { DIRECT, FEATURES, rows } from "./plan.mjs";

const [direct, through] = rows().filter((row) => row.client === "Python" && row.upstream === "sse");
const both = [direct, through];

/** All cells green, each with its row's own word in what it saw. */
function green() {
  const cells = new Map();
  for (const { tag } of both) {
    for (const feature of FEATURES) cells.set(`${tag} ${feature}`, { seen: { uri: `test://${tag}`, feature } });
  }
  return cells;
}

function faults(change) {
  const cells = green();
  change(cells, (row) => `${row.tag} tools`);
  return judge(both, cells).faults;
}

test("the plan has every combination once, the direct ones first", () => {
  const shown = rows().map(({ client, server, upstream, downstream }) => [client, server, upstream, downstream].join());
  assert.equal(new Set(shown).size, 2 * 2 * 3 * 3);
  assert.equal(new Set(rows().map(({ tag }) => tag)).size, shown.length);
  assert.equal(direct.downstream, DIRECT);
  assert.notEqual(through.downstream, DIRECT);
});

test("all green, although each row has its own words", () => {
  const { text, faults } = judge(both, green());
  assert.deepEqual(faults, []);
  assert.equal(text.match(/\bok\b/g).length, 2 * FEATURES.length);
});

test("a cell that nobody played is not green", () => {
  assert.match(faults((cells, at) => cells.delete(at(through))).join(), /streamable sse.*tools: was never played/);
  assert.equal(judge(both, new Map()).faults.length, 2 * FEATURES.length);
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
