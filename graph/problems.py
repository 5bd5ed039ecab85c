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

from graph.schema import FieldError, Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "unexpected error; the service's log has its trace"
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (400, 413, 422)
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

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, error: Exception) -> Response:
        logger.error("unexpected error", exc_info=error)
        return respond(problem(500, UNEXPECTED))
