// What the client does in each of the suite's client scenarios. Both SDKs' clients have these methods.

const call = (name, args) => async (client) => {
  await client.listTools();
  await client.callTool({ name, arguments: args });
};

/** Whatever the list offers, with something in all that must be given. */
async function callAll(client) {
  const { tools } = await client.listTools();
  for (const { name, inputSchema } of tools) {
    const given = Object.fromEntries((inputSchema.required ?? []).map((member) => [member, "given"]));
    await client.callTool({ name, arguments: given });
  }
}

export const scenarios = {
  initialize: (client) => client.listTools(),
  tools_call: call("add_numbers", { a: 5, b: 3 }),
  "elicitation-sep1034-client-defaults": call("test_client_elicitation_defaults", {}),
  "sse-retry": call("test_reconnection", {}),
  "json-schema-2020-12-preservation": async (client) => {
    const { tools } = await client.listTools();
    const { inputSchema } = tools.find(({ name }) => name === "json_schema_2020_12_tool");
    await client.callTool({ name: "json_schema_echo", arguments: { schema: inputSchema } });
  },
  "json-schema-ref-no-deref": (client) => client.listTools(),
  "request-metadata": (client) => client.callTool({ name: "any", arguments: {} }),
  "sep-2322-client-request-state": async (client) => {
    await client.listTools();
    const play = (name) => client.callTool({ name: `test_mrtr_${name}`, arguments: {} });
    // At once, so that what belongs to one could get into another.
    await Promise.all(["echo_state", "no_state", "unrelated"].map(play));
    // A result that does not say its type is none to the SDK's 2.x; what counts is that it is not taken for a question.
    await play("no_result_type").catch(() => {});
  },
  "http-standard-headers": async (client) => {
    await callAll(client);
    const { resources } = await client.listResources();
    for (const { uri } of resources) await client.readResource({ uri });
    const { prompts } = await client.listPrompts();
    for (const { name } of prompts) await client.getPrompt({ name });
  },
  "http-custom-headers": async (client, { toolCalls }) => {
    await client.listTools();
    for (const toolCall of toolCalls) await client.callTool(toolCall);
  },
  "http-invalid-tool-headers": callAll,
};
