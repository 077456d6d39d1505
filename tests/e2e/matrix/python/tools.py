"""The tools, by name: what a list shows of each, and how it runs. They repeat what the matrix needs of
tests/conformance/server/tools in Python. Each result is JSON, as text.

`call` is what a tool can do while it runs, in either era: see legacy_call.py and modern_call.py.
"""

import asyncio
import json

from questions import field, form, link, roots, sample

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
KINDS = ["tools", "prompts", "resources"]
STEP_SECONDS = 0.01
FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "colour": {"type": "string", "enum": ["red", "green"], "default": "red"},
    },
    "required": ["name"],
}

TOOLS = {}


class Session:
    """What one conversation has come to."""

    def __init__(self):
        self.threshold = 0
        self.subscribed = set()
        self.waiting, self.cancelled = set(), []
        self.added = set()


def tool(*names):
    """Adds a tool with these arguments, all of them strings."""

    def add(run):
        properties = {name: {"type": "string"} for name in names}
        schema = {"type": "object", "properties": properties, "required": list(names)}
        TOOLS[run.__name__] = {"name": run.__name__, "description": run.__doc__, "inputSchema": schema}, run
        return run

    return add


def shown(session):
    """The tools as a list shows them."""
    added = [{"name": name, "inputSchema": {"type": "object"}} for name in session.added]
    return [tool for tool, _ in TOOLS.values()] + added


def text(words):
    return [{"type": "text", "text": words}]


def said(value):
    return text(json.dumps(value))


@tool()
async def test_error_handling(_arguments, _call):
    """Fails"""
    raise ValueError("This tool intentionally returns an error for testing")


async def echo(arguments, _call):
    return said(arguments["value"]), {"value": arguments["value"]}


VALUE = {"type": "object", "properties": {"value": {}}, "required": ["value"]}
TOOLS["echo"] = {"name": "echo", "title": "Echo", "inputSchema": VALUE, "outputSchema": VALUE}, echo


@tool("label")
async def report(arguments, call):
    """Reports its progress three times, each time with the label"""
    for done in (1, 2, 3):
        await call.report(done, 3, f"{arguments['label']} {done}")
        await asyncio.sleep(STEP_SECONDS)
    return said({"label": arguments["label"]})


@tool("label")
async def wait(arguments, call):
    """Ends only when it is cancelled"""
    label = arguments["label"]
    call.session.waiting.add(label)
    try:
        await asyncio.sleep(3600)
    finally:
        call.session.waiting.discard(label)
        call.session.cancelled.append({"label": label})


@tool()
async def waited(_arguments, call):
    """Tells which calls wait, and which were cancelled"""
    return said({"waiting": sorted(call.session.waiting), "cancelled": call.session.cancelled})


@tool("label")
async def say(arguments, call):
    """Logs the label once at every level"""
    for level in LEVELS:
        await call.log(level, {"label": arguments["label"], "level": level})
    return said({"label": arguments["label"]})


@tool("name")
async def toggle(arguments, call):
    """Adds a tool, a prompt and a resource of that name, or takes them away again"""
    call.session.added ^= {arguments["name"]}
    for kind in KINDS:
        await call.changed(kind)
    return said({"added": arguments["name"] in call.session.added})


@tool("uri")
async def touch(arguments, call):
    """Tells the client that a resource was updated, if it has subscribed to that"""
    return said({"subscribed": await call.updated(arguments["uri"])})


async def answer(call, question):
    """The answer to one question."""
    return (await call.ask({"answer": question}))["answer"]


@tool("prompt")
async def ask_sampling(arguments, call):
    """Has the client's model answer, and gives back all of what it said"""
    more = {"systemPrompt": "Be brief.", "maxTokens": 7, "temperature": 0.5, "stopSequences": ["\u2028"]}
    return said(await answer(call, sample(arguments["prompt"], **more)))


@tool("message")
async def ask_elicitation(arguments, call):
    """Has the user fill in a form"""
    return said(await answer(call, form(arguments["message"], FORM)))


@tool("message", "id")
async def ask_elicitation_url(arguments, call):
    """Sends the user to a URL, and says afterwards that this is done"""
    identifier = arguments["id"]
    url = f"https://example.com/grant?id={identifier}"
    found = await answer(call, link(arguments["message"], url, identifier))
    await call.completed(identifier)
    return said(found)


@tool()
async def ask_roots(_arguments, call):
    """Has the client list its roots, and tells how often it said that they have changed"""
    found = await answer(call, roots())
    return said({"roots": found["roots"], "changes": call.roots_changes})


@tool()
async def test_input_required_result_multiple_inputs(_arguments, call):
    """Asks three things at once"""
    questions = {
        "user_name": field("What is your name?", "name"),
        "greeting": sample("Generate a greeting", maxTokens=50),
        "client_roots": roots(),
    }
    answers = await call.ask(questions, is_kept=True)
    where = " ".join(root["uri"] for root in answers["client_roots"]["roots"])
    return text(f"{answers['greeting']['content']['text']}, {answers['user_name']['content']['name']}, at {where}")


@tool()
async def test_input_required_result_multi_round(_arguments, call):
    """Asks two things, one after the other"""
    first = await call.ask({"step1": field("Step 1: What is your name?", "name")}, is_kept=True)
    second = await call.ask({"step2": field("Step 2: What is your favorite color?", "color")}, is_kept=True)
    return text(f"{first['step1']['content']['name']} likes {second['step2']['content']['color']}")
