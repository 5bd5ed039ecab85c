"""BentoML with its adaptive batching around the graph in one process."""

from typing import Any

import bentoml

from graph.schema import ComfortRequest
from load_tests.bench.servers.batched import BatchedGraph
from load_tests.bench.servers.settings import shared_config

_QUIET = {"access": {"enabled": False}}
_TRAFFIC = {"timeout": 60, "max_concurrency": 512}


@bentoml.service(workers=1, traffic=_TRAFFIC, logging=_QUIET)
class Graph:
    """Gets lists of requests from BentoML's dispatcher."""

    def __init__(self) -> None:
        self._graph = BatchedGraph(shared_config())

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=32, max_latency_ms=60_000)
    def answer(self, texts: list[str]) -> list[dict[str, Any]]:
        """The answers in order."""
        return [
            answer.model_dump(mode="json") for answer in self._graph.answer([ComfortRequest(text=t) for t in texts])
        ]


@bentoml.service(workers=1, traffic=_TRAFFIC, logging=_QUIET)
class Comfort:
    """The HTTP side: one request, one answer."""

    graph = bentoml.depends(Graph)

    @bentoml.api(route="/v1/comfort")
    async def comfort(self, text: str) -> dict[str, Any]:
        """The answer to one sentence."""
        answers: list[dict[str, Any]] = await self.graph.to_async.answer([text])
        return answers[0]
