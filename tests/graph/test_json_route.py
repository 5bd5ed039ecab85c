"""The hot route answers whatever is sent as FastAPI's own route does, over the same endpoint."""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header
from fastapi.routing import APIRoute
from hypothesis import example, given, settings
from hypothesis import strategies as some
from starlette.types import Message

from graph.json_route import JsonRoute
from graph.problems import RequestProblem, install
from graph.schema import ComfortRequest
from tests.graph.scripted import QUESTION, Script
from tests.graph.served import app_of

REFUSED = "请稍后再试"
JSON = [("content-type", "application/json")]


def echo_app(route: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    install(app)

    async def echo(request: ComfortRequest, x_request_id: str | None = Header(default=None)) -> ComfortRequest:
        if request.text == REFUSED:
            raise RequestProblem(503, "busy", headers={"retry-after": "1"})
        return request.model_copy(update={"user_id": x_request_id})

    app.router.add_api_route("/echo", echo, methods=["POST"], route_class_override=route)
    return app


QUICK, PLAIN = echo_app(JsonRoute), echo_app(APIRoute)


def posted(
    app: FastAPI, body: bytes | AsyncIterable[bytes], headers: Sequence[tuple[str, str]], *, path: str = "/echo"
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return await http.post(path, content=body, headers=headers)

    return asyncio.run(ask())


def seen(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    return response.status_code, dict(response.headers), response.json()


VALUES = some.one_of(
    some.none(), some.booleans(), some.integers(-5, 2**40), some.floats(), some.text(max_size=12),
    some.lists(some.integers(), max_size=2), some.dictionaries(some.text(max_size=3), some.integers(), max_size=2),
)  # fmt: skip
FIELDS = some.sampled_from([*ComfortRequest.model_fields, "txet"])
BODIES = some.one_of(
    some.dictionaries(FIELDS, VALUES).map(lambda body: json.dumps(body).encode()),
    some.builds(lambda text: json.dumps({"text": text}, ensure_ascii=False).encode(), some.text(max_size=20)),
    VALUES.map(lambda body: json.dumps(body).encode()),
    some.binary(max_size=20),
)
KINDS = some.sampled_from(
    ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "text/plain", "json", ""]
)


@settings(deadline=None)
@given(BODIES, KINDS, some.sampled_from([None, "abc", "a b", ""]))
@example('{"text": "急"}'.encode("utf-16"), "application/json", None)
@example(b'\xef\xbb\xbf{"text": "a"}', "application/json", None)
@example(b'{"text": "\\ud800"}', "application/json", None)
@example(b'{"text": "a", "text": "b"}', "application/json", "abc")
@example(b'{"text": "a", "deadline_ms": NaN}', "application/json", "abc")
@example(b'{"text": "a", "deadline_ms": 5.0}', "application/json", "abc")
@example(json.dumps({"text": REFUSED}).encode(), "application/json", None)
@example(b'{"text": "a"} {}', "application/json", None)
def test_it_answers_as_fastapis_own_route(body: bytes, kind: str, request_id: str | None) -> None:
    headers = [("content-type", kind)] + ([("x-request-id", request_id)] if request_id is not None else [])
    assert seen(posted(QUICK, body, headers)) == seen(posted(PLAIN, body, headers))


def test_the_first_of_several_ids_counts() -> None:
    headers = [*JSON, ("x-request-id", "first"), ("x-request-id", "second")]
    assert [posted(app, b'{"text": "a"}', headers).json()["user_id"] for app in (QUICK, PLAIN)] == ["first", "first"]


def test_a_body_in_pieces_is_put_together() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in '{"text": "急死了"}'.encode():
            yield bytes([byte])

    response = posted(QUICK, pieces(), JSON)
    assert (response.status_code, response.json()["text"]) == (200, "急死了")


def test_both_are_documented_alike() -> None:
    assert QUICK.openapi() == PLAIN.openapi()


@pytest.mark.parametrize("sent", [b'{"text": "a"}', b'{"text": ', b""])
def test_a_body_that_breaks_off_is_answered_by_fastapi(sent: bytes) -> None:
    def answer(app: FastAPI) -> list[Message]:
        messages: deque[Message] = deque(
            [{"type": "http.request", "body": sent, "more_body": True}, {"type": "http.disconnect"}]
        )
        said: list[Message] = []

        async def receive() -> Message:
            return messages.popleft() if len(messages) > 1 else messages[0]

        async def send(message: Message) -> None:
            said.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/echo", "query_string": b"", "headers": headers}
        asyncio.run(app(scope, receive, send))
        return said

    quick = answer(QUICK)
    assert quick == answer(PLAIN)
    assert quick[0]["status"] == 400


def test_the_answer_is_written_as_fastapi_writes_it() -> None:
    def answered(route: type[APIRoute]) -> bytes:
        app = app_of(Script())
        if route is APIRoute:
            (own,) = (found for found in app.routes if isinstance(found, JsonRoute))
            app.router.routes.insert(0, APIRoute(own.path, own.endpoint, methods=["POST"]))
        body = json.dumps({"text": QUESTION, "explain": True}).encode()
        said = posted(app, body, [*JSON, ("x-request-id", "same")], path="/v1/comfort").content
        return re.sub(rb'"timings_ms":{[^}]*}', b"", said)

    assert answered(JsonRoute) == answered(APIRoute)
    assert b'"similarity"' in answered(JsonRoute)


def test_an_endpoint_that_needs_more_is_refused() -> None:
    def without_a_model() -> dict[str, str]:
        return {}

    def with_one(request: ComfortRequest) -> ComfortRequest:
        return request

    add, solved = FastAPI().router.add_api_route, [Depends(without_a_model)]
    with pytest.raises(TypeError, match="one model and no dependencies"):
        add("/echo", without_a_model, methods=["POST"], route_class_override=JsonRoute)
    with pytest.raises(TypeError, match="one model and no dependencies"):
        add("/echo", with_one, methods=["POST"], route_class_override=JsonRoute, dependencies=solved)
