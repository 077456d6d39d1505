// What a tool or a prompt can do during a call of 2026-07-28 (see catalogue.mjs). Its questions are the call's result:
// the client sends the call once more with the answers, and the tool runs again from its beginning. What was answered
// in earlier rounds comes back in the state, so that it finds all answers in the places where it asks.
import { createRequestStateCodec, inputRequired } from "@modelcontextprotocol/server";
import { randomBytes } from "node:crypto";

const states = createRequestStateCodec({ key: randomBytes(32) });

/** For the server's options: what says whether a state is one of ours. */
export const requestState = { verify: states.verify };

/** Thrown where an answer is missing, and caught by `inRounds`. */
class Round {
  constructor(questions, kept) {
    this.questions = questions;
    this.kept = kept;
  }
}

/** Runs what may ask; gives its result, or its questions as the result. */
export async function inRounds(run) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Round)) throw error;
    const state = error.kept && { requestState: await states.mint(error.kept) };
    return inputRequired({ inputRequests: error.questions, ...state });
  }
}

export class Call {
  constructor(server, session, news, { mcpReq }) {
    this.session = session;
    this.signal = mcpReq.signal;
    this.ask = async (questions, options) => ask(server, mcpReq, questions, options);
    this.report = async (progress, total, message) => {
      const progressToken = mcpReq._meta?.progressToken;
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total, message } });
    };
    this.log = (level, data) => mcpReq.log(level, data);
    this.changed = (kind) => news.changed(kind);
    this.updated = (uri) => news.updated(uri);
    this.completed = async () => {}; // nobody is told any more
    this.endStream = () => {}; // and nothing is resumed
  }
}

const CAPABILITY = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
};

function ask(server, mcpReq, questions, { isKept = false, isOptional = false } = {}) {
  const answered = mcpReq.requestState() ?? {};
  const answers = { ...answered, ...mcpReq.inputResponses };
  // Of this very request: over stdio the server's own accessor knows nothing of it.
  const can = mcpReq.envelope?.["io.modelcontextprotocol/clientCapabilities"] ?? server.getClientCapabilities() ?? {};
  const wanted = Object.entries(questions).filter(([, { method }]) => !isOptional || can[CAPABILITY[method]]);
  const missing = wanted.filter(([key]) => answers[key] === undefined);
  if (missing.length > 0) {
    const hasState = isKept || Object.keys(answers).length > 0;
    throw new Round(Object.fromEntries(missing.map(withoutId)), hasState ? answers : undefined);
  }
  return Object.fromEntries(wanted.map(([key]) => [key, answers[key]]));
}

/** A URL is no longer asked by an id of its own. */
const withoutId = ([key, { method, params }]) => {
  if (params === undefined) return [key, { method }];
  const { elicitationId, ...rest } = params;
  return [key, { method, params: rest }];
};
