// The process table, from /proc.
import { readFileSync, readdirSync } from "node:fs";

/** Everything that descends from `pid`: its children, their children and so on. */
export function descendants(pid) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(read).filter(Boolean);
  const found = [];
  const visit = (parent) => {
    for (const child of all.filter((process) => process.parent === parent)) {
      found.push(child);
      visit(child.pid);
    }
  };
  visit(pid);
  return found;
}

function read(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    // The name, in parentheses, may itself contain spaces and parentheses.
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid: Number(pid), parent: Number(parent), command };
  } catch {
    return undefined; // it ended meanwhile
  }
}
