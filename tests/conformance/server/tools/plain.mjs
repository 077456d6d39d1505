// Tools that ask nobody anything, by name: what a list shows of each, and `run(arguments, call)`.
import { setTimeout as pause } from "node:timers/promises";
import { audio, image, said, text } from "../media.mjs";
import { NOTHING } from "../schemas.mjs";

const STEP_MS = 50;
/** Long enough for a client to come back after `RETRY_MS` (see legacy/http.mjs) and find the stream still silent. */
const RECONNECTION_MS = 1_000;

export const plain = {
  test_simple_text: {
    description: "Says one sentence",
    inputSchema: NOTHING,
    run: () => said("This is a simple text response for testing."),
  },
  test_image_content: { description: "Shows a picture", inputSchema: NOTHING, run: () => ({ content: [image] }) },
  test_audio_content: { description: "Plays a sound", inputSchema: NOTHING, run: () => ({ content: [audio] }) },
  test_embedded_resource: {
    description: "Hands out a resource",
    inputSchema: NOTHING,
    run: () => {
      const body = "This is an embedded resource content.";
      const resource = { uri: "test://embedded-resource", mimeType: "text/plain", text: body };
      return { content: [{ type: "resource", resource }] };
    },
  },
  test_multiple_content_types: {
    description: "A text, a picture and a resource at once",
    inputSchema: NOTHING,
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
    inputSchema: NOTHING,
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
    inputSchema: NOTHING,
    run: async (_, call) => {
      for (const done of [0, 50, 100]) {
        await call.report(done, 100, `${done} of 100`);
        if (done < 100) await pause(STEP_MS);
      }
      return said("Reported three times");
    },
  },
  test_error_handling: {
    description: "Fails",
    inputSchema: NOTHING,
    run: () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  },
  test_reconnection: {
    description: "Ends its response stream in the middle of the call, where the transport can",
    inputSchema: NOTHING,
    run: async (_, { endStream, log }) => {
      // Said before the answer, so that whoever can choose between JSON and a stream must choose the stream.
      await log("info", "Ending the stream, going on with the call");
      await pause(STEP_MS);
      endStream();
      await pause(RECONNECTION_MS);
      return said("Still here");
    },
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
