// Plays rows of the matrix with the TypeScript SDKs' clients. The plan comes as JSON on stdin; each cell goes out as a
// line of JSON: its row, its feature, and what was `seen` or why it `failed`.
import { json } from "node:stream/consumers";
import { features } from "./features.mjs";
import { LegacyPeer } from "./legacy.mjs";
import { ModernPeer } from "./modern.mjs";

const PEERS = { legacy: LegacyPeer, modern: ModernPeer };

const { rows, cellMs } = await json(process.stdin);

function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${cellMs} ms`)), cellMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Letters that are ends of lines to some, which JSON leaves as they are. */
const escaped = (json) => json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

const tell = (row, feature, outcome) => console.log(escaped(JSON.stringify({ tag: row.tag, feature, ...outcome })));

/** Plays features until one fails: what it leaves half done must not spoil the next, which gets new sessions. */
async function playSome(row, left) {
  const peers = [];
  let feature = left[0];
  try {
    for (const label of [`${row.tag}-one`, `${row.tag}-other`]) {
      peers.push(await within("connecting", PEERS[row.eras.client].connect(row.target, label)));
    }
    const [one, other] = peers;
    while (left.length > 0) {
      feature = left[0];
      const seen = await within(feature, features[feature]({ ...row, one, other }));
      tell(row, left.shift(), { seen });
    }
  } catch (error) {
    tell(row, left.shift(), { failed: error.message });
    // Who cannot even connect need not try for every feature.
    if (peers.length < 2) for (; left.length > 0; left.shift()) tell(row, left[0], { failed: "no connection" });
  } finally {
    await within("closing", Promise.all(peers.map((peer) => peer.close()))).catch(() => {});
  }
}

for (const row of rows) {
  const left = [...row.features];
  while (left.length > 0) await playSome(row, left);
}
process.exit(0);
