"""What each column of the matrix demands, for the Python SDKs' clients. A feature raises when something is missing, and
returns what it saw: through the proxy that has to be what was seen directly. typescript/features.mjs does the same.

`row.one` and `row.other` are two sessions at the same server, or two clients where there are no sessions; `row.tag` is
this row's own word, `row.eras` says on what either end of the row stands, and `row.cannot` what is missing between
(eras.mjs).
"""

import json

from news import discover, listen
from peer import check, same, until
from rounds import rounds
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


async def connect(row):
    said = await row.one.opening()
    missing = {"tools", "prompts", "resources", "completions", "logging"} - said["capabilities"].keys()
    check(not missing, f"capabilities are missing: {missing}")
    return said


async def tools(row):
    found = await row.one.pages("tools")
    check("echo" in [tool["name"] for tool in found[0]["tools"]], found)
    echoed = await row.one.checked("echo", value=AWKWARD)
    same(echoed["structuredContent"], {"value": AWKWARD})
    failed = await row.one.call("test_error_handling")
    same(failed["isError"], True)
    unknown = await row.one.outcome(row.one.call("no_such_tool"))
    return {"list": found, "echoed": echoed, "failed": failed, "unknown": unknown}


async def prompts(row):
    found = await row.one.pages("prompts")
    got = await row.one.prompt("test_prompt_with_arguments", {"arg1": "é", "arg2": "\U0001f600"})
    words = got["messages"][0]["content"]["text"]
    check("é" in words and "\U0001f600" in words, words)
    unknown = await row.one.outcome(row.one.prompt("no_such_prompt"))
    check("code" in unknown, unknown)
    return {"list": found, "got": got, "unknown": unknown}


async def resources(row):
    read = row.one.read
    found, templates = await row.one.pages("resources"), await row.one.pages("templates")
    text = await read("test://static-text")
    check("static text" in text["contents"][0]["text"], text)
    blob = await read("test://static-binary")
    check(blob["contents"][0]["blob"], blob)
    made = await read(template("a%20b"))
    same(json.loads(made["contents"][0]["text"])["id"], "a%20b")
    unknown = await row.one.outcome(read("test://nowhere"))
    same(unknown.get("code"), -32602 if row.one.is_modern else -32002, unknown)
    return {"list": found, "templates": templates, "read": [text, blob, made], "unknown": unknown}


async def completion(row):
    prompt = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
    resource = {"type": "ref/resource", "uri": "test://template/{id}/data"}

    async def of(reference, name, value):
        return await row.one.complete(reference, name, value, {"arg2": "x"})

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
        check(not result.get("isError"), result)
        seen.append({"reports": list(row.one.progress), "result": result})
    same(await row.one.counted("report", label=row.tag), [1, 2, 3])
    return seen


async def cancel(row):
    async with row.one.waiting(row.tag) as cancel_it:
        await cancel_it("enough")
        found = await until("the cancellation", lambda: row.one.cancelled(row.tag))
        check(not await row.one.is_waiting(row.tag), "it still waits")
    return found


async def log(row):
    one, seen = row.one, []
    for level, count in (("warning", len(ABOVE_NOTICE)), ("debug", 8), ("emergency", 1)):
        await one.level(level)
        one.logged.clear()
        await one.told("say", label=row.tag)
        # What were too much would come before the last, since a stream keeps its order.
        await until(level, lambda: any(message["level"] == "emergency" for message in one.logged))
        same(len(one.logged), count, f"messages at {level} and above")
        check(all(message["data"]["label"] == row.tag for message in one.logged), one.logged)
        seen.append(list(one.logged))
    same([message["level"] for message in seen[0]], ABOVE_NOTICE)
    if one.is_modern:
        await one.level(None)
        one.logged.clear()
        await one.told("say", label=row.tag)
        same(one.logged, [], "who has not asked for a level hears nothing at all")
    return seen


