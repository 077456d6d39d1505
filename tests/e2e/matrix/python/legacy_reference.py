"""Every legacy server feature on the SDK's 1.x, wired to tools.py and contents.py."""

import base64
from weakref import WeakKeyDictionary

from mcp import McpError, types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.helper_types import ReadResourceContents

import contents
from legacy_call import Call
from tools import LEVELS, TOOLS, Session, shown

# "Resource not found" in the revisions up to 2025-11-25.
NOT_FOUND = -32002


class ReferenceServer(Server):
    """The SDK's, except that it declares what it can do."""

    def create_initialization_options(self, notification_options=None, experimental_capabilities=None):
        changes = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        made = super().create_initialization_options(changes, experimental_capabilities)
        made.capabilities.resources.subscribe = True  # the SDK never says so, although its servers can
        return made


def reference_server():
    server = ReferenceServer("matrix-reference", version="1.0.0", instructions="The same tools in Python.")
    sessions = WeakKeyDictionary()
    # A notification does not tell whose it is, so all conversations have one count.
    roots_changes = []

    def session():
        """This conversation's; the SDK has one server object for all of them."""
        return sessions.setdefault(server.request_context.session, Session())

    def call():
        return Call(server.request_context, session(), roots_changes)

    async def on_roots_changed(_notification):
        roots_changes.append(True)

    server.notification_handlers[types.RootsListChangedNotification] = on_roots_changed
    answer_tools(server, session, call)
    answer_prompts(server, session, call)
    answer_resources(server, session)
    return server


def answer_tools(server, session, call):
    @server.list_tools()
    async def list_tools():
        return [types.Tool(**tool) for tool in shown(session())]

    @server.call_tool(validate_input=False)
    async def call_tool(name, arguments):
        if name not in TOOLS:
            raise ValueError(f"Unknown tool: {name}")
        _, run = TOOLS[name]
        found = await run(arguments, call())
        content, *structured = found if isinstance(found, tuple) else (found,)
        texts = [types.TextContent(**block) for block in content]
        return (texts, *structured) if structured else texts

    @server.set_logging_level()
    async def set_logging_level(level):
        session().threshold = LEVELS.index(level)


def answer_prompts(server, session, call):
    @server.list_prompts()
    async def list_prompts():
        return [types.Prompt(**prompt) for prompt in contents.shown_prompts(session())]

    @server.get_prompt()
    async def get_prompt(name, arguments):
        try:
            return types.GetPromptResult(messages=await contents.prompt(name, arguments or {}, call()))
        except contents.Unknown as unknown:
            raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=str(unknown))) from None

    @server.completion()
    async def complete(_ref, argument, _context):
        return types.Completion(**contents.complete(argument.value))


def answer_resources(server, session):
    @server.list_resources()
    async def list_resources():
        return [types.Resource(**resource) for resource in contents.shown_resources(session())]

    @server.list_resource_templates()
    async def list_resource_templates():
        return [types.ResourceTemplate(**template) for template in contents.TEMPLATES]

    @server.read_resource()
    async def read_resource(uri):
        found = read(str(uri))
        content = found["text"] if "text" in found else base64.b64decode(found["blob"])
        return [ReadResourceContents(content=content, mime_type=found["mimeType"])]

    @server.subscribe_resource()
    async def subscribe_resource(uri):
        read(str(uri))  # a resource that is not there cannot be watched
        session().subscribed.add(str(uri))

    @server.unsubscribe_resource()
    async def unsubscribe_resource(uri):
        session().subscribed.discard(str(uri))


def read(uri):
    try:
        return contents.read(uri)
    except contents.Unknown as unknown:
        raise McpError(types.ErrorData(code=NOT_FOUND, message=str(unknown), data={"uri": unknown.uri})) from None
