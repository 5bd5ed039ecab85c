"""Every error of the HTTP interface as a problem document (RFC 9457): a clear 4xx, one form for all.

Messages never repeat the client's text: it may be personal, huge, or not encodable.
"""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.schema import FieldError, Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "unexpected error; the service's log has its trace"
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 401, 408, 413, 422, 429, 503)
}
"""What a route that reads a body can answer, for the OpenAPI document."""


class RequestProblem(HTTPException):
    """A request that cannot be served, with the status and sentence to answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.problem = problem(status, detail, errors=errors)


def problem(status: int, detail: str, *, errors: list[FieldError] | None = None) -> Problem:
    """A problem document with the status' standard title."""
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])


def respond(document: Problem, *, headers: dict[str, str] | None = None) -> Response:
    """The document as an HTTP response."""
    return Response(document.model_dump_json(), document.status, headers, media_type=MEDIA_TYPE)


def invalid(error: ValidationError | RequestValidationError) -> Problem:
    """What is wrong with a request: 400 if it is not JSON at all, else 422 with every fault's place and rule."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem(400, "the body is not valid JSON; send one UTF-8 JSON object")
    errors = [
        FieldError(
            field=".".join(str(part) for part in fault["loc"] if part != "body") or "body",
            message=fault["msg"],
        )
        for fault in faults
    ]
    return problem(422, "; ".join(f"{e.field}: {e.message}" for e in errors), errors=errors)


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""

    @app.exception_handler(RequestProblem)
    async def _problem(_: Request, error: RequestProblem) -> Response:
        return respond(error.problem, headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        return respond(invalid(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} {request.url.path}: {error.detail}; see /docs for what there is"
        return respond(problem(error.status_code, detail), headers=dict(error.headers or {}))

    app.add_middleware(Unexpected)


class Unexpected:
    """Answers 500 where nobody foresaw an error (plain ASGI).

    Not an exception handler: Starlette raises again what such a handler answered, and the server around the
    application would log the exception a second time, with whatever it quotes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an error is logged, and answered if no answer has begun."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            logger.exception("unexpected error")
            if begun or scope["type"] != "http":
                raise ConnectionAbortedError("the answer broke off; the log has why") from None
            await respond(document(error))(scope, receive, send)


def document(error: Exception) -> Problem:
    """What a client is told of an error that no route foresaw."""
    return error.problem if isinstance(error, RequestProblem) else problem(500, UNEXPECTED)
