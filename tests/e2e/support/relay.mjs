// A network that can break: a TCP relay in front of the proxy.
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Relays to `target` (a URL); gives the same URL through the relay, and `cut`, which breaks all that is open. */
export async function startRelay(target) {
  const open = new Set();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      open.add(from);
      from.on("data", (bytes) => to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = new URL(target);
  url.port = server.address().port;
  const cut = () => open.forEach((socket) => socket.resetAndDestroy());
  return {
    url,
    cut,
    stop: () => {
      cut();
      server.close();
    },
  };
}
