// What a run leaves behind: processes that carry its mark in their environment, and ports that still answer.
import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";

const MARK = "MCP_CONFORMANCE_RUN";

/** Set in this process, and so inherited by all that it starts, at whatever remove. */
export const mark = { [MARK]: randomUUID() };
Object.assign(process.env, mark);

/** The processes that carry the mark. Not this one: the kernel shows the environment that a process started with. */
export function processes() {
  const marked = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${MARK}=${mark[MARK]}`);
    } catch {
      return false; // it ended meanwhile, or is somebody else's
    }
  };
  const command = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && marked(name));
  return found.map((pid) => `${pid}: ${command(pid)}`);
}

/** Whether something still listens where `url` points. */
export function isOpen(url) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(true) ?? socket.destroy());
    socket.on("error", () => resolve(false));
  });
}
