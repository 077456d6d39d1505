// The server on HTTP for the revisions up to 2025-11-25, one per session: streamable, and SSE (2024-11-05).
import { randomUUID } from "node:crypto";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import { legacyServer } from "./server.mjs";

/** How long a client whose stream ended is told to wait before it comes back. */
const RETRY_MS = 250;

/** Answers what is asked over streamable HTTP. */
export function legacyHandler() {
  const sessions = new Map();
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new Events(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    transport.onclose = () => sessions.delete(transport.sessionId);
    await legacyServer().connect(transport);
    return transport;
  };
  return async (request, response) => {
    const id = request.get("mcp-session-id");
    const known = sessions.get(id);
    const starts = id === undefined && request.method === "POST" && isInitializeRequest(request.body);
    if (known === undefined && !starts) return refuse(response, id === undefined ? 400 : 404);
    await (known ?? (await open())).handleRequest(request, response, request.body);
  };
}

/** Adds SSE at /sse to an application. */
export function serveSse(app) {
  const sessions = new Map();
  app.get("/sse", async (_, response) => {
    const transport = new SSEServerTransport("/messages", response);
    sessions.set(transport.sessionId, transport);
    response.on("close", () => sessions.delete(transport.sessionId));
    await legacyServer().connect(transport);
  });
  app.post("/messages", async (request, response) => {
    const known = sessions.get(request.query.sessionId);
    if (known === undefined) return refuse(response, 404);
    await known.handlePostMessage(request, response, request.body);
  });
}

function refuse(response, status) {
  const message = status === 404 ? "Session not found" : "No session";
  response.status(status).json({ jsonrpc: "2.0", id: null, error: { code: -32000, message } });
}

/** What a session's streams have carried, so that a client can resume one (the SDK's `EventStore`). */
class Events {
  #sent = [];

  async storeEvent(stream, message) {
    this.#sent.push({ stream, message });
    return String(this.#sent.length);
  }

  async replayEventsAfter(last, { send }) {
    const from = Number(last);
    const stream = this.#sent[from - 1]?.stream;
    if (stream === undefined) throw new Error(`No such event: ${last}`);
    for (let at = from; at < this.#sent.length; at += 1) {
      const event = this.#sent[at];
      // A priming event has an id but carries no message.
      if (event.stream === stream && Object.keys(event.message).length > 0) await send(String(at + 1), event.message);
    }
    return stream;
  }
}
