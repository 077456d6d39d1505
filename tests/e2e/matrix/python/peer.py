"""A client on the official SDK that keeps what it is told and answers what it is asked, each with its own label."""

import asyncio
import json
import os
from contextlib import asynccontextmanager

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

WAIT_SECONDS = 5
NOWHERE = open(os.devnull, "w")


def streams(target):
    match target["transport"]:
        case "stdio":
            parameters = StdioServerParameters(command=target["command"], args=target["args"])
            return stdio_client(parameters, errlog=NOWHERE)
        case "streamable":
            return streamable_http_client(target["url"])
        case "sse":
            return sse_client(target["url"])


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

    @asynccontextmanager
    async def connected(self, target):
        info = types.Implementation(name="matrix", title="The matrix", version="1.0.0")
        handlers = {
            "sampling_callback": self.on_sampling,
            "elicitation_callback": self.on_elicitation,
            "list_roots_callback": self.on_roots,
            "message_handler": self.on_message,
        }
        async with streams(target) as (read, write, *_), ClientSession(
            read, write, client_info=info, **handlers
        ) as self.session:
            self.initialized = await self.session.initialize()
            yield self

    async def on_message(self, message):
        match getattr(message, "root", None):
            case types.LoggingMessageNotification(params=params):
                self.logged.append(dump(params))
            case types.ResourceUpdatedNotification(params=params):
                self.updated.append(str(params.uri))
            case types.ElicitCompleteNotification(params=params):
                self.completed.append(params.elicitationId)
            case types.ToolListChangedNotification():
                self.changed.append("tools")
            case types.PromptListChangedNotification():
                self.changed.append("prompts")
            case types.ResourceListChangedNotification():
                self.changed.append("resources")
            case types.ProgressNotification(params=params):
                self.progress.append(dump(params))

    def on_question(self, params):
        self.asked.append(dump(params))
        if isinstance(self.answer, str):
            return types.ErrorData(code=types.INTERNAL_ERROR, message=self.answer)
        return None

    async def on_sampling(self, _context, params):
        if refusal := self.on_question(params):
            return refusal
        content = types.TextContent(type="text", text=self.words())
        return types.CreateMessageResult(role="assistant", content=content, model="matrix-model", stopReason="endTurn")

    async def on_elicitation(self, _context, params):
        if refusal := self.on_question(params):
            return refusal
        if self.answer:
            return types.ElicitResult(**self.answer)
        content = {"name": self.label, "age": 7} if params.mode == "form" else None
        return types.ElicitResult(action="accept", content=content)

    async def on_roots(self, _context):
        return types.ListRootsResult(roots=self.roots)

    def words(self):
        """What it answers when it is asked to play the model."""
        return f'{self.label} says \U0001f600\u2028"'

    async def request(self, request, result=types.EmptyResult):
        return await self.session.send_request(types.ClientRequest(request), result)

    async def notify(self, notification):
        await self.session.send_notification(types.ClientNotification(notification))

    async def call(self, name, token=None, /, **arguments):
        """The result of a tool as it is; the SDK's own method lists the tools first, to check structured results."""
        meta = None if token is None else types.RequestParams.Meta(progressToken=token)
        params = types.CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        return await self.request(types.CallToolRequest(params=params), types.CallToolResult)

    async def told(self, name, token=None, /, **arguments):
        """What a tool said as JSON; a failed tool is an error."""
        result = await self.call(name, token, **arguments)
        if result.isError:
            raise Told(result.content[0].text)
        return json.loads(result.content[0].text)

    @asynccontextmanager
    async def waiting(self, label, request_id=None):
        """A call of `wait` that is in flight at the server: the id of its request. It is not waited for at the end."""
        if request_id is not None:
            self.session._request_id = request_id  # the SDK counts by itself and offers no choice
        request_id = self.session._request_id
        calling = asyncio.create_task(self.call("wait", label=label))
        await asyncio.sleep(0)  # it starts, and takes that id before any other request does
        try:
            await until("the call", lambda: self.is_waiting(label))
            yield request_id
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def is_waiting(self, label):
        return label in (await self.told("waited"))["waiting"]

    async def cancelled(self, label):
        """What the server has recorded of the cancellation of a call."""
        return next((call for call in (await self.told("waited"))["cancelled"] if call["label"] == label), None)

    async def cancel(self, request_id, reason):
        params = types.CancelledNotificationParams(requestId=request_id, reason=reason)
        await self.notify(types.CancelledNotification(params=params))

    async def subscribe(self, uri):
        await self.session.subscribe_resource(AnyUrl(uri))

    async def unsubscribe(self, uri):
        await self.session.unsubscribe_resource(AnyUrl(uri))

    async def open_ears(self):
        """Has the server announce a resource until that is heard: from then on there is a stream for such news."""
        uri = f"test://template/ears-{self.label}/data"

        async def heard():
            await self.told("touch", uri=uri)
            return uri in self.updated

        await self.subscribe(uri)
        await until("a stream for news", heard)
        await self.unsubscribe(uri)


def dump(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def outcome(awaitable):
    """A request's outcome as data, so that errors can be compared like results."""
    try:
        found = await awaitable
        return {"result": dump(found) if hasattr(found, "model_dump") else found}
    except McpError as error:
        return dump(error.error)
    except Told as told:
        return {"message": str(told)}


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
