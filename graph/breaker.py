"""A circuit breaker: after some failed calls in a row a node is left alone for a while, then probed with one call.

Waiting for a node that has no replica costs every request its whole stage budget; a breaker makes the understudy
answer at once instead. Clock and counts only, so every transition is tested without waiting.
"""

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Breaker:
    """Closed: calls pass. Open: none pass for `open_s`. Half open: one probe passes and decides.

    Args:
        failures: Failed calls in a row that open the breaker.
        open_s: How long it stays open.
        clock: Seconds from any origin, never going back.
    """

    def __init__(self, *, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing_since: float | None = None

    @property
    def state(self) -> State:
        """The state at this moment."""
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._open_s else "half_open"

    def rejects(self) -> bool:
        """Whether a call would be refused now; asking does not claim the probe."""
        return self.state == "open" or (self.state == "half_open" and self._probe_is_out())

    def allow(self) -> bool:
        """Whether this call may go out; in half open, `True` claims the one probe."""
        if self.rejects():
            return False
        if self.state == "half_open":
            self._probing_since = self._clock()
        return True

    def succeeded(self) -> None:
        """A call came back: close."""
        self._failures = 0
        self._opened_at = None
        self._probing_since = None

    def failed(self) -> None:
        """A call failed or timed out: count it; a failed probe opens again for another `open_s`."""
        self._failures += 1
        self._probing_since = None
        if self._opened_at is not None or self._failures >= self._limit:
            self._opened_at = self._clock()

    def undecided(self) -> None:
        """A call came back that says nothing of the node: a probe may be sent again."""
        self._probing_since = None

    def _probe_is_out(self) -> bool:
        # A probe whose caller vanished without reporting must not block the breaker for ever.
        return self._probing_since is not None and self._clock() - self._probing_since < self._open_s
