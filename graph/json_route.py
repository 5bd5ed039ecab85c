"""A route that reads one JSON object and answers with one, without FastAPI's general way through a request.

FastAPI solves dependencies, opens exit stacks and converts in several steps for whatever a route may declare; for the
one route of the hot path that costs several times as much as an answer from memory. It still documents the route, and
whatever is not plain sailing goes its way, so that faults are answered alike everywhere.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive, Scope, Send

_JSON = "application/json"


class JsonRoute(APIRoute):
    """A POST route whose endpoint takes a model and the header X-Request-ID, and returns a model.

    The model is the endpoint's first parameter; both are passed by position.

    Raises:
        TypeError: the endpoint takes no model, or something that has to be solved first.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.body_field is None or self.dependant.dependencies:
            raise TypeError(f"{path}: a JsonRoute's endpoint takes one model and no dependencies; use FastAPI's route")
        self._model = cast(type[BaseModel], self.body_field.field_info.annotation)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a body that is no JSON, not valid or broken off is left to FastAPI."""
        kind = _header(scope, b"content-type") or ""
        if scope["method"] != "POST" or kind.partition(";")[0].strip().lower() != _JSON:
            await super().handle(scope, receive, send)
            return
        messages = await _read(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        try:
            request = self._model.model_validate_json(body) if messages[-1]["type"] == "http.request" else None
        except ValidationError:
            request = None
        if request is None:
            await super().handle(scope, _again(messages, receive), send)
            return
        answer: BaseModel = await self.endpoint(request, _header(scope, b"x-request-id"))
        body = answer.model_dump_json().encode()
        headers = [(b"content-type", _JSON.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for header, value in scope["headers"] if header == name), None)


async def _read(receive: Receive) -> list[Message]:
    """The messages up to the end of the body, or to the client's leaving."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """A channel on which the messages that were read come once more, and then what else comes."""
    unread = deque(messages)

    async def replayed() -> Message:
        return unread.popleft() if unread else await receive()

    return replayed
