"""The server of 2026-07-28 on the SDK's 2.x, wired to tools.py and contents.py. It would serve older revisions as well:
that is refused, so that whoever reaches it does so in the modern way."""

import warnings

import mcp_types as types
from mcp import MCPError
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

import contents
from modern_call import Call, in_rounds
from tools import TOOLS, Session, shown, text

NAME = "matrix-reference"


class ReferenceServer(Server):
    """The SDK's, except that it declares what it can do."""

    def get_capabilities(self, notification_options=None, *more, **named):
        changes = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        made = super().get_capabilities(changes, *more, **named)
        made.resources.subscribe = True
        made.logging = types.LoggingCapability()
        return made


async def refuse_initialize(context, call_next):
    if context.method == "initialize":
        raise MCPError(types.METHOD_NOT_FOUND, "Method not found")
    return await call_next(context)


def reference_server():
    bus = InMemorySubscriptionBus()
    session = Session()

    def call(context, params):
        return Call(context, params, session, bus)

    handlers = {
        **answer_tools(session, call),
        **answer_prompts(session, call),
        **answer_resources(session),
        "on_subscriptions_listen": ListenHandler(bus),
    }
    server = ReferenceServer(NAME, version="1.0.0", instructions="The same tools in Python.", **handlers)
    boundary = RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME)
    server.middleware.extend([refuse_initialize, boundary])
    return server


def answer_tools(session, call):
    async def on_list_tools(_context, _params):
        return types.ListToolsResult.model_validate({"tools": shown(session)})

    async def on_call_tool(context, params):
        if params.name not in TOOLS:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        _, run = TOOLS[params.name]

        async def result():
            found = await run(params.arguments or {}, call(context, params))
            content, *structured = found if isinstance(found, tuple) else (found,)
            more = {"structuredContent": structured[0]} if structured else {}
            return types.CallToolResult.model_validate({"content": content, **more})

        try:
            return await in_rounds(result())
        except MCPError:
            raise
        except Exception as error:
            # What goes wrong inside a tool is for the model to read.
            return types.CallToolResult.model_validate({"content": text(str(error)), "isError": True})

    return {"on_list_tools": on_list_tools, "on_call_tool": on_call_tool}


def answer_prompts(session, call):
    async def on_list_prompts(_context, _params):
        return types.ListPromptsResult.model_validate({"prompts": contents.shown_prompts(session)})

    async def on_get_prompt(context, params):
        async def result():
            messages = await contents.prompt(params.name, params.arguments or {}, call(context, params))
            return types.GetPromptResult.model_validate({"messages": messages})

        try:
            return await in_rounds(result())
        except contents.Unknown as unknown:
            raise MCPError(types.INVALID_PARAMS, str(unknown)) from None

    async def on_completion(_context, params):
        return types.CompleteResult.model_validate({"completion": contents.complete(params.argument.value)})

    return {"on_list_prompts": on_list_prompts, "on_get_prompt": on_get_prompt, "on_completion": on_completion}


def answer_resources(session):
    async def on_list_resources(_context, _params):
        return types.ListResourcesResult.model_validate({"resources": contents.shown_resources(session)})

    async def on_list_resource_templates(_context, _params):
        return types.ListResourceTemplatesResult.model_validate({"resourceTemplates": contents.TEMPLATES})

    async def on_read_resource(_context, params):
        try:
            return types.ReadResourceResult.model_validate({"contents": [contents.read(str(params.uri))]})
        except contents.Unknown as unknown:
            raise MCPError(types.INVALID_PARAMS, str(unknown), {"uri": unknown.uri}) from None

    return {
        "on_list_resources": on_list_resources,
        "on_list_resource_templates": on_list_resource_templates,
        "on_read_resource": on_read_resource,
    }


# What a reference has to have, old and deprecated or not.
warnings.simplefilter("ignore")
