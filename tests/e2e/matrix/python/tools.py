"""The tools, by name: what a list shows of each, and how it runs. They repeat tests/conformance/server/during.mjs in
Python; each result is JSON, as text."""

import asyncio
import json

from mcp import McpError, types
from pydantic import AnyUrl

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
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


def fail(code, message):
    raise McpError(types.ErrorData(code=code, message=message))


def tool(*names):
    """Adds a tool with these arguments, all of them strings."""

    def add(run):
        properties = {name: {"type": "string"} for name in names}
        schema = {"type": "object", "properties": properties, "required": list(names)}
        TOOLS[run.__name__] = types.Tool(name=run.__name__, description=run.__doc__, inputSchema=schema), run
        return run

    return add


def said(value):
    return [types.TextContent(type="text", text=json.dumps(value))]


def dump(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


@tool()
async def test_error_handling(_context, _session, _arguments, _changes):
    """Fails"""
    raise ValueError("This tool intentionally returns an error for testing")


async def echo(_context, _session, arguments, _changes):
    return said(arguments["value"]), {"value": arguments["value"]}


VALUE = {"type": "object", "properties": {"value": {}}, "required": ["value"]}
TOOLS["echo"] = types.Tool(name="echo", title="Echo", inputSchema=VALUE, outputSchema=VALUE), echo


@tool("label")
async def report(context, _session, arguments, _changes):
    """Reports its progress three times, each time with the label"""
    token = context.meta and context.meta.progressToken
    for progress in (1, 2, 3) if token is not None else ():
        words = f"{arguments['label']} {progress}"
        await context.session.send_progress_notification(token, progress, 3, words, str(context.request_id))
        await asyncio.sleep(STEP_SECONDS)
    return said({"label": arguments["label"]})


@tool("label")
async def wait(_context, session, arguments, _changes):
    """Ends only when it is cancelled"""
    label = arguments["label"]
    session.waiting.add(label)
    try:
        await asyncio.sleep(3600)
    finally:
        session.waiting.discard(label)
        session.cancelled.append({"label": label})


@tool()
async def waited(_context, session, _arguments, _changes):
    """Tells which calls wait, and which were cancelled"""
    return said({"waiting": sorted(session.waiting), "cancelled": session.cancelled})


@tool("label")
async def say(context, session, arguments, _changes):
    """Logs the label once at every level"""
    for level in LEVELS[session.threshold :]:
        data = {"label": arguments["label"], "level": level}
        await context.session.send_log_message(level, data, related_request_id=context.request_id)
    return said({"label": arguments["label"]})


@tool("name")
async def toggle(context, session, arguments, _changes):
    """Adds a tool, a prompt and a resource of that name, or takes them away again"""
    session.added ^= {arguments["name"]}
    await context.session.send_tool_list_changed()
    await context.session.send_prompt_list_changed()
    await context.session.send_resource_list_changed()
    return said({"added": arguments["name"] in session.added})


@tool("uri")
async def touch(context, session, arguments, _changes):
    """Tells the client that a resource was updated, if it has subscribed to that"""
    subscribed = arguments["uri"] in session.subscribed
    if subscribed:
        await context.session.send_resource_updated(AnyUrl(arguments["uri"]))
    return said({"subscribed": subscribed})


@tool("prompt")
async def ask_sampling(context, _session, arguments, _changes):
    """Has the client's model answer, and gives back all of what it said"""
    content = types.TextContent(type="text", text=arguments["prompt"])
    answer = await context.session.create_message(
        [types.SamplingMessage(role="user", content=content)],
        max_tokens=7,
        system_prompt="Be brief.",
        temperature=0.5,
        stop_sequences=["\u2028"],
        related_request_id=context.request_id,
    )
    return said(dump(answer))


@tool("message")
async def ask_elicitation(context, _session, arguments, _changes):
    """Has the user fill in a form"""
    return said(dump(await context.session.elicit_form(arguments["message"], FORM, context.request_id)))


@tool("message", "id")
async def ask_elicitation_url(context, _session, arguments, _changes):
    """Sends the user to a URL, and says afterwards that this is done"""
    identifier = arguments["id"]
    url = f"https://example.com/grant?id={identifier}"
    answer = await context.session.elicit_url(arguments["message"], url, identifier, context.request_id)
    await context.session.send_elicit_complete(identifier, context.request_id)
    return said(dump(answer))


@tool()
async def ask_roots(context, _session, _arguments, changes):
    """Has the client list its roots, and tells how often it said that they have changed"""
    return said({"roots": dump(await context.session.list_roots())["roots"], "changes": len(changes)})
