// What counts as a loss, and the table.
//
// A check's outcomes in one scenario are reduced to the worst of them. It is lost when it succeeds directly and does
// not through the proxy, or fails or warns through the proxy and not directly. A check that merely says nothing through
// the proxy is a loss as well, unless that is a choice; and what cannot be carried is listed (losses.mjs).
import { CHOICES } from "./losses.mjs";

const RANK = ["ABSENT", "INFO", "SKIPPED", "SUCCESS", "WARNING", "FAILURE"];
const BAD = new Set(["WARNING", "FAILURE"]);

/** Each check of a scenario with its worst outcome, and what was said about it. */
function worst(checks) {
  const found = new Map();
  for (const { id, status, errorMessage } of checks) {
    if (RANK.indexOf(status) > RANK.indexOf(found.get(id)?.status ?? "ABSENT")) found.set(id, { status, errorMessage });
  }
  return found;
}

const absent = { status: "ABSENT" };

/**
 * What `through` loses of `direct` in one scenario, what it merely does otherwise, and what cannot be carried: each
 * with a reason. `listed` has the reasons of what is expected to be lost, by check.
 */
export function compare(scenario, direct, through, listed = {}) {
  const [before, after] = [worst(direct), worst(through)];
  const found = { lost: [], otherwise: [], uncarried: [] };
  for (const id of new Set([...before.keys(), ...after.keys(), ...Object.keys(listed)])) {
    const was = before.get(id) ?? absent;
    const is = after.get(id) ?? absent;
    const loss = lossOf(was, is);
    const choice = CHOICES[scenario]?.[id];
    if (listed[id] !== undefined) {
      if (loss === undefined) found.lost.push(`${id}: is listed as lost, but ${is.status}`);
      else found.uncarried.push(`${id}: ${listed[id]}`);
    } else if (loss !== undefined) {
      if (choice !== undefined && !BAD.has(is.status)) found.otherwise.push(`${id}: ${choice}`);
      else found.lost.push(`${id}: ${loss}`);
    }
  }
  return found;
}

/** Why a check is lost, or nothing. */
function lossOf(was, is) {
  if (BAD.has(is.status)) {
    return RANK.indexOf(is.status) > RANK.indexOf(was.status) ? `${is.status} ${is.errorMessage ?? ""}` : undefined;
  }
  return was.status === "SUCCESS" && is.status !== "SUCCESS" ? `${is.status}, but SUCCESS directly` : undefined;
}

/** Checks of an authorization server that merely warn, because we chose otherwise. */
const AUTHORIZATION_CHOICES = {
  "authorization-server-metadata-cimd":
    "clients register: Claude Code would not any more, and claude.ai lets no data centre read its document",
};

/** What `checks`, of an authorization server in one scenario, lack, and what is so by choice: each with a reason. */
export function unmet(checks) {
  const lost = checks.length === 0 ? ["no check at all"] : [];
  const otherwise = [];
  for (const [id, { status, errorMessage }] of worst(checks)) {
    const why = AUTHORIZATION_CHOICES[id];
    if (status === "WARNING" && why !== undefined) otherwise.push(`${id}: ${why}`);
    else if (status !== "SUCCESS") lost.push(`${id}: ${status} ${errorMessage ?? ""}`);
  }
  return { lost, otherwise };
}

/** What keeps a scenario from being a yardstick: whatever fails directly, or silence. */
export function shortcomings(checks) {
  const found = [...worst(checks)];
  if (found.length === 0) return ["no check at all"];
  return found.filter(([, { status }]) => BAD.has(status)).map(([id, { errorMessage }]) => `${id}: ${errorMessage}`);
}

/** `passed/judged`, and `!` for each warning. */
export function score(checks) {
  const count = (status) => checks.filter((check) => check.status === status).length;
  const passed = count("SUCCESS");
  return `${passed}/${passed + count("FAILURE")}${"!".repeat(count("WARNING"))}`;
}

/** Rows of cells as text, the columns as wide as they must be. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
  return [line(rows[0]), widths.map((width) => "-".repeat(width)).join("  "), ...rows.slice(1).map(line)].join("\n");
}
