// What a cell has come to, and the table of all of them.
import assert from "node:assert/strict";
import { table } from "../../conformance/support/verdict.mjs";
import { DIRECT, FEATURES } from "./plan.mjs";

const LINES_MAX = 12;

const shown = ({ client, downstream, upstream, server }) => [client, downstream, upstream, server];

/** Without the row's own word, which differs from row to row. */
const untagged = (seen, { tag }) => JSON.parse(JSON.stringify(seen ?? null).replaceAll(tag, "TAG"));

const brief = (text) => text.split("\n").slice(0, LINES_MAX).join("\n    ");

/** Why a cell is not green, or `undefined`. `cells` holds what the clients told, by tag and feature. */
function fault(row, feature, rows, cells) {
  const cell = cells.get(`${row.tag} ${feature}`);
  if (cell === undefined) return "was never played";
  if (cell.failed !== undefined) return brief(cell.failed);
  if (row.downstream === DIRECT) return undefined;
  const isYardstick = ({ client, server, upstream, downstream }) =>
    downstream === DIRECT && client === row.client && server === row.server && upstream === row.upstream;
  const direct = rows.find(isYardstick);
  const yardstick = cells.get(`${direct.tag} ${feature}`);
  if (yardstick?.failed !== undefined || yardstick === undefined) return "cannot be compared: it fails directly";
  try {
    assert.deepStrictEqual(untagged(cell.seen, row), untagged(yardstick.seen, direct));
    return undefined;
  } catch ({ message }) {
    return `otherwise than directly: ${brief(message)}`;
  }
}

/** The table of `rows`, and a line for every cell that is not green. */
export function judge(rows, cells) {
  const faults = [];
  const lines = rows.map((row) => [
    ...shown(row),
    ...FEATURES.map((feature) => {
      const found = fault(row, feature, rows, cells);
      if (found === undefined) return "ok";
      faults.push(`${shown(row).join(" ")}, ${feature}: ${found}`);
      return "FAILED";
    }),
  ]);
  return { text: table([["client", "downstream", "upstream", "server", ...FEATURES], ...lines]), faults };
}
