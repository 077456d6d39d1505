// Tools for the scenarios server-stateless and http-custom-header-server-validation of 2026-07-28.
import { said } from "../media.mjs";
import { field, sample } from "../questions.mjs";
import { NOTHING } from "../schemas.mjs";

/** Adds something to the lists of this kind, or takes it away again, so that they have changed in truth. */
const change = (kind) => ({
  description: `Changes the list of ${kind}`,
  inputSchema: NOTHING,
  run: async (_, { session, changed }) => {
    session.toggle(kind, `triggered_${kind}`);
    await changed(kind);
    return said(`Changed the ${kind}`);
  },
});

export const stateless = {
  test_missing_capability: {
    description: "Cannot do without the client's model",
    inputSchema: NOTHING,
    run: async (_, call) => {
      await call.ask({ answer: sample("Are you there?", { maxTokens: 10 }) });
      return said("The model answered");
    },
  },
  test_streaming_elicitation: {
    description: "Asks the user in the middle of a call",
    inputSchema: NOTHING,
    run: async (_, call) => {
      const { confirm } = await call.ask({ confirm: field("Go on?", "ok", "boolean") });
      return said(`Went on: ${confirm.action}`);
    },
  },
  test_logging_tool: {
    description: "Logs once at level info",
    inputSchema: NOTHING,
    run: async (_, { log }) => {
      await log("info", "A line that only those see who asked for it");
      return said("Logged once");
    },
  },
  test_trigger_tool_change: change("tools"),
  test_trigger_prompt_change: change("prompts"),
  test_mirrored_parameter: {
    description: "Has a parameter that HTTP clients repeat in a header",
    inputSchema: {
      type: "object",
      properties: { region: { type: "string", "x-mcp-header": "Region" }, query: { type: "string" } },
      required: ["region"],
    },
    run: ({ region }) => said(`In ${region}`),
  },
};
