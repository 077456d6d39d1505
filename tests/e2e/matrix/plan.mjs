// What the matrix consists of: who connects, over what, to what, and what has to work there.

/** The columns. What each means is in typescript/features.mjs and, feature for feature, in python/features.py. */
export const FEATURES = [
  "initialize",
  "tools",
  "prompts",
  "resources",
  "completion",
  "progress",
  "cancel",
  "log",
  "list_changed",
  "subscribe",
  "sampling",
  "elicitation",
  "roots",
  "sessions",
];

export const CLIENTS = ["TypeScript", "Python"];
/** Rows without the proxy: what a client sees through it has to be what it sees in these. */
export const DIRECT = "direct";
export const DOWNSTREAMS = [DIRECT, "streamable", "sse"];
export const UPSTREAMS = ["stdio", "streamable", "sse"];
/** The SDK that the upstream is built on. */
export const SERVERS = ["TypeScript", "Python"];

/** What the proxy calls an upstream. */
export const nameOf = ({ server, upstream }) => `${server.toLowerCase()}-${upstream}`;

/** All rows. `tag` goes into all that a row makes up, so that rows that meet at an upstream can tell theirs apart. */
export function rows() {
  const found = [];
  for (const client of CLIENTS) {
    for (const server of SERVERS) {
      for (const upstream of UPSTREAMS) {
        for (const downstream of DOWNSTREAMS) {
          const tag = `tag-${String(found.length).padStart(3, "0")}`;
          found.push({ client, server, upstream, downstream, tag });
        }
      }
    }
  }
  return found;
}

/** Only the response stream of a POST tells which call a question belongs to; without the proxy there is no doubt. */
export const isAttributed = ({ upstream, downstream }) => downstream === DIRECT || upstream === "streamable";
