// What each column of the matrix demands, for the TypeScript SDKs' clients. A feature throws when something is missing,
// and returns what it saw: through the proxy that has to be what was seen directly. python/features.py does the same.
//
// `one` and `other` are two sessions at the same server, or two clients where there are no sessions; `tag` is this
// row's own word, `eras` says on what either end of the row stands, and `cannot` what is missing between (eras.mjs).
import assert from "node:assert/strict";
import { outcome, pages, until } from "../../support/client.mjs";
import { discover, listen } from "./news.mjs";
import { rounds } from "./rounds.mjs";
import { sessions } from "./sessions.mjs";

/** Letters, signs and numbers that a careless hand spoils. */
const AWKWARD = {
  text: "grüße \u2028\u0000\u{1f600} \"\\",
  numbers: [0, -1.5, 1e21, 9007199254740991],
  "": [null, {}, []],
};
const ABOVE_NOTICE = ["warning", "error", "critical", "alert", "emergency"];

const names = (list) => list.map(({ name }) => name);
const template = (id) => `test://template/${id}/data`;

export const features = {
  async connect({ one }) {
    const said = await one.opening();
    for (const name of ["tools", "prompts", "resources", "completions", "logging"]) {
      assert.ok(said.capabilities[name], `the capability ${name}`);
    }
    return said;
  },

  discover,

  async tools({ one }) {
    const list = await pages((at) => one.client.listTools(at));
    assert.ok(names(list[0].tools).includes("echo"));
    const echoed = await one.call("echo", { value: AWKWARD });
    assert.deepEqual(echoed.structuredContent, { value: AWKWARD });
    const failed = await one.call("test_error_handling");
    assert.equal(failed.isError, true);
    return { list, echoed, failed, unknown: await outcome(one.call("no_such_tool")) };
  },

  async prompts({ one: { client } }) {
    const list = await pages((at) => client.listPrompts(at));
    const given = { name: "test_prompt_with_arguments", arguments: { arg1: "é", arg2: "\u{1f600}" } };
    const got = await client.getPrompt(given);
    assert.match(got.messages[0].content.text, /é.*\u{1f600}/u);
    const unknown = await outcome(client.getPrompt({ name: "no_such_prompt" }));
    assert.ok(unknown.message);
    return { list, got, unknown };
  },

  async resources({ one: { client, isModern } }) {
    const list = await pages((at) => client.listResources(at));
    const templates = await pages((at) => client.listResourceTemplates(at));
    const read = (uri) => client.readResource({ uri });
    const text = await read("test://static-text");
    assert.match(text.contents[0].text, /static text/);
    const blob = await read("test://static-binary");
    assert.ok(blob.contents[0].blob);
    const made = await read(template("a%20b"));
    assert.equal(JSON.parse(made.contents[0].text).id, "a%20b");
    const unknown = await outcome(read("test://nowhere"));
    assert.equal(unknown.code, isModern ? -32602 : -32002);
    return { list, templates, text, blob, made, unknown };
  },

  async completion({ one: { client } }) {
    const prompt = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    const resource = { type: "ref/resource", uri: "test://template/{id}/data" };
    const context = { arguments: { arg2: "x" } };
    const of = (ref, name, value) => client.complete({ ref, argument: { name, value }, context });
    const found = [await of(prompt, "arg1", "par"), await of(resource, "id", "te"), await of(prompt, "arg1", "zz")];
    assert.deepEqual(found[0].completion.values, ["paris", "park", "party"]);
    return found;
  },

  async progress({ one, tag }) {
    const seen = [];
    for (const progressToken of [`token of ${tag}`, 0]) {
      const { reports, result } = await one.reported(`progress ${progressToken}`, tag, progressToken);
      const step = (progress) => ({ progressToken, progress, total: 3, message: `${tag} ${progress}` });
      assert.deepEqual(reports, [1, 2, 3].map(step), "all before the result, with the caller's token");
      seen.push({ reports, result });
    }
    const counted = [];
    await one.call("report", { label: tag }, { onprogress: ({ progress }) => counted.push(progress) });
    // The SDK may drop the last one, which comes together with the result.
    assert.deepEqual(counted.slice(0, 2), [1, 2]);
    return seen;
  },

  async cancel({ one, tag }) {
    const abort = new AbortController();
    const calling = outcome(one.call("wait", { label: tag }, { signal: abort.signal }));
    await until("the call", async () => (await one.told("waited")).waiting.includes(tag));
    abort.abort("enough");
    assert.match((await calling).message, /enough/);
    return until("the cancellation", async () => {
      const { waiting, cancelled } = await one.told("waited");
      return !waiting.includes(tag) && cancelled.find(({ label }) => label === tag);
    });
  },

  async log({ one, tag }) {
    const seen = [];
    for (const [level, count] of [["warning", ABOVE_NOTICE.length], ["debug", 8], ["emergency", 1]]) {
      await one.level(level);
      one.logged.length = 0;
      await one.told("say", { label: tag });
      // What were too much would come before the last, since a stream keeps its order.
      await until(level, () => one.logged.some((message) => message.level === "emergency"));
      assert.equal(one.logged.length, count, `messages at ${level} and above`);
      assert.ok(one.logged.every(({ data }) => data.label === tag));
      seen.push([...one.logged]);
    }
    assert.deepEqual(seen[0].map(({ level }) => level), ABOVE_NOTICE);
    if (one.isModern) await silent(one, tag);
    return seen;
  },

  async list_changed({ one, tag }) {
    await one.openEars();
    const lists = async () => [
      names((await one.client.listTools()).tools),
      names((await one.client.listPrompts()).prompts),
      names((await one.client.listResources()).resources),
    ];
    const toggled = async (isThere) => {
      Object.assign(one.changed, { tools: 0, prompts: 0, resources: 0 });
      assert.deepEqual(await one.told("toggle", { name: tag }), { added: isThere });
      await until("three changes", () => Object.values(one.changed).every((count) => count > 0));
      const now = await lists();
      assert.deepEqual(now.map((list) => list.includes(tag)), Array(3).fill(isThere));
      return now;
    };
    return [await toggled(true), await toggled(false)];
  },

  async subscribe({ one, other, tag, eras }) {
    const [mine, others, end] = [template(`mine-${tag}`), template(`others%20${tag}`), template(`end-${tag}`)];
    // A modern server does not know who listens; a legacy one is told by the proxy, once it has seen the stream's end.
    const isTouched = (peer, uri, subscribed) =>
      until(`${uri} touched`, async () => {
        const told = await peer.told("touch", { uri });
        return eras.server === "modern" || told.subscribed === subscribed;
      });
    await Promise.all([one.openEars(), other.openEars()]);
    await one.subscribe(mine);
    await one.subscribe(end);
    await other.subscribe(others);
    for (const peer of [one, other]) peer.updated.length = 0;
    await isTouched(one, mine, true);
    await until("the update of a subscriber", () => one.updated.includes(mine));
    await isTouched(other, others, true);
    await until("the update of the other subscriber", () => other.updated.includes(others));
    await one.unsubscribe(mine);
    await isTouched(one, mine, false);
    // Nothing that was sent before this can come after it.
    await one.told("touch", { uri: end });
    await until("the last update", () => one.updated.includes(end));
    assert.deepEqual([one.updated, other.updated], [[mine, end], [others]], "to subscribers only, and once");
    await one.unsubscribe(end);
    await other.unsubscribe(others);
  },

  listen,

  async sampling({ one, tag, cannot }) {
    one.asked.length = 0;
    const told = await one.told("ask_sampling", { prompt: `${tag} é` });
    assert.deepEqual(told.content, { type: "text", text: one.words() });
    const [{ params }] = one.asked;
    assert.equal(params.messages[0].content.text, `${tag} é`);
    assert.deepEqual(params.stopSequences, ["\u2028"]);
    const refused = await refusal({ one, cannot }, `${tag} will not`, "ask_sampling", { prompt: tag });
    return { told, asked: one.asked, refused };
  },

  async elicitation({ one, tag, cannot }) {
    one.asked.length = 0;
    const told = [];
    for (const answer of [undefined, { action: "decline" }, { action: "cancel" }]) {
      one.answer = answer;
      told.push(await one.told("ask_elicitation", { message: `${tag} ü?` }));
    }
    one.answer = undefined;
    assert.deepEqual(told[0], { action: "accept", content: { name: one.label, age: 7 } });
    assert.deepEqual(told.slice(1).map(({ action }) => action), ["decline", "cancel"]);
    const refused = await refusal({ one, cannot }, "not now", "ask_elicitation", { message: tag });
    const url = await one.told("ask_elicitation_url", { message: tag, id: `id-${tag}` });
    const { params } = one.asked.at(-1);
    assert.equal(params.url, `https://example.com/grant?id=id-${tag}`);
    if (!one.isModern) await until("word that this is done", () => one.completed.includes(params.elicitationId));
    return { told, refused, url, asked: one.asked };
  },

  async roots({ one, tag, eras, cannot }) {
    await one.openEars(); // the Python SDK's server asks for roots on no call's stream
    const before = await one.told("ask_roots");
    assert.deepEqual(before.roots, one.roots);
    one.roots = [...one.roots, { uri: `file:///srv/${tag}%20b`, name: "b" }];
    await one.rootsChanged();
    const isTold = eras.client === "legacy" && !cannot.includes("rootsChanged");
    const after = await until("word of the change", async () => {
      const told = await one.told("ask_roots");
      return (!isTold || told.changes > before.changes) && told;
    });
    assert.deepEqual(after.roots, one.roots);
    return after.roots;
  },

  rounds,
  sessions,
};

/** Who has not asked for a level hears nothing at all. */
async function silent(one, tag) {
  await one.level(undefined);
  one.logged.length = 0;
  await one.told("say", { label: tag });
  assert.deepEqual(one.logged, []);
}

/** What becomes of a call whose question is answered by an error. The question is not kept: not every row has it. */
async function refusal({ one, cannot }, words, name, args) {
  if (cannot.includes("refusal")) return undefined;
  const { length } = one.asked;
  one.answer = new Error(words);
  const refused = await outcome(one.told(name, args));
  if (cannot.includes("dismissal") && name === "ask_elicitation") {
    assert.deepEqual(refused, { result: { action: "cancel" } });
  } else assert.ok(refused.message, JSON.stringify(refused));
  one.answer = undefined;
  one.asked.length = length;
  return refused;
}
