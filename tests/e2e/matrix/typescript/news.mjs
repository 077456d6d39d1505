// What only a client of 2026-07-28 has: what a server says of itself at any time, and streams of news for what is
// asked.
import assert from "node:assert/strict";
import { until } from "../../support/client.mjs";

export async function discover({ one }) {
  const { supportedVersions, capabilities, instructions, ttlMs, cacheScope, _meta } = await one.client.discover();
  assert.deepEqual(supportedVersions, ["2026-07-28"]);
  assert.ok(Number.isInteger(ttlMs) && ttlMs >= 0);
  assert.ok(["public", "private"].includes(cacheScope));
  const info = _meta["io.modelcontextprotocol/serverInfo"];
  assert.deepEqual({ info, capabilities, instructions }, await one.opening());
  return { supportedVersions, info, capabilities, instructions };
}

export async function listen({ one, tag, eras }) {
  const { changed, client } = one;
  const toggled = async () => {
    const before = changed.tools;
    const { added } = await one.told("toggle", { name: tag });
    await until("word of the tools", () => changed.tools > before);
    return added;
  };
  await one.closeEars();
  const tools = await client.listen({ toolsListChanged: true });
  Object.assign(changed, { tools: 0, prompts: 0, resources: 0 });
  await toggled();
  assert.equal(changed.prompts, 0, "nothing that was not asked for");
  const prompts = await client.listen({ promptsListChanged: true });
  await toggled();
  await until("word of the prompts", () => changed.prompts > 0);
  await prompts.close();
  await until("silence about the prompts", async () => {
    const before = changed.prompts;
    await toggled();
    return changed.prompts === before;
  });
  if (await toggled()) await toggled();
  assert.equal(changed.resources, 0, "nothing that was not asked for");
  await tools.close();
  const uris = { resourceSubscriptions: ["test://static-text", "test://nowhere"] };
  const resources = await client.listen(uris);
  // A server that is asked for each by itself refuses what is not there.
  const honoured = resources.honoredFilter.resourceSubscriptions;
  if (eras.server === "legacy") assert.deepEqual(honoured, ["test://static-text"]);
  await one.told("touch", { uri: "test://static-text" });
  await until("an update", () => one.updated.includes("test://static-text"));
  await resources.close();
  return [tools, prompts].map(({ honoredFilter }) => honoredFilter);
}
