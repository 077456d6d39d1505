"""The client of 2026-07-28: the SDK's 2.x, held to that revision."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import mcp_types as types
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from peer import INFO, NOWHERE, Peer, dump, until

VERSION = "2026-07-28"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def server(target):
    if target["transport"] == "streamable":
        return target["url"]
    return stdio_client(StdioServerParameters(command=target["command"], args=target["args"]), errlog=NOWHERE)


class ModernPeer(Peer):
    is_modern = True
    error = MCPError

    def __init__(self, label):
        super().__init__(label)
        self._level = None
        # What it wants to hear of, and the one stream on which it does.
        self._lists, self._uris, self._stream = False, [], AsyncExitStack()
        # The ids of such streams as were left: over stdio the server learns of that later than of what is sent next.
        self._left = set()

    @asynccontextmanager
    async def connected(self, target):
        handlers = {
            "sampling_callback": self._answering("sampling/createMessage", types.CreateMessageResult),
            "elicitation_callback": self._answering("elicitation/create", types.ElicitResult),
            "list_roots_callback": self._answering("roots/list", types.ListRootsResult),
            "message_handler": self._on_message,
        }
        # It probes, to know what the server says of itself; and caches nothing, so that every list is asked for.
        info = types.Implementation(**INFO)
        async with Client(server(target), mode="auto", client_info=info, cache=None, **handlers) as self.client:
            if self.client.protocol_version != VERSION:
                raise AssertionError(f"{VERSION} is not offered: {self.client.protocol_version}")
            try:
                yield self
            finally:
                await self.close_ears()

    def _answering(self, method, result):
        async def callback(_context, params=None):
            answer = self.respond(method, *([] if params is None else [dump(params)]))
            if isinstance(answer, str):
                return types.ErrorData(code=types.INTERNAL_ERROR, message=answer)
            return result.model_validate(answer)

        return callback

    async def _on_message(self, message):
        if not isinstance(message, Exception):
            notification = dump(message)
            params = notification.get("params", {})
            if params.get("_meta", {}).get(SUBSCRIPTION) not in self._left:
                self.keep(notification["method"], params)

    async def opening(self):
        """What the server said of itself."""
        client = self.client
        said = {"info": client.server_info, "capabilities": client.server_capabilities}
        return {**{name: dump(model) for name, model in said.items()}, "instructions": client.instructions}

    async def pages(self, kind):
        """All pages of a list, each as it came."""
        lists = {
            "tools": self.client.list_tools,
            "prompts": self.client.list_prompts,
            "resources": self.client.list_resources,
            "templates": self.client.list_resource_templates,
        }
        found, cursor = [], None
        while True:
            page = await lists[kind](cursor=cursor)
            found.append(dump(page))
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor

    async def prompt(self, name, arguments=None):
        return dump(await self.client.get_prompt(name, arguments))

    async def read(self, uri):
        return dump(await self.client.read_resource(uri))

    async def complete(self, ref, name, value, context):
        kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
        reference = kinds[ref["type"]].model_validate(ref)
        return dump(await self.client.complete(reference, {"name": name, "value": value}, context))

    async def checked(self, name, **arguments):
        """The result of a tool that the SDK has checked against the schema in the list."""
        return await self.call(name, **arguments)

    async def counted(self, name, **arguments):
        """The steps that the SDK's own way of following a tool tells."""
        steps = []

        async def count(done, _total, _message):
            steps.append(done)

        await self.client.call_tool(name, arguments, progress_callback=count)
        return steps

    async def call(self, name, token=None, /, **arguments):
        """The result of a tool as it is."""
        meta = {} if token is None else {"progress_token": token}
        if self._level is not None:
            meta[LOG_LEVEL] = self._level
        return dump(await self.client.call_tool(name, arguments, meta=meta or None))

    async def round(self, name, answers=None, state=None):
        """One round of a call: its result, or its questions."""
        found = await self.client.session.call_tool(
            name, {}, input_responses=answers, request_state=state, allow_input_required=True
        )
        return dump(found)

    def count_from(self, _request_id):
        """There are no sessions in which ids could meet."""

    @asynccontextmanager
    async def waiting(self, label):
        """A call of `wait` that is in flight at the server; gives what cancels it."""
        calling = asyncio.create_task(self.call("wait", label=label))

        async def cancel(_reason=None):
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

        try:
            await until("the call", lambda: self.is_waiting(label))
            yield cancel
        finally:
            await cancel()

    async def level(self, level):
        """From the next call on log lines of this level and above; without one there are none."""
        self._level = level

    async def _listen(self, lists, uris):
        stream = AsyncExitStack()
        listening = self.listen(
            tools_list_changed=lists,
            prompts_list_changed=lists,
            resources_list_changed=lists,
            resource_subscriptions=uris,
        )
        subscription = await stream.enter_async_context(listening)
        stream.callback(self._left.add, subscription.subscription_id)
        await self._stream.aclose()
        self._lists, self._uris, self._stream = lists, uris, stream
        return subscription.honored

    def listen(self, **wanted):
        """A stream of news; the handler of messages gets them as well."""
        return self.client.listen(**wanted)

    async def subscribe(self, uri):
        honoured = await self._listen(self._lists, [*self._uris, uri])
        if uri not in (honoured.resource_subscriptions or []):
            raise AssertionError(f"not subscribed to {uri}")

    async def unsubscribe(self, uri):
        await self._listen(self._lists, [one for one in self._uris if one != uri])

    async def open_ears(self):
        """From now on it hears when a list changes."""
        await self._listen(True, self._uris)

    async def close_ears(self):
        """It hears of nothing any more."""
        await self._stream.aclose()
        self._lists, self._uris, self._stream = False, [], AsyncExitStack()

    async def roots_changed(self):
        """Nobody is told any more: the next question finds it out."""
