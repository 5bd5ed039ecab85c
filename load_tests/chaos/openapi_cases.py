"""Requests made up from the OpenAPI document, fitting it and breaking it (schemathesis)."""

from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

TIMEOUT_S = 30.0
_SENDERS = 4
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]


@dataclass(slots=True)
class Tried:
    """How many requests were sent, and what must not come back: a 5xx other than a refusal, or nothing at all.

    `refused` were a 503, which says "not now" on purpose: too much load, a store away, nodes that still start.
    `examples` names some of the others by method, path and status.
    """

    tried: int = 0
    refused: int = 0
    server_errors: int = 0
    hung: int = 0
    examples: tuple[str, ...] = ()

    def note(self, name: str, status: int) -> None:
        """Count an answer; `status` 0 means there was none."""
        self.tried += 1
        self.hung += status == 0
        self.refused += status == 503
        failed = status >= 500 and status != 503
        self.server_errors += failed
        if (failed or status == 0) and len(self.examples) < 10:
            self.examples += (f"{name}: {status}",)


def try_operations(url: str, *, n_cases: int) -> Tried:
    """Send about `n_cases` requests to a running service, half of them breaking its document.

    Args:
        url: Of the service.
        n_cases: In all, shared out evenly among the operations that read something.
    """
    document = httpx.get(f"{url}/openapi.json", timeout=TIMEOUT_S).json()
    operations = list(_operations(document))
    tried = Tried()
    sent: list[tuple[str, Future[int | None]]] = []
    # Making up a request costs as much as answering it, so both are done at the same time.
    with ThreadPoolExecutor(_SENDERS) as senders:
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                # What has nothing to break cannot be generated in negative mode.
                with suppress(Unsatisfiable):
                    sent += _try(url, operation, mode, senders, -(-n_cases // (2 * len(operations))))
    for name, answer in sent:
        status = answer.result()
        if status is not None:
            tried.note(name, status)
    return tried


def _operations(document: dict[str, object]) -> Iterator[Operation]:
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        operation: Operation = result.ok()  # type: ignore[union-attr]
        if operation.body or operation.path_parameters or operation.query:
            yield operation


def _try(
    url: str, operation: Operation, mode: GenerationMode, senders: Executor, n_cases: int
) -> list[tuple[str, "Future[int | None]"]]:
    name = f"{operation.method.upper()} {operation.path}"
    sent = []

    @settings(
        max_examples=n_cases,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: schemathesis.Case[Any]) -> None:
        sent.append((name, senders.submit(_status, case, url)))

    attempt()
    return sent


def _status(case: schemathesis.Case[Any], url: str) -> int | None:
    """The status of the answer, 0 if there was none in time; None for what HTTP cannot carry and never was sent."""
    try:
        return case.call(base_url=url, timeout=TIMEOUT_S).status_code
    except (requests.RequestException, UnicodeError) as error:
        return 0 if isinstance(error, requests.Timeout | requests.ConnectionError) else None
