// The client of the suite's client scenarios. The runner names the scenario in the environment and adds the URL of its
// mock server; MCP_CONFORMANCE_CLIENT says which official client it is. With MCP_CONFORMANCE_THROUGH set, the proxy
// stands between the two: then it is the proxy's upstream side that the mock server judges.
import { startThrough, streamable } from "../support/ways.mjs";
import { connect } from "./connect.mjs";
import { scenarios } from "./scenarios.mjs";

const [url] = process.argv.slice(2);
const environment = process.env;
const scenario = scenarios[environment.MCP_CONFORMANCE_SCENARIO];
const context = JSON.parse(environment.MCP_CONFORMANCE_CONTEXT ?? "{}");

async function play(at) {
  const client = await connect[environment.MCP_CONFORMANCE_CLIENT](at);
  try {
    await scenario(client, context);
  } finally {
    await client.close();
  }
}

const through = environment.MCP_CONFORMANCE_THROUGH ? await startThrough(streamable(url)) : undefined;
try {
  await play(through?.url ?? url);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await through?.stop();
}
