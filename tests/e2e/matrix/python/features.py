"""What each column of the matrix demands, for the Python SDK's client. A feature raises when something is missing, and
returns what it saw: through the proxy that has to be what was seen directly. typescript/features.mjs does the same.

`row.one` and `row.other` are two sessions at the same server; `row.tag` is this row's own word.
"""

import json

from mcp import types
from pydantic import AnyUrl

from peer import check, dump, outcome, same, until
from sessions import sessions

# Letters, signs and numbers that a careless hand spoils.
AWKWARD = {
    "text": 'grüße \u2028\0\U0001f600 "\\',
    "numbers": [0, -1.5, 1e21, 9007199254740991],
    "": [None, {}, []],
}
ABOVE_NOTICE = ["warning", "error", "critical", "alert", "emergency"]


def template(name):
    return f"test://template/{name}/data"


async def pages(list_page):
    """All pages of a list, each as it came."""
    found, cursor = [], None
    while True:
        page = await list_page(params=types.PaginatedRequestParams(cursor=cursor))
        found.append(dump(page))
        if not (cursor := page.nextCursor):
            return found


async def initialize(row):
    capabilities = dump(row.one.initialized.capabilities)
    missing = {"tools", "prompts", "resources", "completions", "logging"} - capabilities.keys()
    check(not missing, f"capabilities are missing: {missing}")
    await row.one.session.send_ping()
    return dump(row.one.initialized)


async def tools(row):
    found = await pages(row.one.session.list_tools)
    check("echo" in [tool["name"] for tool in found[0]["tools"]], found)
    # The SDK checks what it gives back against the schema in the list.
    echoed = await row.one.session.call_tool("echo", {"value": AWKWARD})
    same(echoed.structuredContent, {"value": AWKWARD})
    failed = await row.one.call("test_error_handling")
    same(failed.isError, True)
    unknown = await outcome(row.one.call("no_such_tool"))
    return found, dump(echoed), dump(failed), unknown


async def prompts(row):
    found = await pages(row.one.session.list_prompts)
    got = await row.one.session.get_prompt("test_prompt_with_arguments", {"arg1": "é", "arg2": "\U0001f600"})
    words = got.messages[0].content.text
    check("é" in words and "\U0001f600" in words, words)
    unknown = await outcome(row.one.session.get_prompt("no_such_prompt"))
    check("code" in unknown, unknown)
    return found, dump(got), unknown


async def resources(row):
    async def read(uri):
        return await row.one.session.read_resource(AnyUrl(uri))

    found = await pages(row.one.session.list_resources)
    templates = await pages(row.one.session.list_resource_templates)
    text = await read("test://static-text")
    check("static text" in text.contents[0].text, text)
    blob = await read("test://static-binary")
    check(blob.contents[0].blob, blob)
    made = await read(template("a%20b"))
    same(json.loads(made.contents[0].text)["id"], "a%20b")
    unknown = await outcome(read("test://nowhere"))
    same(unknown.get("code"), -32002, unknown)
    return found, templates, dump(text), dump(blob), dump(made), unknown


async def completion(row):
    prompt = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    resource = types.ResourceTemplateReference(type="ref/resource", uri="test://template/{id}/data")

    async def of(reference, name, value):
        argument = {"name": name, "value": value}
        return dump(await row.one.session.complete(reference, argument, {"arg2": "x"}))

    found = [await of(prompt, "arg1", "par"), await of(resource, "id", "te"), await of(prompt, "arg1", "zz")]
    same(found[0]["completion"]["values"], ["paris", "park", "party"])
    return found


async def progress(row):
    seen = []
    for token in (f"token of {row.tag}", 10_000):
        row.one.progress.clear()
        result = await row.one.call("report", token, label=row.tag)
        # All of it has come: a stream keeps its order, and the SDK handles one message after the other.
        expected = [
            {"progressToken": token, "progress": step, "total": 3, "message": f"{row.tag} {step}"} for step in (1, 2, 3)
        ]
        same(row.one.progress, expected, "all before the result, with the caller's token")
        check(not result.isError, result)
        seen.append((list(row.one.progress), dump(result)))
    counted = []

    async def count(done, _total, _message):
        counted.append(done)

    await row.one.session.call_tool("report", {"label": row.tag}, progress_callback=count)
    same(counted, [1, 2, 3])
    return seen


async def cancel(row):
    async with row.one.waiting(row.tag) as request_id:
        await row.one.cancel(request_id, "enough")
        found = await until("the cancellation", lambda: row.one.cancelled(row.tag))
        check(not await row.one.is_waiting(row.tag), "it still waits")
    return found


