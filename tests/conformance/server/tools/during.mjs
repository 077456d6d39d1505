// Tools for what happens beside an answer: progress, cancellation, logging, changes, and questions to the client. The
// suite needs none of them; the matrix (tests/e2e/matrix) does. Its reference server on the Python SDK has the same
// tools, so whatever changes here changes there. Each result is JSON, as text.
import { setTimeout as pause } from "node:timers/promises";
import { json, text } from "../media.mjs";
import { form, link, roots, sample } from "../questions.mjs";
import { strings } from "../schemas.mjs";
import { LEVELS } from "../session.mjs";

const STEP_MS = 10;

const VALUE = { type: "object", properties: { value: {} }, required: ["value"] };
const FORM = {
  type: "object",
  properties: {
    name: { type: "string", title: "Name", minLength: 1 },
    age: { type: "integer", minimum: 0 },
    colour: { type: "string", enum: ["red", "green"], default: "red" },
  },
  required: ["name"],
};

export const during = {
  echo: {
    title: "Echo",
    description: "Gives back its argument",
    inputSchema: VALUE,
    outputSchema: VALUE,
    annotations: { readOnlyHint: true },
    run: ({ value }) => ({ content: [text(JSON.stringify(value))], structuredContent: { value } }),
  },
  report: {
    description: "Reports its progress three times, each time with the label",
    inputSchema: strings("label"),
    run: async ({ label }, { report }) => {
      for (let done = 1; done <= 3; done += 1) {
        await report(done, 3, `${label} ${done}`);
        await pause(STEP_MS);
      }
      return json({ label });
    },
  },
  wait: {
    description: "Ends only when it is cancelled",
    inputSchema: strings("label"),
    run: ({ label }, { session, signal }) => {
      session.waiting.add(label);
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          session.waiting.delete(label);
          session.cancelled.push({ label, reason: signal.reason });
          resolve(json({ label }));
        });
      });
    },
  },
  waited: {
    description: "Tells which calls wait, and which were cancelled",
    inputSchema: strings(),
    run: (_, { session: { waiting, cancelled } }) => json({ waiting: [...waiting], cancelled }),
  },
  say: {
    description: "Logs the label once at every level",
    inputSchema: strings("label"),
    run: async ({ label }, { log }) => {
      for (const level of LEVELS) await log(level, { label, level });
      return json({ label });
    },
  },
  toggle: {
    description: "Adds a tool, a prompt and a resource of that name, or takes them away again",
    inputSchema: strings("name"),
    run: async ({ name }, { changed, session }) => {
      const kinds = ["tools", "prompts", "resources"];
      const [added] = kinds.map((kind) => session.toggle(kind, name));
      for (const kind of kinds) await changed(kind);
      return json({ added });
    },
  },
  touch: {
    description: "Tells the client that a resource was updated, if it has subscribed to that",
    inputSchema: strings("uri"),
    run: async ({ uri }, { updated }) => json({ subscribed: await updated(uri) }),
  },
  ask_sampling: {
    description: "Has the client's model answer, and gives back all of what it said",
    inputSchema: strings("prompt"),
    run: async ({ prompt }, { ask }) => {
      const params = { systemPrompt: "Be brief.", maxTokens: 7, temperature: 0.5, stopSequences: ["\u2028"] };
      return json((await ask({ answer: sample(prompt, params) })).answer);
    },
  },
  ask_elicitation: {
    description: "Has the user fill in a form",
    inputSchema: strings("message"),
    run: async ({ message }, { ask }) => json((await ask({ answer: form(message, FORM) })).answer),
  },
  ask_elicitation_url: {
    description: "Sends the user to a URL, and says afterwards that this is done",
    inputSchema: strings("message", "id"),
    run: async ({ message, id }, { ask, completed }) => {
      const { answer } = await ask({ answer: link(message, `https://example.com/grant?id=${id}`, id) });
      await completed(id);
      return json(answer);
    },
  },
  ask_roots: {
    description: "Has the client list its roots, and tells how often it said that they have changed",
    inputSchema: strings(),
    run: async (_, { ask, session }) => {
      const { answer } = await ask({ answer: roots() });
      return json({ roots: answer.roots, changes: session.rootsChanges });
    },
  },
};
