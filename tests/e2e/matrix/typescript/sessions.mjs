// Nothing of one session is ever visible in another: two of them at once, with the same ids, tokens and URIs.
import assert from "node:assert/strict";
import { outcome, until } from "../../support/client.mjs";

const ID = "the same id";
const TOKEN = "the same token";

export async function sessions(row) {
  await answersAndProgress(row);
  await cancellation(row);
  await questions(row);
  await updates(row);
  await levels(row);
}

/** `scenario` for both sessions at once. */
const both = ({ one, other }, scenario) => Promise.all([one, other].map(scenario));

async function answersAndProgress(row) {
  await both(row, async (peer) => {
    const { reports, result } = await peer.reported(ID, peer.label, TOKEN);
    const words = reports.map(({ message }) => message);
    assert.deepEqual(words, [1, 2, 3].map((progress) => `${peer.label} ${progress}`), "progress of one's own");
    assert.deepEqual(JSON.parse(result.content[0].text), { label: peer.label }, "a result of one's own");
  });
}

async function cancellation(row) {
  const { one, other } = row;
  const label = (peer) => `wait-${peer.label}`;
  const isWaiting = async (peer) => (await peer.told("waited")).waiting.includes(label(peer));
  const isCancelled = async (peer) => (await peer.told("waited")).cancelled.some((call) => call.label === label(peer));
  const [cancel, cancelOther] = await both(row, (peer) => peer.waiting(ID, label(peer)));
  await cancel("mine");
  await until("the cancellation", () => isCancelled(one));
  assert.ok(await isWaiting(other), "the other's call goes on");
  await cancelOther("mine too");
  await until("the other cancellation", () => isCancelled(other));
}

async function questions(row) {
  const { one, other, cannot } = row;
  const ask = (peer) => peer.told("ask_sampling", { prompt: peer.label });
  for (const peer of [one, other]) {
    peer.asked.length = 0;
    assert.equal((await ask(peer)).content.text, peer.words());
  }
  // While another session's call is in flight as well, only a stream of its own tells whose question it is.
  const cancel = await one.waiting(ID, `asking-${one.label}`);
  const { result, message } = await outcome(ask(other));
  await cancel("enough");
  if (!cannot.includes("attribution")) assert.equal(result?.content.text, other.words(), message);
  else assert.match(message ?? JSON.stringify(result), /"isolation": "session"/, "refused, and told what helps");
  for (const peer of [one, other]) {
    const prompts = peer.asked.map(({ params }) => params.messages[0].content.text);
    assert.ok(prompts.every((prompt) => prompt === peer.label), `${peer.label} was asked: ${prompts}`);
  }
}

async function updates({ one, other, tag }) {
  const shared = `test://template/shared-${tag}/data`;
  const last = `test://template/last-${tag}/data`;
  for (const peer of [one, other]) {
    await peer.openEars();
    await peer.subscribe(shared);
  }
  await one.subscribe(last);
  for (const peer of [one, other]) {
    await peer.told("touch", { uri: shared });
    await until(`${peer.label}: an update`, () => peer.updated.includes(shared));
  }
  await one.unsubscribe(shared);
  // What is still on its way, on another connection than the answers, would be taken for the next one.
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const peer of [one, other]) peer.updated.length = 0;
  await other.told("touch", { uri: shared });
  await until("the update of who is still subscribed", () => other.updated.includes(shared));
  await one.told("touch", { uri: last });
  await until("the last update", () => one.updated.includes(last));
  assert.deepEqual([one.updated, other.updated], [[last], [shared]], "to subscribers only");
  await one.unsubscribe(last);
  await other.unsubscribe(shared);
}

async function levels({ one, other }) {
  await one.level("debug");
  await other.level("error");
  for (const peer of [one, other]) peer.logged.length = 0;
  for (const peer of [one, other]) {
    await peer.told("say", { label: peer.label });
    await until(`${peer.label}: the last message`, () => peer.logged.some(({ level }) => level === "emergency"));
  }
  const told = [one, other].map(({ logged }) => logged.map(({ data }) => data.label));
  assert.deepEqual(told, [Array(8).fill(one.label), Array(4).fill(other.label)], "one's own words, at one's own level");
}
