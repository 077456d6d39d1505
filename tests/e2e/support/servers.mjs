// The real servers behind the proxy: how each is started, as the configuration file says it.
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(here, "node_modules", ".bin", name);

/** Some files to read, in a folder of their own. */
export function sampleFolder() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mcp-proxy-files-")));
  mkdirSync(join(folder, "inner"));
  writeFileSync(join(folder, "hello.txt"), "hello\nworld\n");
  writeFileSync(join(folder, "inner", "wide.txt"), "line\u2028separator, \u{1f600} and \"quotes\"\n");
  return folder;
}

export const everything = { command: process.execPath, args: [bin("mcp-server-everything")] };

export const time = {
  command: join(here, ".venv", "bin", "python"),
  args: ["-m", "mcp_server_time", "--local-timezone", "Europe/Berlin"],
};

export const filesystem = (folder) => ({ command: process.execPath, args: [bin("mcp-server-filesystem"), folder] });

/** A server that records every line it is sent; its tool `seen` gives them back, `wait` never answers. */
export const recorder = { command: process.execPath, args: [join(here, "support", "recorder.mjs")] };

/** An npm program of the test's own packages. */
export const program = bin;
