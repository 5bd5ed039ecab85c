"""The whole graph in this process, without Ray: for `ask`, `replay` and tests. Same classes, same answers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable

from configs.schema import AppConfig, Deadlines
from graph.assemble import Nodes, assemble
from graph.composer import Composer
from graph.nodes import nodes_here
from graph.schema import ComfortAnswer, ComfortRequest

_WAIT_MS = 600_000


def patient(config: AppConfig) -> AppConfig:
    """The same settings where nobody waits for an answer, so that none is degraded because a node began slowly."""
    return config.model_copy(update={"deadlines": Deadlines.patient(_WAIT_MS)})


def local_composer(config: AppConfig) -> Composer:
    """A composer whose nodes are objects in this process."""
    composer, _ = assemble(config, Nodes(**nodes_here(config)))
    return composer


def stable_id(number: int, text: str) -> str:
    """A request id that is the same whenever the same line is replayed at the same place."""
    return hashlib.sha256(f"{number}\t{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def answer_all(
    composer: Composer, requests: Iterable[ComfortRequest], *, at_once: int = 64
) -> AsyncIterator[ComfortAnswer]:
    """Answers in the order of `requests`, `at_once` of them computed together."""
    pending: list[asyncio.Task[ComfortAnswer]] = []
    for number, request in enumerate(requests, start=1):
        request_id = stable_id(number, request.text)
        pending.append(asyncio.create_task(composer.comfort(request, request_id=request_id)))
        if len(pending) >= at_once:
            for task in pending:
                yield await task
            pending = []
    for task in pending:
        yield await task
