"""Turns what a person gives on the command line or in a file into requests, under the same rules as over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from configs.schema import AppConfig
from graph.errors import InputError
from graph.gateway import check_text
from graph.problems import RequestProblem, invalid
from graph.schema import ComfortRequest


def parse_request(values: object, settings: AppConfig, where: str) -> ComfortRequest:
    """A valid request.

    Raises:
        InputError: what is wrong, and where.
    """
    try:
        request = ComfortRequest.model_validate(values)
        check_text(request.text, max_chars=settings.limits.max_text_chars)
    except ValidationError as error:
        raise InputError(f"{where}: {invalid(error).detail}") from None
    except RequestProblem as error:
        raise InputError(f"{where}: {error.problem.detail}") from None
    return request


def read_requests(path: Path, settings: AppConfig) -> Iterator[ComfortRequest]:
    """Requests of a file: a JSON object or a plain sentence a line; blank lines are skipped.

    Raises:
        InputError: the file is not UTF-8, or a line is not a request; names file and line.
    """
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}:{number}"
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(f"{where}: not UTF-8; convert the file first") from None
        if line:
            yield parse_request(_values(line, where), settings, where)


def _values(line: str, where: str) -> object:
    if not line.startswith("{"):
        return {"text": line}
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: starts like a JSON object but is none: {error.msg}") from None
