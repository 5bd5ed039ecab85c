"""What is noted about one request while it runs: its deadline, who stood in, and where the time went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Trace:
    """One request's notes.

    Attributes:
        request_id: also the seed of every random choice for this request.
        cutoff: seconds since the epoch after which no node is waited for; the answer is made from what is there.
        explain: whether the client wants to see the reasons.
        degraded: roles whose understudy answered, without repeats, in the order it happened.
        timings_ms: milliseconds by stage.
        cached: whether the findings were those of an earlier or concurrent request for the same text.
    """

    request_id: str
    cutoff: float
    explain: bool = False
    degraded: list[str] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    cached: bool = False

    def degrade(self, role: str) -> None:
        """Note that `role` did not answer itself; past the cutoff, also that the whole budget is spent."""
        names = [role, "deadline"] if time.time() >= self.cutoff else [role]
        self.degraded.extend(name for name in names if name not in self.degraded)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long the block took."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[stage] = round((time.perf_counter() - started) * 1000, 3)
