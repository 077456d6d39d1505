// What the comparison counts as a loss.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LEGS, REVISIONS } from "./support/legs.mjs";
import { LOSSES } from "./support/losses.mjs";
import { compare, score, shortcomings, unmet } from "./support/verdict.mjs";

const check = (id, status) => ({ id, status, errorMessage: "why" });
const lost = (direct, through, scenario = "any") => compare(scenario, direct, through).lost.length;
const good = [check("a", "SUCCESS")];

test("equal is no loss, and neither is more", () => {
  assert.equal(lost(good, good), 0);
  assert.equal(lost(good, [...good, check("b", "SUCCESS")]), 0);
  assert.equal(lost([check("a", "INFO")], [check("a", "SKIPPED")]), 0);
});

test("what succeeded must succeed", () => {
  for (const status of ["FAILURE", "WARNING", "INFO", "SKIPPED"]) {
    assert.equal(lost(good, [check("a", status)]), 1, status);
  }
  assert.equal(lost(good, []), 1, "absent");
});

test("a new failure or warning is a loss", () => {
  assert.equal(lost(good, [...good, check("b", "FAILURE")]), 1);
  assert.equal(lost(good, [...good, check("b", "WARNING")]), 1);
});

test("of a check's several outcomes the worst counts", () => {
  assert.equal(lost(good, [check("a", "FAILURE"), check("a", "SUCCESS")]), 1);
});

test("a choice may stay silent, but not fail", () => {
  const scenario = "server-sse-multiple-streams";
  const direct = [check("server-sse-streams-functional", "SUCCESS")];
  assert.equal(lost(direct, [check("server-sse-streams-functional", "INFO")], scenario), 0);
  assert.equal(compare(scenario, direct, []).otherwise.length, 1);
  assert.equal(lost(direct, [check("server-sse-streams-functional", "FAILURE")], scenario), 1);
});

test("what is listed as lost may be lost in any way, but it must be", () => {
  const listed = { a: "cannot be" };
  for (const through of [[check("a", "FAILURE")], [check("a", "WARNING")], []]) {
    const found = compare("any", good, through, listed);
    assert.deepEqual(found, { lost: [], otherwise: [], uncarried: ["a: cannot be"] });
  }
  assert.equal(compare("any", good, good, listed).lost.length, 1, "not lost");
  assert.equal(compare("any", good, [check("a", "FAILURE")], { b: "cannot be" }).lost.length, 2, "another");
});

test("losses are listed for legs that there are, and only where the eras differ", () => {
  for (const name of Object.keys(LOSSES)) {
    const { revision, client, server } = LEGS[name];
    assert.notEqual(client ?? server, REVISIONS[revision].era, name);
  }
});

test("the direct way has to be good itself", () => {
  assert.deepEqual(shortcomings(good), []);
  assert.deepEqual(shortcomings([check("a", "WARNING")]), ["a: why"]);
  assert.deepEqual(shortcomings([]), ["no check at all"]);
});

test("the score", () => {
  assert.equal(score([...good, check("b", "FAILURE"), check("c", "WARNING"), check("d", "INFO")]), "1/2!");
});

test("an authorization server has to pass every check, and may be warned of its choices", () => {
  assert.deepEqual(unmet(good), { lost: [], otherwise: [] });
  for (const status of ["FAILURE", "WARNING", "INFO", "SKIPPED"]) {
    assert.equal(unmet([check("a", status)]).lost.length, 1, status);
  }
  assert.equal(unmet([]).lost.length, 1);
  const chosen = "authorization-server-metadata-cimd";
  assert.deepEqual(unmet([check(chosen, "WARNING")]).lost, []);
  assert.equal(unmet([check(chosen, "WARNING")]).otherwise.length, 1);
  assert.equal(unmet([check(chosen, "FAILURE")]).lost.length, 1);
});
