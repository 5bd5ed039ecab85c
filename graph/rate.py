"""The rate limit: how often one caller may ask. Used by `graph.access` where a limit is set."""

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


class Rate:
    """At most so many requests per caller in a sliding window; counted in this process.

    Args:
        limit: How many in which time, such as `600/minute`.
    """

    def __init__(self, limit: str) -> None:
        self._item = parse(limit)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait_s(self, caller: str) -> int:
        """Count a request: 0 lets it through, else the seconds until another one is."""
        if self._limiter.hit(self._item, caller):
            return 0
        left_s = self._limiter.get_window_stats(self._item, caller).reset_time - time.time()
        return max(1, math.ceil(left_s))
