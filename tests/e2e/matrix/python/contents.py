"""The prompts and resources, and the completion of their arguments: as they go over the wire, in either era."""

import json
import re

from questions import field

WORDS = ["paris", "park", "party", "test", "testing"]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
CONTENTS = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PIXEL},
}
TEMPLATES = [{"uriTemplate": "test://template/{id}/data", "name": "template-data"}]
PROMPTS = [
    {
        "name": "test_prompt_with_arguments",
        "description": "Two arguments",
        "arguments": [{"name": name, "description": name, "required": True} for name in ("arg1", "arg2")],
    },
    {"name": "test_input_required_result_prompt", "description": "Asks the user what it is to be about"},
]


class Unknown(Exception):
    """Nothing has that name, or is at that URI, if it is one."""

    def __init__(self, message, uri=None):
        super().__init__(message)
        self.uri = uri


def shown_prompts(session):
    return PROMPTS + [{"name": name} for name in session.added]


def shown_resources(session):
    fixed = [{"uri": uri, "name": uri[7:], "mimeType": content["mimeType"]} for uri, content in CONTENTS.items()]
    return fixed + [{"uri": f"test://added/{name}", "name": name} for name in session.added]


async def prompt(name, given, call):
    """The messages of a prompt."""
    match name:
        case "test_prompt_with_arguments":
            words = f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"
        case "test_input_required_result_prompt":
            question = field("What context should the prompt use?", "context")
            answers = await call.ask({"user_context": question})
            words = f"In the context: {answers['user_context']['content']['context']}"
        case _:
            raise Unknown(f"Unknown prompt: {name}")
    return [{"role": "user", "content": {"type": "text", "text": words}}]


def read(uri):
    """What is at a URI."""
    if uri in CONTENTS:
        return {"uri": uri, **CONTENTS[uri]}
    if found := re.fullmatch("test://template/([^/]+)/data", uri):
        return {"uri": uri, "mimeType": "application/json", "text": json.dumps({"id": found[1]})}
    raise Unknown("Resource not found", uri)


def complete(value):
    """What may follow the letters typed so far, whatever the argument."""
    values = [word for word in WORDS if word.startswith(value)]
    return {"values": values, "total": len(values), "hasMore": False}
