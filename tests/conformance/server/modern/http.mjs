// The server on HTTP for 2026-07-28: one server per request, at any path.
import { createMcpHandler } from "@modelcontextprotocol/server";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { Session } from "../session.mjs";
import { modernServer } from "./server.mjs";

/** Answers what is of this revision, and refuses what is older. */
export function modernHandler() {
  const session = new Session();
  const news = {
    changed: (kind) => handler.notify[`${kind}Changed`](),
    updated: (uri) => handler.notify.resourceUpdated(uri),
  };
  const handler = createMcpHandler(() => modernServer(session, () => news), { legacy: "reject" });
  return toNodeHandler(handler);
}
