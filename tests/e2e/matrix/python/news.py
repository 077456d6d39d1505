"""What only a client of 2026-07-28 has: what a server says of itself at any time, and streams of news for what is
asked."""

from peer import check, dump, same, until


async def discover(row):
    said = dump(await row.one.client.session.discover())
    same(said["supportedVersions"], ["2026-07-28"])
    check(isinstance(said["ttlMs"], int) and said["ttlMs"] >= 0, said)
    check(said["cacheScope"] in ("public", "private"), said)
    info = said["_meta"]["io.modelcontextprotocol/serverInfo"]
    found = {"info": info, "capabilities": said["capabilities"], "instructions": said["instructions"]}
    same(found, await row.one.opening())
    return {"supportedVersions": said["supportedVersions"], **found}


async def listen(row):
    one = row.one

    def heard(kind):
        return one.changed.count(kind)

    async def toggled():
        before = heard("tools")
        is_there = (await one.told("toggle", name=row.tag))["added"]
        await until("word of the tools", lambda: heard("tools") > before)
        return is_there

    async def is_silent():
        before = heard("prompts")
        await toggled()
        return heard("prompts") == before

    await one.close_ears()
    one.changed.clear()
    async with one.listen(tools_list_changed=True) as tools:
        await toggled()
        same(heard("prompts"), 0, "nothing that was not asked for")
        async with one.listen(prompts_list_changed=True) as prompts:
            await toggled()
            await until("word of the prompts", lambda: heard("prompts") > 0)
        await until("silence about the prompts", is_silent)
        if await toggled():
            await toggled()
        same(heard("resources"), 0, "nothing that was not asked for")
    uris = ["test://static-text", "test://nowhere"]
    async with one.listen(resource_subscriptions=uris) as resources:
        # A server that is asked for each by itself refuses what is not there.
        if row.eras["server"] == "legacy":
            same(resources.honored.resource_subscriptions, uris[:1])
        await one.told("touch", uri=uris[0])
        await until("an update", lambda: uris[0] in one.updated)
    return [dump(stream.honored) for stream in (tools, prompts)]
