"""Room for calls under way: of one batcher, or of several whose calls end in the same thread.

Where nodes share a thread, a batch that is cut while another node computes only waits, and what comes meanwhile is
left behind. With room in common it is cut when the thread is free, and goes on with the requests that have come
furthest: what is upset passes every node, and would wait at each of them for the many that pass only the first.
"""

import asyncio
from contextvars import Context
from typing import Protocol


class Queue(Protocol):
    """What waits for room."""

    @property
    def queue_length(self) -> int:
        """Items that wait."""
        ...

    def start(self) -> bool:
        """Begin one call; False if there is nothing to begin after all. Runs in an empty context."""
        ...


class Slots:
    """So many calls at the same time. A free slot goes to the last queue in which something waits.

    Args:
        n: Calls at the same time.
    """

    def __init__(self, n: int) -> None:
        self._free = n
        self._queues: list[Queue] = []
        self._scheduled = False

    def join(self, queue: Queue) -> None:
        """Let a queue have its share; requests pass the queues in the order in which these join."""
        self._queues.append(queue)

    def release(self) -> None:
        """Give a slot back."""
        self._free += 1
        self.fill_soon()

    def fill_soon(self) -> None:
        """Fill free slots one loop turn later, so that everything that comes in this turn lands in the same batch."""
        if not self._scheduled:
            self._scheduled = True
            # In an empty context: a call is for many requests, and in the context of the one that happened to come
            # first, Serve and Ray would cancel it when that one's client hangs up.
            asyncio.get_running_loop().call_soon(self._fill, context=Context())

    def _fill(self) -> None:
        self._scheduled = False
        while self._free:
            # None waits for ever: an early queue feeds the later ones.
            furthest = next((queue for queue in reversed(self._queues) if queue.queue_length), None)
            if furthest is None:
                return
            self._free -= furthest.start()
