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
from typing import Any, Generic

from deployments.slots import Slots
from deployments.work import Failure, Item, Outcome, Result, Work


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    work: Work[Item]
    outcome: "asyncio.Future[Outcome[Result]]"


class Batcher(Generic[Item, Result]):
    """Collects items and hands them in batches to `handle`.

    Args:
        handle: Computes one batch; must return one outcome per work, in order. If it raises or is cancelled, every
            item of the batch gets a `Failure("error", ...)`. Runs in a context that is no caller's.
        max_batch_size: Most items of one call.
        max_queue: Most items waiting for a slot; further ones fail at once as `overloaded`.
        slots: Calls of `handle` in flight at the same time, or room for them that is shared with others.
    """

    def __init__(
        self,
        handle: Callable[[list[Work[Item]]], Awaitable[Sequence[Outcome[Result]]]],
        *,
        max_batch_size: int,
        max_queue: int,
        slots: int | Slots = 1,
    ) -> None:
        self._handle = handle
        self._max_batch_size = max_batch_size
        self._max_queue = max_queue
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._slots = Slots(slots) if isinstance(slots, int) else slots
        self._slots.join(self)

    @property
    def queue_length(self) -> int:
        """Items that wait for a slot."""
        return len(self._queue)

    async def submit(self, work: Work[Item]) -> Outcome[Result]:
        """The outcome of one item, at the latest at its deadline."""
        (outcome,) = await self.submit_many([work])
        return outcome

    async def submit_many(self, works: Sequence[Work[Item]]) -> list[Outcome[Result]]:
        """The outcomes of several items, in order, each at the latest at its deadline."""
        loop = asyncio.get_running_loop()
        # Timers on plain futures: `wait_for` and a task for every item cost more than all else that is done here.
        outcomes = [self._enter(work, loop) for work in works]
        timers = [
            loop.call_later(work.left_s(), _expire, outcome)
            for work, outcome in zip(works, outcomes, strict=True)
            if not outcome.done()
        ]
        try:
            return [await outcome for outcome in outcomes]
        finally:
            for timer in timers:
                timer.cancel()
            for outcome in outcomes:
                outcome.cancel()  # tells `_next_batch` that nobody waits any more; nothing to one that is done

    def _enter(self, work: Work[Item], loop: asyncio.AbstractEventLoop) -> "asyncio.Future[Outcome[Result]]":
        """Queue an item; its outcome is there at once if it cannot be queued."""
        outcome: asyncio.Future[Outcome[Result]] = loop.create_future()
        if work.left_s() <= 0:
            outcome.set_result(Failure("expired", "the deadline had passed on arrival"))
        elif len(self._queue) >= self._max_queue:
            outcome.set_result(Failure("overloaded", f"{self._max_queue} items are already waiting"))
        else:
            self._queue.append(_Waiting(work, outcome))
            self._slots.fill_soon()
        return outcome

    def start(self) -> bool:
        """Hand over one batch; False if nobody waits for any of it any more."""
        batch = self._next_batch()
        if not batch:
            return False
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

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
        outcomes: Sequence[Outcome[Result]] = [Failure("error", "the call was cancelled")] * len(batch)
        try:
            outcomes = await self._handle([waiting.work for waiting in batch])
            if len(outcomes) != len(batch):
                raise ValueError(f"{len(outcomes)} outcomes for {len(batch)} items; a node must return one per item")
        except Exception as error:
            failure = Failure("error", f"{type(error).__name__}: {error}")
            outcomes = [failure] * len(batch)
        finally:
            self._slots.release()
            # Here, so that callers learn of a cancelled call too; it is no `Exception`.
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.outcome.done():
                    waiting.outcome.set_result(outcome)


def _expire(outcome: "asyncio.Future[Outcome[Any]]") -> None:
    if not outcome.done():
        outcome.set_result(Failure("expired", "the deadline passed while waiting"))
