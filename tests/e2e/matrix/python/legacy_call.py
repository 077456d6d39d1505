"""What a tool or a prompt can do during a call of a revision up to 2025-11-25: its questions are requests to the
client, each answered by itself, while the call goes on."""

import asyncio

from mcp import types
from pydantic import AnyUrl

from tools import LEVELS


class Call:
    def __init__(self, context, session, roots_changes):
        self.session = session
        self.roots_changes = len(roots_changes)
        self._context = context
        self._client = context.session
        self._id = context.request_id

    async def ask(self, questions, is_kept=False):
        """Asks everything at once."""
        answers = await asyncio.gather(*(self._send(**question) for question in questions.values()))
        return {key: dump(found) for key, found in zip(questions, answers)}

    async def _send(self, method, params=None):
        match method, params:
            case "elicitation/create", {"mode": "form"}:
                return await self._client.elicit_form(params["message"], params["requestedSchema"], self._id)
            case "elicitation/create", {"mode": "url"}:
                asked = params["message"], params["url"], params["elicitationId"]
                return await self._client.elicit_url(*asked, self._id)
            case "sampling/createMessage", _:
                return await self._client.create_message(
                    [types.SamplingMessage(**message) for message in params["messages"]],
                    max_tokens=params["maxTokens"],
                    system_prompt=params.get("systemPrompt"),
                    temperature=params.get("temperature"),
                    stop_sequences=params.get("stopSequences"),
                    related_request_id=self._id,
                )
            case "roots/list", _:
                return await self._client.list_roots()

    async def report(self, done, total, message):
        token = self._context.meta and self._context.meta.progressToken
        if token is not None:
            await self._client.send_progress_notification(token, done, total, message, str(self._id))

    async def log(self, level, data):
        if LEVELS.index(level) >= self.session.threshold:
            await self._client.send_log_message(level, data, related_request_id=self._id)

    async def changed(self, kind):
        match kind:
            case "tools":
                await self._client.send_tool_list_changed()
            case "prompts":
                await self._client.send_prompt_list_changed()
            case "resources":
                await self._client.send_resource_list_changed()

    async def updated(self, uri):
        if uri in self.session.subscribed:
            await self._client.send_resource_updated(AnyUrl(uri))
        return uri in self.session.subscribed

    async def completed(self, identifier):
        await self._client.send_elicit_complete(identifier, self._id)


def dump(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