async def list_changed(row):
    one = row.one
    await one.open_ears()

    async def toggled(is_there):
        one.changed.clear()
        same(await one.told("toggle", name=row.tag), {"added": is_there})
        await until("three changes", lambda: {"tools", "prompts", "resources"} <= set(one.changed))
        lists = await one.names()
        same([row.tag in names for names in lists], [is_there] * 3)
        return lists

    return await toggled(True), await toggled(False)


async def subscribe(row):
    one, other = row.one, row.other
    mine, others, end = template(f"mine-{row.tag}"), template(f"others%20{row.tag}"), template(f"end-{row.tag}")

    async def touched(peer, uri, subscribed):
        # A modern server does not know who listens; a legacy one is told by the proxy, once that saw the stream's end.
        async def is_touched():
            told = await peer.told("touch", uri=uri)
            return row.eras["server"] == "modern" or told == {"subscribed": subscribed}

        await until(f"{uri} touched", is_touched)

    for peer in (one, other):
        await peer.open_ears()
    await one.subscribe(mine)
    await one.subscribe(end)
    await other.subscribe(others)
    for peer in (one, other):
        peer.updated.clear()
    await touched(one, mine, True)
    await until("the update of a subscriber", lambda: mine in one.updated)
    await touched(other, others, True)
    await until("the update of the other subscriber", lambda: others in other.updated)
    await one.unsubscribe(mine)
    await touched(one, mine, False)
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
    same(asked["params"]["messages"][0]["content"]["text"], f"{row.tag} é")
    same(asked["params"]["stopSequences"], ["\u2028"])
    refused = await refusal(row, f"{row.tag} will not", "ask_sampling", prompt=row.tag)
    return {"told": told, "asked": one.asked, "refused": refused}


async def elicitation(row):
    one, told = row.one, []
    one.asked.clear()
    for answer in (None, {"action": "decline"}, {"action": "cancel"}):
        one.answer = answer
        told.append(await one.told("ask_elicitation", message=f"{row.tag} ü?"))
    one.answer = None
    same(told[0], {"action": "accept", "content": {"name": one.label, "age": 7}})
    same([answer["action"] for answer in told[1:]], ["decline", "cancel"])
    refused = await refusal(row, "not now", "ask_elicitation", message=row.tag)
    url = await one.told("ask_elicitation_url", message=row.tag, id=f"id-{row.tag}")
    params = one.asked[-1]["params"]
    same(params["url"], f"https://example.com/grant?id=id-{row.tag}")
    if not one.is_modern:
        await until("word that this is done", lambda: params["elicitationId"] in one.completed)
    return {"told": told, "refused": refused, "url": url, "asked": one.asked}


async def refusal(row, words, name, **arguments):
    """What becomes of a call whose question is answered by an error. The question is not kept: not every row has it."""
    if "refusal" in row.cannot:
        return None
    count = len(row.one.asked)
    row.one.answer = words
    refused = await row.one.outcome(row.one.told(name, **arguments))
    row.one.answer = None
    del row.one.asked[count:]
    if "dismissal" in row.cannot and name == "ask_elicitation":
        same(refused, {"result": {"action": "cancel"}})
    else:
        check("message" in refused, refused)
    return refused


async def roots(row):
    one = row.one
    await one.open_ears()  # the Python SDK's server asks for roots on no call's stream
    before = await one.told("ask_roots")
    same(before["roots"], one.roots)
    one.roots = [*one.roots, {"uri": f"file:///srv/{row.tag}%20b", "name": "b"}]
    await one.roots_changed()
    is_told = row.eras["client"] == "legacy" and "rootsChanged" not in row.cannot

    async def changed():
        told = await one.told("ask_roots")
        return (not is_told or told["changes"] > before["changes"]) and told

    after = await until("word of the change", changed)
    same(after["roots"], one.roots)
    return after["roots"]


FEATURES = {
    feature.__name__: feature
    for feature in (
        connect,
        discover,
        tools,
        prompts,
        resources,
        completion,
        progress,
        cancel,
        log,
        list_changed,
        subscribe,
        listen,
        sampling,
        elicitation,
        roots,
        rounds,
        sessions,
    )
}
