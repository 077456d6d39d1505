// One conversation's server: every legacy server feature, wired to the tools, prompts and resources beside this file.
// It is the SDK's low-level class, because the suite wants schemas on the wire that the high-level one cannot express.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  RootsListChangedNotificationSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { during } from "./during.mjs";
import { complete, prompts } from "./prompts.mjs";
import { read, resources, templates } from "./resources.mjs";
import { LEVELS, Session } from "./session.mjs";
import { tools } from "./tools.mjs";

const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

/** A table's entries as a list shows them: with their names, without what they do. */
const listed = (table) => Object.entries(table).map(([name, { run, ...shown }]) => ({ name, ...shown }));

function entry(table, kind, name) {
  if (!Object.hasOwn(table, name)) throw new McpError(ErrorCode.InvalidParams, `Unknown ${kind}: ${name}`);
  return table[name];
}

/** A new server for one transport. */
export function referenceServer() {
  const info = { name: "conformance-reference", title: "Conformance reference", version: "1.0.0" };
  const instructions = "Everything here answers as the conformance suite expects.";
  const server = new Server(info, { capabilities: CAPABILITIES, instructions });
  const session = new Session();
  answerTools(server, session);
  answerPrompts(server, session);
  answerResources(server, session);
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => void (session.rootsChanges += 1));
  return server;
}

/** A table with what was added to it meanwhile. */
const withAdded = (table, { added }, made) => ({
  ...table,
  ...Object.fromEntries([...added].map((name) => [name, made(name)])),
});

const addedTool = () => ({ inputSchema: { type: "object" }, run: () => ({ content: [] }) });
const addedPrompt = () => ({ run: () => [] });

function answerTools(server, session) {
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    session.threshold = LEVELS.indexOf(params.level);
    return {};
  });
  const now = () => withAdded({ ...tools, ...during }, session, addedTool);
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: listed(now()) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = entry(now(), "tool", params.name);
    const call = {
      ...extra,
      server,
      session,
      progressToken: params._meta?.progressToken,
      log: async (level, data) => {
        if (LEVELS.indexOf(level) < session.threshold) return;
        await extra.sendNotification({ method: "notifications/message", params: { level, data } });
      },
    };
    try {
      return await tool.run(params.arguments ?? {}, call);
    } catch (error) {
      // What goes wrong inside a tool is for the model to read, so it is a result and not a protocol error.
      return { isError: true, content: [{ type: "text", text: error.message }] };
    }
  });
}

function answerPrompts(server, session) {
  const now = () => withAdded(prompts, session, addedPrompt);
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: listed(now()) }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
    messages: entry(now(), "prompt", params.name).run(params.arguments ?? {}),
  }));
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => ({ completion: complete(params) }));
}

function answerResources(server, { added, subscribed }) {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [...resources, ...[...added].map((name) => ({ name, uri: `test://added/${name}` }))],
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: templates }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({ contents: [read(params.uri)] }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(read(params.uri).uri); // a resource that is not there cannot be watched
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    if (!subscribed.delete(params.uri)) throw new McpError(ErrorCode.InvalidParams, `Not subscribed: ${params.uri}`);
    return {};
  });
}
