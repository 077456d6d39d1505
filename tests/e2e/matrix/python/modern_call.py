"""What a tool or a prompt can do during a call of 2026-07-28. Its questions are the call's result: the client sends the
call once more with the answers, and the tool runs again from its beginning. What was answered in earlier rounds comes
back in the state, so that it finds all answers in the places where it asks.
"""

import json

import mcp_types as types
from mcp.server.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ToolsListChanged

CHANGES = {"tools": ToolsListChanged, "prompts": PromptsListChanged, "resources": ResourcesListChanged}


class Round(Exception):
    """An answer is missing: these are the questions, and what to keep until they are answered."""

    def __init__(self, questions, kept):
        super().__init__("questions")
        self.questions, self.kept = questions, kept


async def in_rounds(running):
    """What comes of a call that may ask: its result, or its questions as the result."""
    try:
        return await running
    except Round as asked:
        # The SDK seals what it finds here.
        state = {} if asked.kept is None else {"requestState": json.dumps(asked.kept)}
        result = {"resultType": "input_required", "inputRequests": asked.questions, **state}
        return types.InputRequiredResult.model_validate(result)


class Call:
    roots_changes = 0  # nobody is told any more

    def __init__(self, context, params, session, bus):
        self.session = session
        self._context, self._bus = context, bus
        self._answers = json.loads(params.request_state) if params.request_state else {}
        for key, found in (params.input_responses or {}).items():
            self._answers[key] = dump(found)

    async def ask(self, questions, is_kept=False):
        missing = {key: without_id(**question) for key, question in questions.items() if key not in self._answers}
        if missing:
            raise Round(missing, self._answers if is_kept or self._answers else None)
        return {key: self._answers[key] for key in questions}

    async def report(self, done, total, message):
        token = (self._context.meta or {}).get("progress_token")
        if token is not None:
            await self._context.session.send_progress_notification(
                token, done, total, message, related_request_id=self._context.request_id
            )

    async def log(self, level, data):
        await self._context.session.send_log_message(level, data, related_request_id=self._context.request_id)

    async def changed(self, kind):
        await self._bus.publish(CHANGES[kind]())

    async def updated(self, uri):
        await self._bus.publish(ResourceUpdated(uri=uri))

    async def completed(self, _identifier):
        """Nobody is told any more."""


def without_id(method, params=None):
    """A question as it goes over the wire: a URL is no longer asked for by an id of its own."""
    kept = {name: value for name, value in (params or {}).items() if name != "elicitationId"}
    return {"method": method, "params": kept} if kept else {"method": method}


def dump(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
