"""Nothing of one session is ever visible in another: two of them at once, with the same ids, tokens and URIs."""

import asyncio

from peer import check, same, until

ID = 7_000_000
TOKEN = "the same token"


async def sessions(row):
    await answers_and_progress(row)
    await cancellation(row)
    await questions(row)
    await updates(row)
    await levels(row)


async def answers_and_progress(row):
    async def one_of_them(peer):
        peer.progress.clear()
        peer.count_from(ID)
        told = await peer.told("report", TOKEN, label=peer.label)
        same(told, {"label": peer.label}, "a result of one's own")
        words = [report["message"] for report in peer.progress]
        same(words, [f"{peer.label} {step}" for step in (1, 2, 3)], "progress of one's own")

    await asyncio.gather(one_of_them(row.one), one_of_them(row.other))


async def cancellation(row):
    one, other = row.one, row.other
    mine, others = f"wait-{one.label}", f"wait-{other.label}"
    for peer in (one, other):
        peer.count_from(ID + 1_000)
    async with one.waiting(mine) as cancel, other.waiting(others) as cancel_other:
        await cancel("mine")
        await until("the cancellation", lambda: one.cancelled(mine))
        check(await other.is_waiting(others), "the other's call goes on")
        await cancel_other("mine too")
        await until("the other cancellation", lambda: other.cancelled(others))


async def questions(row):
    one, other = row.one, row.other
    for peer in (one, other):
        peer.asked.clear()
        told = await peer.told("ask_sampling", prompt=peer.label)
        same(told["content"]["text"], peer.words())
    # While another session's call is in flight as well, only a stream of its own tells whose question it is.
    async with one.waiting(f"asking-{one.label}") as cancel:
        found = await other.outcome(other.told("ask_sampling", prompt=other.label))
        await cancel("enough")
    if "attribution" not in row.cannot:
        same(found.get("result", {}).get("content", {}).get("text"), other.words(), found)
    else:
        check('"isolation": "session"' in found.get("message", ""), f"refused, and told what helps: {found}")
    for peer in (one, other):
        prompts = {asked["params"]["messages"][0]["content"]["text"] for asked in peer.asked}
        same(prompts, {peer.label}, f"{peer.label} was asked")


async def updates(row):
    one, other = row.one, row.other
    shared, last = f"test://template/shared-{row.tag}/data", f"test://template/last-{row.tag}/data"
    for peer in (one, other):
        await peer.open_ears()
        await peer.subscribe(shared)
    await one.subscribe(last)
    for peer in (one, other):
        await peer.told("touch", uri=shared)
        await until(f"{peer.label}: an update", lambda: shared in peer.updated)
    await one.unsubscribe(shared)
    # What is still on its way, on another connection than the answers, would be taken for the next one.
    await asyncio.sleep(0.3)
    for peer in (one, other):
        peer.updated.clear()
    await other.told("touch", uri=shared)
    await until("the update of who is still subscribed", lambda: shared in other.updated)
    await one.told("touch", uri=last)
    await until("the last update", lambda: last in one.updated)
    same((one.updated, other.updated), ([last], [shared]), "to subscribers only")
    await one.unsubscribe(last)
    await other.unsubscribe(shared)


async def levels(row):
    one, other = row.one, row.other
    await one.level("debug")
    await other.level("error")
    for peer in (one, other):
        peer.logged.clear()
    for peer in (one, other):
        await peer.told("say", label=peer.label)
        await until(f"{peer.label}: the last", lambda: any(said["level"] == "emergency" for said in peer.logged))
    told = [[said["data"]["label"] for said in peer.logged] for peer in (one, other)]
    same(told, [[one.label] * 8, [other.label] * 4], "one's own words, at one's own level")
