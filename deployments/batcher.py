"""A backlog-aware batcher: concurrent callers share calls, and a batch is cut when a slot frees, not on a timer.

Used twice: in the composer, so that concurrent requests share one call per stage, and inside every replica,
so that what several composers send is merged. `@serve.batch` is not used because it cuts by its timer first and
queues afterwards: under load it keeps making slivers while the model is busy. Here, while all slots are busy,
items wait in one bounded queue, and the next free slot takes as many of them as fit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from deployments.work import Failure, Item, Outcome, Result, Work


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    work: Work[Item]
    outcome: "asyncio.Future[Outcome[Result]]"


class Batcher(Generic[Item, Result]):
    """Collects items and hands them in batches to `handle`.

    Args:
        handle: Computes one batch; must return one outcome per work, in order. If it raises, every item of the
            batch gets a `Failure("error", ...)`.
        max_batch_size: Most items of one call.
        max_queue: Most items waiting for a slot; further ones fail at once as `overloaded`.
        slots: Calls of `handle` in flight at the same time.
    """

    def __init__(
        self,
        handle: Callable[[list[Work[Item]]], Awaitable[Sequence[Outcome[Result]]]],
        *,
        max_batch_size: int,
        max_queue: int,
        slots: int = 1,
    ) -> None:
        self._handle = handle
        self._max_batch_size = max_batch_size
        self._max_queue = max_queue
        self._free_slots = slots
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._cut_scheduled = False

    @property
    def queue_length(self) -> int:
        """Items that wait for a slot."""
        return len(self._queue)

    async def submit(self, work: Work[Item]) -> Outcome[Result]:
        """The outcome of one item, at the latest at its deadline."""
        if work.left_s() <= 0:
            return Failure("expired", "the deadline had passed on arrival")
        if len(self._queue) >= self._max_queue:
            return Failure("overloaded", f"{self._max_queue} items are already waiting")
        waiting: _Waiting[Item, Result] = _Waiting(work, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._schedule_cut()
        try:
            # The future must survive the timeout of wait_for to stay distinguishable, hence no shield:
            # a cancelled future is what tells `_cut` that nobody waits any more.
            return await asyncio.wait_for(waiting.outcome, max(0.0, work.left_s()))
        except TimeoutError:
            return Failure("expired", "the deadline passed while waiting")

    async def submit_many(self, works: Sequence[Work[Item]]) -> list[Outcome[Result]]:
        """The outcomes of several items, in order."""
        return list(await asyncio.gather(*(self.submit(work) for work in works)))

    def _schedule_cut(self) -> None:
        # One loop turn later, so that everything submitted in this turn lands in the same batch.
        if not self._cut_scheduled:
            self._cut_scheduled = True
            asyncio.get_running_loop().call_soon(self._cut)

    def _cut(self) -> None:
        self._cut_scheduled = False
        while self._free_slots and (batch := self._next_batch()):
            self._free_slots -= 1
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _next_batch(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        while self._queue and len(batch) < self._max_batch_size:
            waiting = self._queue.popleft()
            if waiting.outcome.done():  # cancelled: its caller timed out or went away
                continue
            if waiting.work.left_s() <= 0:
                waiting.outcome.set_result(Failure("expired", "the deadline passed in the queue"))
                continue
            batch.append(waiting)
        return batch

    async def _run(self, batch: list[_Waiting[Item, Result]]) -> None:
        outcomes: Sequence[Outcome[Result]]
        try:
            outcomes = await self._handle([waiting.work for waiting in batch])
            if len(outcomes) != len(batch):
                raise ValueError(f"{len(outcomes)} outcomes for {len(batch)} items; a node must return one per item")
        except Exception as error:
            failure = Failure("error", f"{type(error).__name__}: {error}")
            outcomes = [failure] * len(batch)
        finally:
            self._free_slots += 1
            self._schedule_cut()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
