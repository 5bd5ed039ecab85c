"""The graph in one process, answering a list at a time: what servers with batching of their own call."""

import asyncio
import uuid
from collections.abc import Sequence

from configs.schema import AppConfig
from graph.local import local_composer
from graph.schema import ComfortAnswer, ComfortRequest


class BatchedGraph:
    """All nodes in this process; the batchers of the composer make one call per stage of a list.

    Args:
        config: Settings.
    """

    def __init__(self, config: AppConfig) -> None:
        self._loop = asyncio.new_event_loop()
        self._composer = local_composer(config)

    def answer(self, requests: Sequence[ComfortRequest]) -> list[ComfortAnswer]:
        """The answers in order; blocks."""
        return self._loop.run_until_complete(self._all(requests))

    async def _all(self, requests: Sequence[ComfortRequest]) -> list[ComfortAnswer]:
        answers = (self._composer.comfort(request, request_id=uuid.uuid4().hex) for request in requests)
        return list(await asyncio.gather(*answers))
