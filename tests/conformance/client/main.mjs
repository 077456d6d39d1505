// The client of the suite's client scenarios, on the official SDK. The runner names the scenario in the environment and
// adds the URL of its mock server. With MCP_CONFORMANCE_THROUGH set, the proxy stands between the two: then it is the
// proxy's upstream side that the mock server judges.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { startThrough, streamable } from "../support/ways.mjs";

const call = (name, args) => async (client) => {
  await client.listTools();
  await client.callTool({ name, arguments: args });
};

const scenarios = {
  initialize: (client) => client.listTools(),
  tools_call: call("add_numbers", { a: 5, b: 3 }),
  "elicitation-sep1034-client-defaults": call("test_client_elicitation_defaults", {}),
  "sse-retry": call("test_reconnection", {}),
  "json-schema-2020-12-preservation": async (client) => {
    const { tools } = await client.listTools();
    const { inputSchema } = tools.find(({ name }) => name === "json_schema_2020_12_tool");
    await client.callTool({ name: "json_schema_echo", arguments: { schema: inputSchema } });
  },
};

async function play(scenario, url) {
  const capabilities = { elicitation: { form: { applyDefaults: true } } };
  const client = new Client({ name: "conformance", version: "1.0.0" }, { capabilities });
  // An empty form: the SDK fills in the defaults, and they must reach whoever asked.
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: {} }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  try {
    await scenario(client);
  } finally {
    await client.close();
  }
}

const [url] = process.argv.slice(2);
const scenario = scenarios[process.env.MCP_CONFORMANCE_SCENARIO];
const through = process.env.MCP_CONFORMANCE_THROUGH ? await startThrough(streamable(url)) : undefined;
try {
  await play(scenario, through?.url ?? url);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await through?.stop();
}
