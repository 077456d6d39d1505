// What counts as a loss, and the table.
//
// A check's outcomes in one scenario are reduced to the worst of them. It is lost when it succeeds directly and does
// not through the proxy, or fails or warns through the proxy and not directly. A check that merely says nothing through
// the proxy is a loss as well, unless it is named below with its reason.

const RANK = ["ABSENT", "INFO", "SKIPPED", "SUCCESS", "WARNING", "FAILURE"];
const BAD = new Set(["WARNING", "FAILURE"]);

/** Checks that are about the shape of an answer, where the specification leaves the server a choice. */
const CHOICES = {
  "server-sse-multiple-streams": {
    "server-sse-streams-functional": "a list is answered as JSON, not as a stream",
  },
  "server-sse-polling": {
    "server-sse-disconnect-resume": "our own stream stays open to the end of the call, so nothing has to be resumed",
  },
};

/** Each check of a scenario with its worst outcome, and what was said about it. */
function worst(checks) {
  const found = new Map();
  for (const { id, status, errorMessage } of checks) {
    if (RANK.indexOf(status) > RANK.indexOf(found.get(id)?.status ?? "ABSENT")) found.set(id, { status, errorMessage });
  }
  return found;
}

const absent = { status: "ABSENT" };

/** What `through` loses of `direct` in one scenario, and what it merely does otherwise: each with a reason. */
export function compare(scenario, direct, through) {
  const [before, after] = [worst(direct), worst(through)];
  const lost = [];
  const otherwise = [];
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(id) ?? absent;
    const is = after.get(id) ?? absent;
    const why = CHOICES[scenario]?.[id];
    if (BAD.has(is.status)) {
      if (RANK.indexOf(is.status) > RANK.indexOf(was.status)) lost.push(`${id}: ${is.status} ${is.errorMessage ?? ""}`);
    } else if (was.status === "SUCCESS" && is.status !== "SUCCESS") {
      if (why === undefined) lost.push(`${id}: ${is.status}, but SUCCESS directly`);
      else otherwise.push(`${id}: ${why}`);
    }
  }
  return { lost, otherwise };
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
