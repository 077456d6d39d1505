"""The client of the revisions up to 2025-11-25: the SDK's 1.x, over every transport."""

import asyncio
from contextlib import asynccontextmanager

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl

from peer import INFO, NOWHERE, Peer, dump, until


def streams(target):
    match target["transport"]:
        case "stdio":
            parameters = StdioServerParameters(command=target["command"], args=target["args"])
            return stdio_client(parameters, errlog=NOWHERE)
        case "streamable":
            return streamable_http_client(target["url"])
        case "sse":
            return sse_client(target["url"])


class LegacyPeer(Peer):
    is_modern = False
    error = McpError

    @asynccontextmanager
    async def connected(self, target):
        handlers = {
            "sampling_callback": self._answering("sampling/createMessage", types.CreateMessageResult),
            "elicitation_callback": self._answering("elicitation/create", types.ElicitResult),
            "list_roots_callback": self._answering("roots/list", types.ListRootsResult),
            "message_handler": self._on_message,
        }
        async with streams(target) as (read, write, *_), ClientSession(
            read, write, client_info=types.Implementation(**INFO), **handlers
        ) as self.session:
            self._initialized = await self.session.initialize()
            yield self

    def _answering(self, method, result):
        async def callback(_context, params=None):
            answer = self.respond(method, *([] if params is None else [dump(params)]))
            if isinstance(answer, str):
                return types.ErrorData(code=types.INTERNAL_ERROR, message=answer)
            return result.model_validate(answer)

        return callback

    async def _on_message(self, message):
        if isinstance(message, types.ServerNotification):
            notification = dump(message)
            self.keep(notification["method"], notification.get("params"))

    async def opening(self):
        """What the server said of itself."""
        await self.session.send_ping()
        said = dump(self._initialized)
        return {"info": said["serverInfo"], "capabilities": said["capabilities"], "instructions": said["instructions"]}

    async def pages(self, kind):
        """All pages of a list, each as it came."""
        lists = {
            "tools": self.session.list_tools,
            "prompts": self.session.list_prompts,
            "resources": self.session.list_resources,
            "templates": self.session.list_resource_templates,
        }
        found, cursor = [], None
        while True:
            page = await lists[kind](params=types.PaginatedRequestParams(cursor=cursor))
            found.append(dump(page))
            if not (cursor := page.nextCursor):
                return found

    async def prompt(self, name, arguments=None):
        return dump(await self.session.get_prompt(name, arguments))

    async def read(self, uri):
        return dump(await self.session.read_resource(AnyUrl(uri)))

    async def complete(self, ref, name, value, context):
        kinds = {"ref/prompt": types.PromptReference, "ref/resource": types.ResourceTemplateReference}
        reference = kinds[ref["type"]](**ref)
        return dump(await self.session.complete(reference, {"name": name, "value": value}, context))

    async def checked(self, name, **arguments):
        """The result of a tool that the SDK has checked against the schema in the list."""
        return dump(await self.session.call_tool(name, arguments))

    async def counted(self, name, **arguments):
        """The steps that the SDK's own way of following a tool tells."""
        steps = []

        async def count(done, _total, _message):
            steps.append(done)

        await self.session.call_tool(name, arguments, progress_callback=count)
        return steps

    async def call(self, name, token=None, /, **arguments):
        """The result of a tool as it is; the SDK's own method lists the tools first, to check structured results."""
        meta = None if token is None else types.RequestParams.Meta(progressToken=token)
        params = types.CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        request = types.ClientRequest(types.CallToolRequest(params=params))
        return dump(await self.session.send_request(request, types.CallToolResult))

    def count_from(self, request_id):
        """Has the next request go out under this id."""
        self.session._request_id = request_id  # the SDK counts by itself and offers no choice

    @asynccontextmanager
    async def waiting(self, label):
        """A call of `wait` that is in flight at the server; gives what cancels it. It is not waited for at the end."""
        request_id = self.session._request_id
        calling = asyncio.create_task(self.call("wait", label=label))
        await asyncio.sleep(0)  # it starts, and takes that id before any other request does

        async def cancel(reason):
            params = types.CancelledNotificationParams(requestId=request_id, reason=reason)
            await self._notify(types.CancelledNotification(params=params))

        try:
            await until("the call", lambda: self.is_waiting(label))
            yield cancel
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def _notify(self, notification):
        await self.session.send_notification(types.ClientNotification(notification))

    async def level(self, level):
        """From now on log lines of this level and above."""
        await self.session.set_logging_level(level)

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

    async def roots_changed(self):
        await self.session.send_roots_list_changed()
