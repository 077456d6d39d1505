// The README's example for nginx in a real nginx, in front of a proxy.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./client.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const NGINX = process.env.NGINX_BIN ?? "/usr/sbin/nginx";

/** A port of this machine that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** Runs nginx at `https://localhost:port` until `stop`; it writes only to `folder`. `behind`: the port of the proxy. */
export async function startNginx(folder, port, behind) {
  const make = "import certificates, pathlib, sys; certificates.make(pathlib.Path(sys.argv[1]), 'localhost')";
  execFileSync(join(HERE, ".venv", "bin", "python"), ["-c", make, folder], { cwd: HERE });
  const readme = readFileSync(join(HERE, "..", "..", "README.md"), "utf8");
  const [, example] = readme.match(/^```nginx\n([^]*?)^```$/m);
  const snippet = replaced(example, {
    "server 127.0.0.1:9090": `server 127.0.0.1:${behind}`,
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "server_name mcp.example.com": "server_name localhost",
    "/etc/ssl/mcp.example.com.pem": join(folder, "localhost.pem"),
    "/etc/ssl/mcp.example.com.key": join(folder, "localhost.key"),
  });
  // nginx gives up its rights for a user who may not look into the test's folder.
  const user = process.getuid() === 0 ? "user root;" : "";
  const around = readFileSync(new URL("nginx.conf", import.meta.url), "utf8");
  const config = join(folder, "nginx.conf");
  writeFileSync(config, replaced(around, { FOLDER: folder, USER: user, EXAMPLE: snippet }));
  const log = join(folder, "nginx.log");
  writeFileSync(log, "");
  const child = spawn(NGINX, ["-c", config, "-p", folder, "-e", log], { stdio: "ignore" });
  const exited = once(child, "exit");
  await until("nginx", () => {
    if (child.exitCode !== null) throw new Error(`nginx: ${readFileSync(log, "utf8")}`);
    return isOpen(port);
  });
  return {
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The text with some of its words replaced, each of which must be there. */
function replaced(text, changes) {
  for (const [old, changed] of Object.entries(changes)) {
    if (!text.includes(old)) throw new Error(`the example does not say ${old} any more`);
    text = text.replaceAll(old, changed);
  }
  return text;
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
