// What cannot be the same in every row: cells that there cannot be, what a feature has to do without in a row, and what
// a client of the one era sees otherwise than a client of the other would. Each with its reason; whatever is not here
// must be as it is directly.
import { DIRECT, UPSTREAMS, erasOf } from "./plan.mjs";

/** Features that a client of an era does not have. */
const NOT_THERE = {
  legacy: {
    discover: "server/discover came with 2026-07-28; connect is what a legacy client has",
    listen: "subscriptions/listen came with 2026-07-28; list_changed and subscribe are what a legacy client has",
  },
  modern: {},
};

/** Why there is no such cell, or nothing. */
export const whyNot = (feature, row) => NOT_THERE[erasOf(row).client][feature];

/** What features do without through the proxy, by the name they know it under. */
const LIMITS = {
  attribution: {
    features: ["sessions"],
    reason:
      "over stdio and SSE a legacy server's question does not tell which call it belongs to: while several clients' " +
      'calls are in flight it is refused, unless the server has "isolation": "session"',
    isIn: ({ server }, upstream) => server === "legacy" && upstream !== "streamable",
  },
  refusal: {
    features: ["sampling", "elicitation"],
    reason: "a modern client has no answer that refuses: a legacy server waits for one until the proxy gives up",
    isIn: ({ client, server }) => client === "modern" && server === "legacy",
  },
  dismissal: {
    features: ["elicitation"],
    reason: "a modern server's question has no answer that refuses: a legacy client's error reads as a dismissal",
    isIn: ({ client, server }) => client === "legacy" && server === "modern",
  },
  rootsChanged: {
    features: ["roots"],
    reason: "2026-07-28 has no word of changed roots: the server finds them out when it asks again",
    isIn: ({ client, server }) => client !== server,
  },
  cancelReason: {
    features: ["cancel"],
    reason: "a modern client cancels by ending the stream, which gives no reason",
    isIn: ({ client, server }) => client === "modern" || server === "modern",
  },
};

/** The names of what a row does without, and for one feature the reasons. */
const limitsOf = (row) =>
  row.downstream === DIRECT ? [] : Object.entries(LIMITS).filter(([, { isIn }]) => isIn(erasOf(row), row.upstream));
export const limits = (row) => limitsOf(row).map(([name]) => name);
export const reasonsOf = (row, feature) =>
  limitsOf(row)
    .filter(([, { features }]) => features.includes(feature))
    .map(([, { reason }]) => reason);

/** Members that something has in one era only, anywhere in what was seen. */
const ONLY = {
  resultType: "results of 2026-07-28 say what they are",
  ttlMs: "how long a result may be kept is said since 2026-07-28",
  cacheScope: "and for whom",
  "io.modelcontextprotocol/serverInfo": "a server of 2026-07-28 says its name in every result",
  elicitationId: "a URL is asked for by an id of its own up to 2025-11-25",
};

const REFUSAL = "how a refusal reads depends on who refuses: the client itself, the server, or the proxy";
/** What a feature saw that is not carried where an end is modern. */
const UNCARRIED = {
  cancel: { reason: LIMITS.cancelReason.reason },
  sampling: { refused: REFUSAL },
  elicitation: { refused: REFUSAL },
};

/** "Resource not found" up to 2025-11-25, and since. */
const CODES = { "-32002": -32602 };
/** What some SDKs put before an error's message, some of them twice. */
const PREFIX = /^(MCP error -?\d+: )+/;

/** What was seen, without what the eras of the row's two ends do not share. */
export function shared(feature, seen, { client, server }) {
  const isAcross = client !== server;
  if (!isAcross && client === "legacy") return seen;
  return without(seen, { ...UNCARRIED[feature], ...(isAcross && ONLY) }, isAcross);
}

function without(value, dropped, isAcross) {
  if (Array.isArray(value)) return value.map((member) => without(member, dropped, isAcross));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([name]) => dropped[name] === undefined)
    .map(([name, member]) => [name, without(member, dropped, isAcross)])
    // What held nothing else is not missed.
    .filter(([name, member]) => !(isAcross && name === "_meta" && Object.keys(member).length === 0));
  const made = Object.fromEntries(kept);
  return isAcross ? { ...made, ...translated(made) } : made;
}

/** An error's number and message as both eras have them. */
function translated({ code, message }) {
  return {
    ...(CODES[code] !== undefined && { code: CODES[code] }),
    ...(typeof message === "string" && { message: message.replace(PREFIX, "") }),
  };
}
