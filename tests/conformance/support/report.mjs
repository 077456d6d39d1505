// Collects what all legs come to, and prints it: a table for each leg, then what is otherwise, uncarried and lost.
import { LOSSES } from "./losses.mjs";
import { notRequired } from "./suite.mjs";
import { compare, score, shortcomings, table } from "./verdict.mjs";

/** What a cell says besides its score. */
const MARKS = { lost: " LOST", uncarried: " -", otherwise: " *" };

export class Report {
  losses = [];
  #otherwise = [];
  #uncarried = [];

  /** One leg, scenario by scenario: the checks of the `direct` run, and of each way through the proxy. */
  leg(name, revision, direct, ways) {
    const optional = notRequired(revision);
    const intact = Object.fromEntries(Object.keys(ways).map((way) => [way, 0]));
    const rows = [["scenario", "direct", ...Object.keys(ways)]];
    for (const [scenario, checks] of direct) {
      for (const short of shortcomings(checks)) this.losses.push(`${name}, direct, ${scenario}: ${short}`);
      const cells = Object.entries(ways).map(([way, found]) => {
        const through = found.get(scenario) ?? [];
        const kept = this.#keep(`${name}, ${way}, ${scenario}`, this.#verdict(name, scenario, checks, through));
        if ([undefined, "otherwise"].includes(kept) && !optional.has(scenario)) intact[way] += 1;
        return `${score(through)}${MARKS[kept] ?? ""}`;
      });
      rows.push([`${scenario}${optional.has(scenario) ? " (not required)" : ""}`, score(checks), ...cells]);
    }
    const required = [...direct.keys()].filter((scenario) => !optional.has(scenario)).length;
    const whole = Object.keys(ways).map((way) => `${intact[way]}`);
    rows.push([optional.size > 0 ? "required scenarios intact" : "scenarios intact", `${required}`, ...whole]);
    console.log(`\n${name}: scenarios of ${revision}\n\n${table(rows)}`);
  }

  #verdict(name, scenario, direct, through) {
    return compare(scenario, direct, through, LOSSES[name]?.[scenario]);
  }

  /** Keeps a verdict's lines; gives the worst kind among them, if any. */
  #keep(where, { lost, uncarried, otherwise }) {
    this.losses.push(...lost.map((what) => `${where}: ${what}`));
    this.#uncarried.push(...uncarried.map((what) => `${where}: ${what}`));
    this.#otherwise.push(...otherwise.map((what) => `${where}: ${what}`));
    if (lost.length > 0) return "lost";
    if (uncarried.length > 0) return "uncarried";
    return otherwise.length > 0 ? "otherwise" : undefined;
  }

  /** The end of the report; gives the exit status. */
  end() {
    const section = (title, lines) => {
      if (lines.length > 0) console.log([`\n${title}`, ...lines].join("\n  "));
    };
    section("* otherwise than directly, by choice:", this.#otherwise);
    section("- cannot be carried from one era to the other:", this.#uncarried);
    section("lost:", this.losses);
    const { length } = this.losses;
    console.log(length > 0 ? `\nFAILED: ${length} losses` : "\nnothing lost that could be carried");
    return length > 0 ? 1 : 0;
  }
}
