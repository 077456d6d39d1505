"""Every legacy server feature, wired to the tools of tools.py and to the prompts and resources below."""

import base64
import json
import re
from weakref import WeakKeyDictionary

from mcp import McpError, types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.helper_types import ReadResourceContents

from tools import LEVELS, TOOLS, Session, fail

WORDS = ["paris", "park", "party", "test", "testing"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
CONTENTS = {
    "test://static-text": ("text/plain", "This is the content of the static text resource."),
    "test://static-binary": ("image/png", PIXEL),
}
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

    def session():
        """This conversation's; the SDK has one server object for all of them."""
        return sessions.setdefault(server.request_context.session, Session())

    answer_tools(server, session)
    answer_prompts(server, session)
    answer_resources(server, session)
    return server


def answer_tools(server, session):
    # A notification does not tell whose it is, so all conversations have one count.
    roots_changes = []

    @server.list_tools()
    async def list_tools():
        added = [types.Tool(name=name, inputSchema={"type": "object"}) for name in session().added]
        return [tool for tool, _ in TOOLS.values()] + added

    @server.call_tool(validate_input=False)
    async def call_tool(name, arguments):
        if name not in TOOLS:
            raise ValueError(f"Unknown tool: {name}")
        _, run = TOOLS[name]
        return await run(server.request_context, session(), arguments, roots_changes)

    @server.set_logging_level()
    async def set_logging_level(level):
        session().threshold = LEVELS.index(level)

    async def on_roots_changed(_notification):
        roots_changes.append(True)

    server.notification_handlers[types.RootsListChangedNotification] = on_roots_changed


def answer_prompts(server, session):
    given = [types.PromptArgument(name=name, description=name, required=True) for name in ("arg1", "arg2")]
    prompt = types.Prompt(name="test_prompt_with_arguments", description="Two arguments", arguments=given)

    @server.list_prompts()
    async def list_prompts():
        return [prompt] + [types.Prompt(name=name) for name in session().added]

    @server.get_prompt()
    async def get_prompt(name, arguments):
        if name != prompt.name:
            fail(types.INVALID_PARAMS, f"Unknown prompt: {name}")
        words = f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments['arg2']}'"
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=words))
        return types.GetPromptResult(messages=[message])

    @server.completion()
    async def complete(_ref, argument, _context):
        values = [word for word in WORDS if word.startswith(argument.value)]
        return types.Completion(values=values, total=len(values), hasMore=False)


def answer_resources(server, session):
    @server.list_resources()
    async def list_resources():
        fixed = [types.Resource(uri=uri, name=uri[7:], mimeType=kind) for uri, (kind, _) in CONTENTS.items()]
        return fixed + [types.Resource(uri=f"test://added/{name}", name=name) for name in session().added]

    @server.list_resource_templates()
    async def list_resource_templates():
        return [types.ResourceTemplate(uriTemplate="test://template/{id}/data", name="template-data")]

    @server.read_resource()
    async def read_resource(uri):
        return [read(str(uri))]

    @server.subscribe_resource()
    async def subscribe_resource(uri):
        read(str(uri))  # a resource that is not there cannot be watched
        session().subscribed.add(str(uri))

    @server.unsubscribe_resource()
    async def unsubscribe_resource(uri):
        session().subscribed.discard(str(uri))


def read(uri):
    if uri in CONTENTS:
        kind, content = CONTENTS[uri]
        return ReadResourceContents(content=content, mime_type=kind)
    if found := re.fullmatch("test://template/([^/]+)/data", uri):
        return ReadResourceContents(content=json.dumps({"id": found[1]}), mime_type="application/json")
    raise McpError(types.ErrorData(code=NOT_FOUND, message="Resource not found", data={"uri": uri}))
