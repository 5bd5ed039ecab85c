"""A route that reads one JSON object and answers with one, without FastAPI's general way through a request.

FastAPI solves dependencies, opens exit stacks and converts in several steps for whatever a route may declare; for the
one route of the hot path that costs several times as much as an answer from memory. It still documents the route, and
whatever is not plain sailing goes its way, so that faults are answered alike everywhere.
"""

from typing import cast

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive, Scope, Send

_JSON = "application/json"


class JsonRoute(APIRoute):
    """A POST route whose endpoint takes a model and the header X-Request-ID, and returns a model.

    The model is the endpoint's first parameter; both are passed by position.

    Raises:
        TypeError: the endpoint takes no model.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a body that is no JSON or not valid is left to FastAPI."""
        kind = _header(scope, b"content-type") or ""
        if scope["method"] != "POST" or kind.partition(";")[0].strip().lower() != _JSON:
            await super().handle(scope, receive, send)
            return
        body = await _whole(receive)
        try:
            request = self._model.model_validate_json(body)
        except ValidationError:
            await super().handle(scope, _again(body, receive), send)
            return
        answer: BaseModel = await self.endpoint(request, _header(scope, b"x-request-id"))
        body = answer.model_dump_json().encode()
        headers = [(b"content-type", _JSON.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    @property
    def _model(self) -> type[BaseModel]:
        if self.body_field is None:
            raise TypeError(f"{self.path}: the endpoint takes no model; a JsonRoute reads one from the body")
        return cast(type[BaseModel], self.body_field.field_info.annotation)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for header, value in scope["headers"] if header == name), None)


async def _whole(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        message = await receive()
        parts += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A channel on which the body that was read comes once more, and then what else comes."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def messages() -> Message:
        return unread.pop() if unread else await receive()

    return messages
