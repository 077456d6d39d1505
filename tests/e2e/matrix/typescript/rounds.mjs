// Calls that ask: several questions at once, and one after the other. A modern client is asked in the results of the
// call's rounds, and may play them by hand.
import assert from "node:assert/strict";
import { outcome } from "../../support/client.mjs";
import { ANSWERS } from "./peer.mjs";

const SEVERAL = "test_input_required_result_multiple_inputs";
const CHAINED = "test_input_required_result_multi_round";
const PROMPT = "test_input_required_result_prompt";

const text = ({ content }) => content[0].text;

export async function rounds({ one }) {
  one.asked.length = 0;
  const several = text(await one.call(SEVERAL));
  assert.equal(several, `${one.words()}, ${one.label}, at ${one.roots.map(({ uri }) => uri).join(" ")}`);
  const methods = one.asked.map(({ method }) => method).sort();
  assert.deepEqual(methods, Object.keys(ANSWERS).sort(), "each once");
  const chained = text(await one.call(CHAINED));
  assert.equal(chained, `${one.label} likes ${one.label}`);
  const prompt = await one.client.getPrompt({ name: PROMPT });
  assert.ok(prompt.messages[0].content.text.includes(one.label));
  const asked = one.asked.toSorted(byText);
  if (one.isModern) await byHand(one, several);
  return { several, chained, prompt, asked };
}

const byText = (one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other));

async function byHand(one, expected) {
  const first = await one.round(SEVERAL);
  assert.equal(first.resultType, "input_required");
  assert.equal(typeof first.requestState, "string");
  const keys = Object.keys(first.inputRequests);
  assert.equal(keys.length, 3);
  const answersOf = ({ inputRequests }) =>
    Object.fromEntries(Object.entries(inputRequests).map(([key, request]) => [key, one.respond(request)]));

  const forged = { inputResponses: answersOf(first), requestState: `${first.requestState}x` };
  assert.equal((await outcome(one.round(SEVERAL, forged))).code, -32602, "a forged state");

  const [key] = keys;
  const some = { [key]: answersOf(first)[key], unknown: { action: "accept" } };
  const second = await one.round(SEVERAL, { inputResponses: some, requestState: first.requestState });
  assert.deepEqual(new Set(Object.keys(second.inputRequests)), new Set(keys.slice(1)), "what is missing, asked again");
  assert.notEqual(second.requestState, first.requestState);

  const rest = { inputResponses: answersOf(second), requestState: second.requestState };
  assert.equal(text(await one.round(SEVERAL, rest)), expected);
}
