// One server for 2026-07-28, on the SDK's 2.x: for one request over HTTP, for one connection over stdio.
import { McpServer, ProtocolError, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { CAPABILITIES, INFO, INSTRUCTIONS, entry, listed, promptsNow, resourcesNow } from "../catalogue.mjs";
import { complete } from "../prompts.mjs";
import { Refusal } from "../refusal.mjs";
import { read, templates } from "../resources.mjs";
import { Call, inRounds, requestState } from "./call.mjs";
import { Tools } from "./tools.mjs";

const INVALID_PARAMS = -32602;

/**
 * A new server. `session` is what all conversations with this process have come to, since none has a server of its own;
 * `newsOf(server, tools)` is what tells clients of changes.
 */
export function modernServer(session, newsOf) {
  const mcp = new McpServer(INFO, { capabilities: CAPABILITIES, instructions: INSTRUCTIONS, requestState });
  const call = (context) => new Call(mcp.server, session, news, context);
  const news = newsOf(mcp.server, new Tools(mcp, session, call));
  const answer = (method, handle) => answerOn(mcp.server, method, handle);
  answer("prompts/list", () => ({ prompts: listed(promptsNow(session)) }));
  answer("prompts/get", async ({ name, arguments: given = {} }, context) => ({
    messages: await entry(promptsNow(session), "prompt", name).run(given, call(context)),
  }));
  answer("completion/complete", (params) => ({ completion: complete(params) }));
  answer("resources/list", () => ({ resources: resourcesNow(session) }));
  answer("resources/templates/list", () => ({ resourceTemplates: templates }));
  answer("resources/read", ({ uri }) => ({ contents: [read(uri)] }));
  return mcp;
}

/** Has the server answer `method` with what `handle(params, context)` gives, or refuses in a way of our own. */
export function answerOn(server, method, handle) {
  server.setRequestHandler(method, async ({ params }, context) => {
    try {
      return await inRounds(() => handle(params ?? {}, context));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.kind === "nowhere") throw new ResourceNotFoundError(error.data.uri);
      throw new ProtocolError(INVALID_PARAMS, error.message, error.data);
    }
  });
}
