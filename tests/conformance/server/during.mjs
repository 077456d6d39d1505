// Tools for what happens beside an answer: progress, cancellation, logging, changes, and questions to the client. The
// suite needs none of them; the matrix (tests/e2e/matrix) does. Its reference server on the Python SDK has the same
// tools, so whatever changes here changes there. Each result is JSON, as text.
import { setTimeout as pause } from "node:timers/promises";
import { text } from "./media.mjs";
import { LEVELS } from "./session.mjs";

const STEP_MS = 10;

const json = (value) => ({ content: [text(JSON.stringify(value))] });
const object = (...names) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  required: names,
});

/** Questions go on the stream of the call that raises them, where the transport has such streams. */
const related = ({ requestId }) => ({ relatedRequestId: requestId });

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
    inputSchema: { type: "object", properties: { value: {} }, required: ["value"] },
    outputSchema: { type: "object", properties: { value: {} }, required: ["value"] },
    annotations: { readOnlyHint: true },
    run: ({ value }) => ({ content: [text(JSON.stringify(value))], structuredContent: { value } }),
  },
  report: {
    description: "Reports its progress three times, each time with the label",
    inputSchema: object("label"),
    run: async ({ label }, { progressToken, sendNotification }) => {
      for (let progress = 1; progressToken !== undefined && progress <= 3; progress += 1) {
        const params = { progressToken, progress, total: 3, message: `${label} ${progress}` };
        await sendNotification({ method: "notifications/progress", params });
        await pause(STEP_MS);
      }
      return json({ label });
    },
  },
  wait: {
    description: "Ends only when it is cancelled",
    inputSchema: object("label"),
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
    inputSchema: object(),
    run: (_, { session: { waiting, cancelled } }) => json({ waiting: [...waiting], cancelled }),
  },
  say: {
    description: "Logs the label once at every level",
    inputSchema: object("label"),
    run: async ({ label }, { log }) => {
      for (const level of LEVELS) await log(level, { label, level });
      return json({ label });
    },
  },
  toggle: {
    description: "Adds a tool, a prompt and a resource of that name, or takes them away again",
    inputSchema: object("name"),
    run: async ({ name }, { server, session }) => {
      if (!session.added.delete(name)) session.added.add(name);
      await server.sendToolListChanged();
      await server.sendPromptListChanged();
      await server.sendResourceListChanged();
      return json({ added: session.added.has(name) });
    },
  },
  touch: {
    description: "Tells the client that a resource was updated, if it has subscribed to that",
    inputSchema: object("uri"),
    run: async ({ uri }, { server, session }) => {
      const subscribed = session.subscribed.has(uri);
      if (subscribed) await server.sendResourceUpdated({ uri });
      return json({ subscribed });
    },
  },
  ask_sampling: {
    description: "Has the client's model answer, and gives back all of what it said",
    inputSchema: object("prompt"),
    run: async ({ prompt }, call) => {
      const messages = [{ role: "user", content: text(prompt) }];
      const params = { messages, systemPrompt: "Be brief.", maxTokens: 7, temperature: 0.5, stopSequences: ["\u2028"] };
      return json(await call.server.createMessage(params, related(call)));
    },
  },
  ask_elicitation: {
    description: "Has the user fill in a form",
    inputSchema: object("message"),
    run: async ({ message }, call) => {
      const params = { message, requestedSchema: FORM };
      return json(await call.server.elicitInput(params, related(call)));
    },
  },
  ask_elicitation_url: {
    description: "Sends the user to a URL, and says afterwards that this is done",
    inputSchema: object("message", "id"),
    run: async ({ message, id: elicitationId }, call) => {
      const url = `https://example.com/grant?id=${elicitationId}`;
      const answer = await call.server.elicitInput({ mode: "url", message, url, elicitationId }, related(call));
      await call.server.createElicitationCompletionNotifier(elicitationId, related(call))();
      return json(answer);
    },
  },
  ask_roots: {
    description: "Has the client list its roots, and tells how often it said that they have changed",
    inputSchema: object(),
    run: async (_, call) => {
      const { roots } = await call.server.listRoots(undefined, related(call));
      return json({ roots, changes: call.session.rootsChanges });
    },
  },
};
