// The matrix as a table for the README: a row for each way through the proxy, whatever the languages at its ends, with
// notes on what there cannot be.
import { Notes } from "./notes.mjs";
import { DIRECT, DOWNSTREAMS, UPSTREAMS } from "./plan.mjs";

const MARKS = { ok: "✓", "-": "–", FAILED: "✗" };

/** The worst of what the languages came to. */
const worst = (marks) => ["FAILED", "-", "ok"].find((mark) => marks.includes(mark)) ?? "FAILED";

const line = (cells) => `| ${cells.join(" | ")} |`;

export function markdown(verdicts, features) {
  const known = new Notes();
  const raised = (number) => `<sup>${number}</sup>`;
  const through = verdicts.filter(({ row }) => row.downstream !== DIRECT);
  const lines = [];
  for (const downstream of Object.keys(DOWNSTREAMS)) {
    for (const upstream of Object.keys(UPSTREAMS)) {
      const of = through.filter(({ row }) => row.downstream === downstream && row.upstream === upstream);
      if (of.length === 0) continue;
      const cells = features.map((feature) => {
        const found = of.map(({ cells }) => cells[feature]);
        const numbers = found[0].notes.map((note) => raised(known.number(note)));
        return [MARKS[worst(found.map(({ mark }) => mark))], ...numbers].join("");
      });
      lines.push(line([downstream, upstream, ...cells]));
    }
  }
  const head = ["client", "server", ...features];
  const notes = known.lines((number, note) => `${raised(number)} ${note}`);
  return [line(head), line(head.map(() => "---")), ...lines, ...notes.flatMap((note) => ["", note])].join("\n");
}
