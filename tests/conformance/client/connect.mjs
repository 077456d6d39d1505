// The official clients: the SDK's 1.x, which knows no 2026-07-28, and its 2.x, held to that revision.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

const INFO = { name: "conformance", version: "1.0.0" };
const CAPABILITIES = { roots: {}, sampling: {}, elicitation: { form: { applyDefaults: true } } };

/** An empty form: the SDK fills in the defaults, and they must reach whoever asked. */
const ANSWERS = {
  "elicitation/create": () => ({ action: "accept", content: {} }),
  "sampling/createMessage": () => ({ model: "none", role: "assistant", content: { type: "text", text: "yes" } }),
  "roots/list": () => ({ roots: [] }),
};

const LEGACY_SCHEMAS = {
  "elicitation/create": ElicitRequestSchema,
  "sampling/createMessage": CreateMessageRequestSchema,
  "roots/list": ListRootsRequestSchema,
};

export const connect = {
  legacy: async (url) => {
    const client = new LegacyClient(INFO, { capabilities: CAPABILITIES });
    for (const [method, answer] of Object.entries(ANSWERS)) client.setRequestHandler(LEGACY_SCHEMAS[method], answer);
    await client.connect(new LegacyTransport(new URL(url)));
    return client;
  },
  modern: async (url) => {
    const versionNegotiation = { mode: { pin: "2026-07-28" } };
    const client = new ModernClient(INFO, { capabilities: CAPABILITIES, versionNegotiation });
    for (const [method, answer] of Object.entries(ANSWERS)) client.setRequestHandler(method, answer);
    await client.connect(new ModernTransport(new URL(url)));
    return client;
  },
};
