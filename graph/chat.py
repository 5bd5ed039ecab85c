"""OpenAI-compatible chat completions, so that any chat client can talk to the service.

The last message of role `user` is the customer's sentence. A sentence without an emotion that asks for comfort gets
one ordinary reply, because a chat client always expects a text; this service's own answer stands beside it under
`anwei`. Errors have OpenAI's form. Installed by `graph.gateway`.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from graph.chat_schema import (
    MODEL,
    ChatCompletion,
    ChatError,
    ChatFault,
    ChatRequest,
    Choice,
    Model,
    ModelList,
    Said,
    Usage,
)
from graph.problems import UNEXPECTED, RequestProblem, invalid, problem
from graph.schema import Comfort, ComfortAnswer, ComfortRequest, FieldError, Problem

logger = logging.getLogger(__name__)

_PIECE = re.compile(r"[^，。！？；]*[，。！？；]|[^，。！？；]+")
_ERRORS: dict[int | str, dict[str, Any]] = {"4XX": {"model": ChatError}, 503: {"model": ChatError}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Streamed if asked for."}
}


def install(app: FastAPI, comfort: Comfort, *, ordinary_reply: str) -> None:
    """Add the routes to `app`.

    Args:
        app: The application.
        comfort: Answers a sentence; its second argument is the client's request id.
        ordinary_reply: What a sentence gets that asks for no comfort.
    """
    router = APIRouter(route_class=ChatRoute, tags=["OpenAI"])

    @router.post("/v1/chat/completions", response_model=ChatCompletion, responses=_ERRORS | _STREAM)
    async def chat_completions(request: ChatRequest, x_request_id: str | None = Header(default=None)) -> Response:
        """Answer the last message of role `user`, at once or as a stream of server-sent events."""
        completion = complete(request, await comfort(_to_comfort(request), x_request_id), ordinary_reply)
        if not request.stream:
            return Response(completion.model_dump_json(), media_type="application/json")
        usage = request.stream_options is not None and bool(request.stream_options.include_usage)
        return StreamingResponse(events(completion, include_usage=usage), media_type="text/event-stream")

    @router.get("/v1/models")
    async def models() -> ModelList:
        """The one model there is."""
        return ModelList(data=[Model()])

    @router.get("/v1/models/{model}", responses=_ERRORS)
    async def model(model: str) -> Model:
        """That model by its name."""
        if model != MODEL:
            raise RequestProblem(404, f"no such model; there is {MODEL}")
        return Model()

    app.include_router(router)


def complete(request: ChatRequest, answer: ComfortAnswer, ordinary_reply: str) -> ChatCompletion:
    """The whole answer in OpenAI's form."""
    reply = answer.reply if answer.handled and answer.reply else ordinary_reply
    asked = len(request.sentence() or "")
    return ChatCompletion(
        id=f"chatcmpl-{answer.request_id}",
        created=int(time.time()),
        choices=[Choice(message=Said(content=reply))],
        usage=Usage(prompt_tokens=asked, completion_tokens=len(reply), total_tokens=asked + len(reply)),
        anwei=answer,
    )


def events(completion: ChatCompletion, *, include_usage: bool) -> Iterator[str]:
    """The answer as server-sent events: the role, the reply clause by clause, the end with `anwei`, the usage."""
    head: dict[str, Any] = {
        "id": completion.id,
        "object": "chat.completion.chunk",
        "created": completion.created,
        "model": completion.model,
    }
    if include_usage:
        head["usage"] = None

    def event(delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event(head | {"choices": [choice]} | more)

    yield event({"role": "assistant", "content": ""})
    for piece in _PIECE.findall(completion.choices[0].message.content):
        yield event({"content": piece})
    yield event({}, "stop", anwei=completion.anwei.model_dump(mode="json"))
    if include_usage:
        yield _event(head | {"choices": [], "usage": completion.usage.model_dump()})
    yield "data: [DONE]\n\n"


class ChatRoute(APIRoute):
    """A route whose errors have OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with its exceptions caught."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _refuse(invalid(error))
            except RequestProblem as error:
                return _refuse(error.problem, dict(error.headers or {}))
            except HTTPException as error:
                return _refuse(problem(error.status_code, error.detail))
            except Exception:
                logger.exception("unexpected error")
                fault = ChatFault(message=UNEXPECTED, type="server_error")
                return JSONResponse(ChatError(error=fault).model_dump(), 500)

        return handler


def _to_comfort(request: ChatRequest) -> ComfortRequest:
    text, session_id = request.sentence(), request.session_id()
    if not text:
        rule = "no message of role user with a text; send the customer's sentence as the last one"
        raise RequestProblem(400, f"messages: {rule}", errors=[FieldError(field="messages", message=rule)])
    return ComfortRequest(text=text, session_id=session_id)


def _refuse(document: Problem, headers: dict[str, str] | None = None) -> Response:
    """OpenAI has one status for everything wrong with a body: 400."""
    param = document.errors[0].field if document.errors else None
    fault = ChatFault(
        message=document.detail,
        type="server_error" if document.status >= 500 else "invalid_request_error",
        param="messages" if param == "text" else param,
        code="model_not_found" if document.status == 404 else None,
    )
    status = 400 if document.status == 422 else document.status
    return JSONResponse(ChatError(error=fault).model_dump(), status, headers)


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
