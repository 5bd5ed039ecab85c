"""How many requests one composer works on at a time: past its capacity it says so at once.

A fixed bound would be too high for a slow machine and too low for a fast one, so it follows what it sees, as TCP does:
each answer in time raises it a little, a late one lowers it at once (additive increase, multiplicative decrease;
Chiu and Jain 1989). It stays far under what Serve lets into a replica, so that the answer to too much is this
service's own problem document, and requests that were let in keep their deadline. Used by `graph.gateway`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graph.problems import RequestProblem

_LEAST = 16
_RISE, _FALL = 0.1, 0.8


class Admission:
    """Counts the sentences under way in requests of one kind.

    Args:
        most: Sentences under way at most, and at the start.
        target_s: An answer that takes longer is late; infinite for a bound that does not move.
        retry_after_s: What a refused client is told to wait.
        clock: Seconds from any origin, never going back.

    Attributes:
        refused: Requests turned away since the start.
    """

    def __init__(
        self,
        *,
        most: int,
        target_s: float,
        retry_after_s: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = float(most)
        self._least = float(min(_LEAST, most))
        self._target_s = target_s
        self._retry_after_s = retry_after_s
        self._clock = clock
        self._limit = float(most)
        self._lowered_at = float("-inf")
        self.in_flight = 0
        self.refused = 0

    @property
    def limit(self) -> int:
        """Sentences under way at most, now."""
        return int(self._limit)

    @contextmanager
    def entered(self, size: int = 1) -> Iterator[None]:
        """Hold room for a request of `size` sentences while the block runs.

        Raises:
            RequestProblem: 503, there is no room.
        """
        if self.in_flight + size > self.limit:
            self.refused += 1
            detail = f"{self.in_flight} of {self.limit} sentences are under way; try again in {self._retry_after_s} s"
            raise RequestProblem(503, detail, headers={"retry-after": str(self._retry_after_s)})
        self.in_flight += size
        started = self._clock()
        try:
            yield
            self._learn(started)
        finally:
            self.in_flight -= size

    def _learn(self, started: float) -> None:
        now = self._clock()
        if now - started <= self._target_s:
            self._limit = min(self._most, self._limit + _RISE)
        elif started > self._lowered_at:
            # Answers that began before the last fall are late for the same reason and lower nothing again.
            self._limit = max(self._least, self._limit * _FALL)
            self._lowered_at = now
