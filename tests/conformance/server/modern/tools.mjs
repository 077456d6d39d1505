// The tools of one server, registered with the SDK's high-level class: that is what has HTTP compare the headers that
// repeat parameters, and what tells the client when a tool comes or goes.
import { fromJsonSchema } from "@modelcontextprotocol/server";
import { toolsNow } from "../catalogue.mjs";
import { inRounds } from "./call.mjs";

export class Tools {
  #registered = new Map();

  /** `call(context)` is what a tool can do. */
  constructor(mcp, session, call) {
    this.mcp = mcp;
    this.session = session;
    this.call = call;
    this.update();
  }

  /** Registers what was added to the list, and removes what was taken away. */
  update() {
    const now = toolsNow(this.session);
    for (const [name, tool] of Object.entries(now)) {
      if (!this.#registered.has(name)) this.#registered.set(name, this.#register(name, tool));
    }
    for (const [name, registered] of this.#registered) {
      if (Object.hasOwn(now, name)) continue;
      registered.remove();
      this.#registered.delete(name);
    }
  }

  #register(name, { run, inputSchema, outputSchema, ...shown }) {
    const schemas = { inputSchema: fromJsonSchema(inputSchema) };
    if (outputSchema !== undefined) schemas.outputSchema = fromJsonSchema(outputSchema);
    const answer = (given, context) => inRounds(() => run(given, this.call(context)));
    return this.mcp.registerTool(name, { ...shown, ...schemas }, answer);
  }
}