async def log(row):
    one, seen = row.one, []
    for level, count in (("warning", len(ABOVE_NOTICE)), ("debug", 8), ("emergency", 1)):
        await one.session.set_logging_level(level)
        one.logged.clear()
        await one.told("say", label=row.tag)
        # What were too much would come before the last, since a stream keeps its order.
        await until(level, lambda: any(message["level"] == "emergency" for message in one.logged))
        same(len(one.logged), count, f"messages at {level} and above")
        check(all(message["data"]["label"] == row.tag for message in one.logged), one.logged)
        seen.append(list(one.logged))
    same([message["level"] for message in seen[0]], ABOVE_NOTICE)
    return seen


async def list_changed(row):
    one = row.one
    await one.open_ears()

    async def toggled(is_there):
        one.changed.clear()
        same(await one.told("toggle", name=row.tag), {"added": is_there})
        await until("three changes", lambda: {"tools", "prompts", "resources"} <= set(one.changed))
        lists = [
            [tool.name for tool in (await one.session.list_tools()).tools],
            [prompt.name for prompt in (await one.session.list_prompts()).prompts],
            [resource.name for resource in (await one.session.list_resources()).resources],
        ]
        same([row.tag in names for names in lists], [is_there] * 3)
        return lists

    return await toggled(True), await toggled(False)


async def subscribe(row):
    one, other = row.one, row.other
    mine, others, end = template(f"mine-{row.tag}"), template(f"others%20{row.tag}"), template(f"end-{row.tag}")
    for peer in (one, other):
        await peer.open_ears()
    await one.subscribe(mine)
    await one.subscribe(end)
    await other.subscribe(others)
    for peer in (one, other):
        peer.updated.clear()
    same(await one.told("touch", uri=mine), {"subscribed": True})
    await until("the update of a subscriber", lambda: mine in one.updated)
    same(await other.told("touch", uri=others), {"subscribed": True})
    await until("the update of the other subscriber", lambda: others in other.updated)
    await one.unsubscribe(mine)
    same(await one.told("touch", uri=mine), {"subscribed": False}, "nobody is subscribed any more")
    # Nothing that was sent before this can come after it.
    await one.told("touch", uri=end)
    await until("the last update", lambda: end in one.updated)
    same((one.updated, other.updated), ([mine, end], [others]), "to subscribers only, and once")
    await one.unsubscribe(end)
    await other.unsubscribe(others)


async def sampling(row):
    one = row.one
    one.asked.clear()
    told = await one.told("ask_sampling", prompt=f"{row.tag} é")
    same(told["content"], {"type": "text", "text": one.words()})
    [asked] = one.asked
    same(asked["messages"][0]["content"]["text"], f"{row.tag} é")
    same(asked["stopSequences"], ["\u2028"])
    one.answer = f"{row.tag} will not"
    refused = await outcome(one.told("ask_sampling", prompt=row.tag))
    one.answer = None
    check("will not" in refused["message"], refused)
    return told, one.asked, refused


async def elicitation(row):
    one, told = row.one, []
    one.asked.clear()
    for answer in (None, {"action": "decline"}, {"action": "cancel"}, "not now"):
        one.answer = answer
        told.append(await outcome(one.told("ask_elicitation", message=f"{row.tag} ü?")))
    one.answer = None
    same(told[0].get("result"), {"action": "accept", "content": {"name": one.label, "age": 7}}, told[0])
    same([answer["result"]["action"] for answer in told[1:3]], ["decline", "cancel"])
    check("not now" in told[3]["message"], told[3])
    url = await one.told("ask_elicitation_url", message=row.tag, id=f"id-{row.tag}")
    await until("word that this is done", lambda: f"id-{row.tag}" in one.completed)
    same(one.asked[-1]["url"], f"https://example.com/grant?id=id-{row.tag}")
    return told, url, one.asked


async def roots(row):
    one = row.one
    await one.open_ears()  # the Python SDK's server asks for roots on no call's stream
    before = await one.told("ask_roots")
    same(before["roots"], one.roots)
    one.roots = [*one.roots, {"uri": f"file:///srv/{row.tag}%20b", "name": "b"}]
    await one.session.send_roots_list_changed()

    async def changed():
        told = await one.told("ask_roots")
        return told["changes"] > before["changes"] and told

    after = await until("word of the change", changed)
    same(after["roots"], one.roots)
    return after["roots"]


FEATURES = {
    feature.__name__: feature
    for feature in (
        initialize,
        tools,
        prompts,
        resources,
        completion,
        progress,
        cancel,
        log,
        list_changed,
        subscribe,
        sampling,
        elicitation,
        roots,
        sessions,
    )
}
