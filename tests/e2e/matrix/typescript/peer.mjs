// What the clients of both eras have in common: they keep what they are told, and answer what they are asked, each with
// its own label. How they ask, listen and subscribe is the era's matter: legacy.mjs and modern.mjs.

export const INFO = { name: "matrix", title: "The matrix", version: "1.0.0" };

/** What a client told a server of itself: all it can be asked. */
export const CAPABILITIES = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } };

export class Peer {
  /** What came unasked, in its order. */
  logged = [];
  updated = [];
  completed = [];
  changed = { tools: 0, prompts: 0, resources: 0 };
  /** What was asked, in its order. */
  asked = [];
  /** What it answers to the next question for input, instead of accepting. */
  answer = undefined;
  roots = [];

  constructor(label) {
    this.label = label;
    this.roots = [{ uri: `file:///srv/${label}`, name: label }];
  }

  /** Keeps a notification. */
  keep(method, params) {
    const [, kind] = /^notifications\/(\w+)\/list_changed$/.exec(method) ?? [];
    if (kind !== undefined) this.changed[kind] += 1;
    else if (method === "notifications/message") this.logged.push(params);
    else if (method === "notifications/resources/updated") this.updated.push(params.uri);
    else if (method === "notifications/elicitation/complete") this.completed.push(params.elicitationId);
  }

  /** Answers a question. */
  respond({ method, params }) {
    this.asked.push({ method, params });
    if (this.answer instanceof Error) throw this.answer;
    return ANSWERS[method](this, params);
  }

  /** What it answers when it is asked to play the model. */
  words() {
    return `${this.label} says \u{1f600}\u2028"`;
  }

  /** What a tool said as JSON; a failed tool is an error. */
  async told(name, args = {}) {
    const { isError, content } = await this.call(name, args);
    if (isError) throw new Error(content[0].text);
    return JSON.parse(content[0].text);
  }
}

export const NOTIFICATIONS = [
  "notifications/message",
  "notifications/resources/updated",
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
];

export const ANSWERS = {
  "sampling/createMessage": (peer) => ({
    model: "matrix-model",
    role: "assistant",
    stopReason: "endTurn",
    content: { type: "text", text: peer.words() },
  }),
  "elicitation/create": (peer, { mode, requestedSchema }) => {
    if (peer.answer !== undefined) return peer.answer;
    if (mode === "url") return { action: "accept" };
    return { action: "accept", content: filled(requestedSchema, peer.label) };
  },
  "roots/list": (peer) => ({ roots: peer.roots }),
};

/** A form's fields with one's own label, or whatever else their type demands; not those that are chosen from a list. */
function filled({ properties }, label) {
  const values = { string: label, integer: 7, boolean: true };
  const open = Object.entries(properties).filter(([, field]) => field.enum === undefined);
  return Object.fromEntries(open.map(([name, { type }]) => [name, values[type]]));
}
