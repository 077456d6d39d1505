"""What the clients of both eras have in common: they keep what they are told, and answer what they are asked, each with
its own label. How they ask, listen and subscribe is the era's matter: legacy_peer.py and modern_peer.py.

Whatever is given back is as it went over the wire.
"""

import asyncio
import json
import os

WAIT_SECONDS = 5
NOWHERE = open(os.devnull, "w")
INFO = {"name": "matrix", "title": "The matrix", "version": "1.0.0"}
KINDS = ("tools", "prompts", "resources")


class Told(Exception):
    """What a tool that failed said."""


class Peer:
    def __init__(self, label):
        self.label = label
        # What came unasked, in its order: log messages, URIs, ids, the names of changed lists, and progress.
        self.logged, self.updated, self.completed, self.changed, self.progress = [], [], [], [], []
        # What was asked, in its order.
        self.asked = []
        # What it answers to the next question for input, instead of accepting; a string is an error.
        self.answer = None
        self.roots = [{"uri": f"file:///srv/{label}", "name": label}]

    def keep(self, method, params):
        """Keeps a notification."""
        match method.split("/"):
            case ["notifications", "message"]:
                self.logged.append(params)
            case ["notifications", "resources", "updated"]:
                self.updated.append(params["uri"])
            case ["notifications", "elicitation", "complete"]:
                self.completed.append(params["elicitationId"])
            case ["notifications", "progress"]:
                self.progress.append(params)
            case ["notifications", kind, "list_changed"]:
                self.changed.append(kind)

    def respond(self, method, params=None):
        """The answer to a question, or a string: why it refuses."""
        self.asked.append({"method": method, **({} if params is None else {"params": params})})
        if isinstance(self.answer, str):
            return self.answer
        match method, params:
            case "sampling/createMessage", _:
                content = {"type": "text", "text": self.words()}
                return {"role": "assistant", "content": content, "model": "matrix-model", "stopReason": "endTurn"}
            case "roots/list", _:
                return {"roots": self.roots}
            case _, _ if self.answer:
                return self.answer
            case _, {"mode": "url"}:
                return {"action": "accept"}
            case _, {"requestedSchema": schema}:
                return {"action": "accept", "content": self.filled(schema)}

    def filled(self, schema):
        """A form's fields with one's own label, or whatever else their type demands; not those chosen from a list."""
        values = {"string": self.label, "integer": 7, "boolean": True}
        fields = {name: field for name, field in schema["properties"].items() if "enum" not in field}
        return {name: values[field["type"]] for name, field in fields.items()}

    def words(self):
        """What it answers when it is asked to play the model."""
        return f'{self.label} says \U0001f600\u2028"'

    async def told(self, name, token=None, /, **arguments):
        """What a tool said as JSON; a failed tool is an error."""
        result = await self.call(name, token, **arguments)
        if result.get("isError"):
            raise Told(result["content"][0]["text"])
        return json.loads(result["content"][0]["text"])

    async def names(self):
        """The names in each list, the way a user of the SDK gets them."""
        return [[each["name"] for page in await self.pages(kind) for each in page[kind]] for kind in KINDS]

    async def is_waiting(self, label):
        return label in (await self.told("waited"))["waiting"]

    async def cancelled(self, label):
        """What the server has recorded of the cancellation of a call."""
        return next((call for call in (await self.told("waited"))["cancelled"] if call["label"] == label), None)

    async def outcome(self, awaitable):
        """A request's outcome as data, so that errors can be compared like results."""
        try:
            return {"result": await awaitable}
        except Told as told:
            return {"message": str(told)}
        except self.error as error:
            return dump(error.error)


def dump(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def until(what, condition):
    """Waits for `condition`, which may be a coroutine function, to give something."""
    for _ in range(WAIT_SECONDS * 100):
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        await asyncio.sleep(0.01)
    raise AssertionError(f"{what}: not within {WAIT_SECONDS} s")


def check(condition, what):
    """An assertion that says what it found."""
    if not condition:
        raise AssertionError(str(what))


def same(found, expected, what=""):
    check(found == expected, f"{what}: {found!r} instead of {expected!r}")
