// One conversation's server for the revisions up to 2025-11-25, on the SDK's 1.x, which most servers are built on. It
// is the low-level class, because the suite wants schemas on the wire that the high-level one cannot express.
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
import { CAPABILITIES, INFO, INSTRUCTIONS, entry, listed, promptsNow, resourcesNow, toolsNow } from "../catalogue.mjs";
import { complete } from "../prompts.mjs";
import { Refusal } from "../refusal.mjs";
import { read, templates } from "../resources.mjs";
import { LEVELS, Session } from "../session.mjs";
import { Call } from "./call.mjs";

/** -32002 is "Resource not found" in these revisions. */
const CODES = { unknown: ErrorCode.InvalidParams, nowhere: -32002 };

/** A new server for one transport. */
export function legacyServer() {
  const server = new Server(INFO, { capabilities: CAPABILITIES, instructions: INSTRUCTIONS });
  const session = new Session();
  const answer = (schema, handle) =>
    server.setRequestHandler(schema, async (request, extra) => {
      try {
        return await handle(request.params ?? {}, () => new Call(server, session, request, extra));
      } catch (error) {
        throw error instanceof Refusal ? new McpError(CODES[error.kind], error.message, error.data) : error;
      }
    });
  answerTools(answer, session);
  answerPrompts(answer, session);
  answerResources(answer, session);
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => void (session.rootsChanges += 1));
  return server;
}

function answerTools(answer, session) {
  answer(SetLevelRequestSchema, ({ level }) => {
    session.threshold = LEVELS.indexOf(level);
    return {};
  });
  answer(ListToolsRequestSchema, () => ({ tools: listed(toolsNow(session)) }));
  answer(CallToolRequestSchema, async ({ name, arguments: given = {} }, call) => {
    const tool = entry(toolsNow(session), "tool", name);
    try {
      return await tool.run(given, call());
    } catch (error) {
      // What goes wrong inside a tool is for the model to read, so it is a result and not a protocol error.
      return { isError: true, content: [{ type: "text", text: error.message }] };
    }
  });
}

function answerPrompts(answer, session) {
  answer(ListPromptsRequestSchema, () => ({ prompts: listed(promptsNow(session)) }));
  answer(GetPromptRequestSchema, async ({ name, arguments: given = {} }, call) => ({
    messages: await entry(promptsNow(session), "prompt", name).run(given, call()),
  }));
  answer(CompleteRequestSchema, (params) => ({ completion: complete(params) }));
}

function answerResources(answer, session) {
  const { subscribed } = session;
  answer(ListResourcesRequestSchema, () => ({ resources: resourcesNow(session) }));
  answer(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: templates }));
  answer(ReadResourceRequestSchema, ({ uri }) => ({ contents: [read(uri)] }));
  answer(SubscribeRequestSchema, ({ uri }) => {
    subscribed.add(read(uri).uri); // a resource that is not there cannot be watched
    return {};
  });
  answer(UnsubscribeRequestSchema, ({ uri }) => {
    if (!subscribed.delete(uri)) throw new Refusal("unknown", `Not subscribed: ${uri}`);
    return {};
  });
}
