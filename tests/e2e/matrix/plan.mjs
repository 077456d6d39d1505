// What the matrix consists of: who connects, over what, to what, and what has to work there.

/** The columns. What each means is in typescript/features.mjs and, feature for feature, in python/features.py. */
export const FEATURES = [
  "connect",
  "discover",
  "tools",
  "prompts",
  "resources",
  "completion",
  "progress",
  "cancel",
  "log",
  "list_changed",
  "subscribe",
  "listen",
  "sampling",
  "elicitation",
  "roots",
  "rounds",
  "sessions",
];

/** The languages of the SDKs, of which each has one for either era. */
export const CLIENTS = ["TypeScript", "Python"];
export const SERVERS = ["TypeScript", "Python"];
/** Rows without the proxy: what a client sees through it has to be what it sees in these. */
export const DIRECT = "direct";

/** What the proxy is spoken to over, and what it speaks: each with its era, and how the transport is called. */
export const DOWNSTREAMS = {
  streamable: { era: "legacy", transport: "streamable" },
  sse: { era: "legacy", transport: "sse" },
  modern: { era: "modern", transport: "streamable" },
};
export const UPSTREAMS = {
  stdio: { era: "legacy", transport: "stdio" },
  streamable: { era: "legacy", transport: "streamable" },
  sse: { era: "legacy", transport: "sse" },
  "modern-stdio": { era: "modern", transport: "stdio" },
  "modern-streamable": { era: "modern", transport: "streamable" },
};

/** What the proxy calls an upstream. */
export const nameOf = ({ server, upstream }) => `${server.toLowerCase()}-${upstream}`;

/** All rows. `tag` goes into all that a row makes up, so that rows that meet at an upstream can tell theirs apart. */
export function rows() {
  const found = [];
  for (const client of CLIENTS) {
    for (const server of SERVERS) {
      for (const upstream of Object.keys(UPSTREAMS)) {
        for (const downstream of [DIRECT, ...Object.keys(DOWNSTREAMS)]) {
          const tag = `tag-${String(found.length).padStart(3, "0")}`;
          found.push({ client, server, upstream, downstream, tag });
        }
      }
    }
  }
  return found;
}

/** The eras at the ends of a row. Without the proxy both are the server's. */
export function erasOf({ downstream, upstream }) {
  const server = UPSTREAMS[upstream].era;
  return { client: downstream === DIRECT ? server : DOWNSTREAMS[downstream].era, server };
}
