"""The asynchronous shell around a plain node: what `graph.app` binds as a Serve deployment or runs in process.

It merges the batches of several composers, keeps model code off the event loop in one worker thread, looks at the
deadline once more before computing, and computes the items of a failing batch one by one so that a bad item
fails alone.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic

from deployments.batcher import Batcher
from deployments.work import Description, Failure, Item, Node, Outcome, Result, Work

_LATE = Failure("expired", "the deadline passed before the computation")


@dataclass(slots=True)
class WorkDone:
    """What a replica has computed since its start."""

    batches: int = 0
    items: int = 0
    seconds: float = 0.0


class Replica(Generic[Item, Result]):
    """One replica of a node.

    Args:
        make_node: Builds the node inside the replica's process (models are loaded here, not where it is bound).
        max_batch_size: Most items the node computes at once.
        max_queue: Most items that may wait.
        hang_s: A batch that runs longer than this fails the health check, so that the replica is replaced.
        started: Called with the replica once it is there.
        executor: Where it computes, one batch at a time; None for a thread of its own.

    Attributes:
        work_done: Counts since the start.
    """

    def __init__(
        self,
        make_node: Callable[[], Node[Item, Result]],
        *,
        max_batch_size: int,
        max_queue: int,
        hang_s: float = 10.0,
        started: Callable[[Any], None] | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._node = make_node()
        self._hang_s = hang_s
        name = type(self._node).__name__
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._batcher: Batcher[Item, Result] = Batcher(
            self._compute, max_batch_size=max_batch_size, max_queue=max_queue, slots=1
        )
        self._busy_since: float | None = None
        self.work_done = WorkDone()
        if started is not None:
            started(self)

    @property
    def queue_length(self) -> int:
        """Items that wait to be computed."""
        return self._batcher.queue_length

    async def many(self, works: Sequence[Work[Item]]) -> list[Outcome[Result]]:
        """One outcome per work, in order; never raises for a single item's sake."""
        return await self._batcher.submit_many(works)

    async def describe(self) -> Description:
        """What this node computes with; answering it shows that the replica is up.

        Raises:
            Exception: the node's own; it is there, but cannot work now.
        """
        return Description(self._node.version, self._node.threshold)

    async def check_health(self) -> None:
        """Called by Serve. A busy node passes and a faulty one too, a hung one fails; an idle one looks for an edition.

        Raises:
            RuntimeError: a batch has been running for longer than `hang_s`.
        """
        # Asking lets the node look. What it says is for `describe`: another replica would have the same full disk.
        with suppress(Exception):
            _ = self._node.version
        started = self._busy_since
        if started is not None and time.monotonic() - started > self._hang_s:
            raise RuntimeError(f"a batch has been running for more than {self._hang_s} s; the replica must be replaced")

    async def _compute(self, works: list[Work[Item]]) -> list[Outcome[Result]]:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._compute_now, works)

    def _compute_now(self, works: list[Work[Item]]) -> list[Outcome[Result]]:
        begun = self._busy_since = time.monotonic()
        try:
            return self._outcomes(works)
        finally:
            self._busy_since = None
            self.work_done.batches += 1
            self.work_done.items += len(works)
            self.work_done.seconds += time.monotonic() - begun

    def _outcomes(self, works: list[Work[Item]]) -> list[Outcome[Result]]:
        alive = [work for work in works if work.left_s() > 0]
        results = iter(self._isolate(alive))
        wanted = {id(work) for work in alive}
        return [next(results) if id(work) in wanted else _LATE for work in works]

    def _isolate(self, works: list[Work[Item]]) -> list[Outcome[Result]]:
        """The outcomes of one call for all; if it raises, of a call for each one that still has time."""
        if not works:
            return []
        try:
            return list(self._node.many([work.item for work in works]))
        except Exception as error:
            if len(works) == 1:
                return [Failure("error", f"{type(error).__name__}: {error}")]
        return [outcome for work in works for outcome in (self._isolate([work]) if work.left_s() > 0 else [_LATE])]
