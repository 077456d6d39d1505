// What a cell has come to, and the table of all of them.
import assert from "node:assert/strict";
import { table } from "../../conformance/support/verdict.mjs";
import { reasonsOf, shared, whyNot } from "./eras.mjs";
import { Notes } from "./notes.mjs";
import { DIRECT, erasOf } from "./plan.mjs";

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
  // Where a client of the upstream's own era has no such thing, there is nothing to compare with.
  if (whyNot(feature, direct) !== undefined) return undefined;
  const yardstick = cells.get(`${direct.tag} ${feature}`);
  if (yardstick?.failed !== undefined || yardstick === undefined) return "cannot be compared: it fails directly";
  const eras = erasOf(row);
  const [found, expected] = [[cell, row], [yardstick, direct]].map(([{ seen }, of]) =>
    shared(feature, untagged(seen, of), eras),
  );
  try {
    assert.deepStrictEqual(found, expected);
    return undefined;
  } catch ({ message }) {
    return `otherwise than directly: ${brief(message)}`;
  }
}

/**
 * The verdict on each cell of `rows`: "ok", "-" where there is none, or "FAILED". `notes` are the reasons for what
 * there cannot be in a cell, `why` is what a cell failed of.
 */
export function judge(rows, cells, features) {
  return rows.map((row) => {
    const found = {};
    for (const feature of features) {
      const reason = whyNot(feature, row);
      const wrong = reason === undefined ? fault(row, feature, rows, cells) : undefined;
      const mark = reason !== undefined ? "-" : wrong === undefined ? "ok" : "FAILED";
      found[feature] = { mark, why: wrong, notes: reason === undefined ? reasonsOf(row, feature) : [reason] };
    }
    return { row, cells: found };
  });
}

/** The table with its notes, and a line for every cell that is not green. */
export function report(verdicts, features) {
  const faults = [];
  const known = new Notes();
  const lines = verdicts.map(({ row, cells }) => [
    ...shown(row),
    ...features.map((feature) => {
      const { mark, why, notes } = cells[feature];
      if (mark === "FAILED") faults.push(`${shown(row).join(" ")}, ${feature}: ${why}`);
      return [mark, ...notes.map((note) => known.number(note))].join(" ");
    }),
  ]);
  const text = table([["client", "downstream", "upstream", "server", ...features], ...lines]);
  const legend = known.lines((number, note) => `${number}  ${note}`);
  return { text: [text, ...(legend.length > 0 ? ["", ...legend] : [])].join("\n"), faults };
}
