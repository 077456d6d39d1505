// The server on stdin and stdout: one for the connection, whose first message decides on the era. What is older than
// 2026-07-28 is served by the SDK's 2.x as well, if at all: it makes requests of the questions by itself.
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { Refusal } from "../refusal.mjs";
import { read } from "../resources.mjs";
import { Session } from "../session.mjs";
import { answerOn, modernServer } from "./server.mjs";

export function serveModernStdio({ isDual }) {
  const session = new Session();
  const factory = ({ era }) => (era === "modern" ? modernServer(session, newsOf) : olderServer(session));
  return serveStdio(factory, { legacy: isDual ? "serve" : "reject" });
}

/** Who listens to what is known to the SDK. */
const newsOf = (server, tools) => ({
  changed: async (kind) => {
    if (kind === "tools") tools.update();
    else if (kind === "prompts") await server.sendPromptListChanged();
    else await server.sendResourceListChanged();
  },
  updated: (uri) => server.sendResourceUpdated({ uri }),
});

/** With what 2026-07-28 has no more. */
function olderServer(session) {
  const { subscribed } = session;
  const mcp = modernServer(session, (server, tools) => ({
    ...newsOf(server, tools),
    updated: async (uri) => {
      if (subscribed.has(uri)) await server.sendResourceUpdated({ uri });
      return subscribed.has(uri);
    },
  }));
  answerOn(mcp.server, "resources/subscribe", ({ uri }) => {
    subscribed.add(read(uri).uri); // a resource that is not there cannot be watched
    return {};
  });
  answerOn(mcp.server, "resources/unsubscribe", ({ uri }) => {
    if (!subscribed.delete(uri)) throw new Refusal("unknown", `Not subscribed: ${uri}`);
    return {};
  });
  mcp.server.setNotificationHandler("notifications/roots/list_changed", () => void (session.rootsChanges += 1));
  return mcp;
}
