"""Calls that ask: several questions at once, and one after the other. A modern client is asked in the results of the
call's rounds, and may play them by hand."""

import json

from peer import check, same

SEVERAL = "test_input_required_result_multiple_inputs"
CHAINED = "test_input_required_result_multi_round"
PROMPT = "test_input_required_result_prompt"
METHODS = ["elicitation/create", "roots/list", "sampling/createMessage"]
INVALID_PARAMS = -32602


def text(result):
    return result["content"][0]["text"]


async def rounds(row):
    one = row.one
    one.asked.clear()
    several = text(await one.call(SEVERAL))
    where = " ".join(root["uri"] for root in one.roots)
    same(several, f"{one.words()}, {one.label}, at {where}")
    same(sorted(asked["method"] for asked in one.asked), METHODS, "each once")
    chained = text(await one.call(CHAINED))
    same(chained, f"{one.label} likes {one.label}")
    prompt = await one.prompt(PROMPT)
    check(one.label in prompt["messages"][0]["content"]["text"], prompt)
    asked = sorted(one.asked, key=lambda question: json.dumps(question, sort_keys=True))
    if one.is_modern:
        await by_hand(one, several)
    return several, chained, prompt, asked


async def by_hand(one, expected):
    def answers_of(result):
        return {key: one.respond(**question) for key, question in result["inputRequests"].items()}

    first = await one.round(SEVERAL)
    same(first["resultType"], "input_required")
    state, keys = first["requestState"], list(first["inputRequests"])
    same(len(keys), 3)

    forged = await one.outcome(one.round(SEVERAL, answers_of(first), f"{state}x"))
    same(forged.get("code"), INVALID_PARAMS, "a forged state")

    some = {keys[0]: answers_of(first)[keys[0]], "unknown": {"action": "accept"}}
    second = await one.round(SEVERAL, some, state)
    same(set(second["inputRequests"]), set(keys[1:]), "what is missing, asked again")
    check(second["requestState"] != state, "a state for two rounds")

    same(text(await one.round(SEVERAL, answers_of(second), second["requestState"])), expected)
