// The tools, by name: what a list shows of each, and `run(arguments, call)`.
import { setTimeout as pause } from "node:timers/promises";
import { DEFAULTS, ENUMS, PERSON } from "./forms.mjs";
import { audio, image, text } from "./media.mjs";

const STEP_MS = 50;
/** Long enough for a client to come back after `RETRY_MS` (see http.mjs) and find the stream still silent. */
const RECONNECTION_MS = 1_000;

const said = (words) => ({ content: [text(words)] });
const nothing = { type: "object", properties: {} };
const oneString = (name, description) => ({
  type: "object",
  properties: { [name]: { type: "string", description } },
  required: [name],
});

/** Asks the user on the stream of the call that needs the answer. */
async function elicit({ server, requestId }, message, requestedSchema) {
  const { action, content } = await server.elicitInput({ message, requestedSchema }, { relatedRequestId: requestId });
  return `action=${action}, content=${JSON.stringify(content ?? {})}`;
}

async function report({ progressToken, sendNotification }, progress) {
  if (progressToken === undefined) return;
  const params = { progressToken, progress, total: 100, message: `${progress} of 100` };
  await sendNotification({ method: "notifications/progress", params });
}

export const tools = {
  test_simple_text: {
    description: "Says one sentence",
    inputSchema: nothing,
    run: () => said("This is a simple text response for testing."),
  },
  test_image_content: { description: "Shows a picture", inputSchema: nothing, run: () => ({ content: [image] }) },
  test_audio_content: { description: "Plays a sound", inputSchema: nothing, run: () => ({ content: [audio] }) },
  test_embedded_resource: {
    description: "Hands out a resource",
    inputSchema: nothing,
    run: () => {
      const body = "This is an embedded resource content.";
      const resource = { uri: "test://embedded-resource", mimeType: "text/plain", text: body };
      return { content: [{ type: "resource", resource }] };
    },
  },
  test_multiple_content_types: {
    description: "A text, a picture and a resource at once",
    inputSchema: nothing,
    run: () => {
      const resource = {
        uri: "test://mixed-content-resource",
        mimeType: "application/json",
        text: '{"test":"data","value":123}',
      };
      return { content: [text("Multiple content types test:"), image, { type: "resource", resource }] };
    },
  },
  test_tool_with_logging: {
    description: "Logs three times at level info",
    inputSchema: nothing,
    run: async (_, { log }) => {
      await log("info", "Tool execution started");
      await pause(STEP_MS);
      await log("info", "Tool processing data");
      await pause(STEP_MS);
      await log("info", "Tool execution completed");
      return said("Logged three times");
    },
  },
  test_tool_with_progress: {
    description: "Reports 0, 50 and 100 of 100",
    inputSchema: nothing,
    run: async (_, call) => {
      await report(call, 0);
      await pause(STEP_MS);
      await report(call, 50);
      await pause(STEP_MS);
      await report(call, 100);
      return said("Reported three times");
    },
  },
  test_error_handling: {
    description: "Fails",
    inputSchema: nothing,
    run: () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  },
  test_reconnection: {
    description: "Ends its response stream in the middle of the call, where the transport can",
    inputSchema: nothing,
    run: async (_, { closeSSEStream, log }) => {
      // Said before the answer, so that whoever can choose between JSON and a stream must choose the stream.
      await log("info", "Ending the stream, going on with the call");
      await pause(STEP_MS);
      closeSSEStream?.();
      await pause(RECONNECTION_MS);
      return said("Still here");
    },
  },
  test_sampling: {
    description: "Has the client's model answer",
    inputSchema: oneString("prompt", "The prompt to send to the model"),
    run: async ({ prompt }, { server, requestId }) => {
      const params = { messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 };
      const { content } = await server.createMessage(params, { relatedRequestId: requestId });
      return said(`LLM response: ${content.type === "text" ? content.text : JSON.stringify(content)}`);
    },
  },
  test_elicitation: {
    description: "Asks the user for a name and an address",
    inputSchema: oneString("message", "The message to show the user"),
    run: async ({ message }, call) => said(`User response: ${await elicit(call, message, PERSON)}`),
  },
  test_elicitation_sep1034_defaults: {
    description: "Asks the user with a default for every kind of field",
    inputSchema: nothing,
    run: async (_, call) => said(`Elicitation completed: ${await elicit(call, "Please review this", DEFAULTS)}`),
  },
  test_elicitation_sep1330_enums: {
    description: "Asks the user with every kind of choice",
    inputSchema: nothing,
    run: async (_, call) => said(`Elicitation completed: ${await elicit(call, "Please choose", ENUMS)}`),
  },
  json_schema_2020_12_tool: {
    description: "Has a schema that uses much of JSON Schema 2020-12",
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: {
          $anchor: "addressDef",
          type: "object",
          properties: { street: { type: "string" }, city: { type: "string" } },
        },
      },
      properties: {
        name: { type: "string" },
        address: { $ref: "#/$defs/address" },
        contactMethod: { type: "string", enum: ["phone", "email"] },
        phone: { type: "string" },
        email: { type: "string" },
      },
      allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
      if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
      then: { required: ["phone"] },
      else: { required: ["email"] },
      additionalProperties: false,
    },
    run: (given) => said(`Given: ${JSON.stringify(given)}`),
  },
};
