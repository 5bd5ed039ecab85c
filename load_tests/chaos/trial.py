"""One fault under steady load: what customers saw of it, and when it was over."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isinf
from typing import Any

from load_tests.chaos.faults import ALLOWED_S, POISON, Fault, wait_s
from load_tests.chaos.load import Load, Shot, percentile
from load_tests.chaos.service import Service

CALM_S = 2.0
"""So long nothing may have gone wrong before a fault counts as over."""
_POLL_S = 0.5
"""Asking Ray for its processes takes a good part of a core for a moment."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault's row in the table.

    Attributes:
        fault: Its name.
        requests: Under way at the moment of the fault, or sent until it was over.
        errors: Of them, answered with another status than 200, or not at all.
        statuses: Of the errors, how many of each status; 0 is no answer.
        said: What the errors said, most frequent first, with digits as `#`; three of them.
        degraded: Of them, answered by an understudy.
        understudies: Of the degraded, how many each node's understudy had a part in.
        spoiled: Of the good items in the company of a poisoned one, those not answered well; 0 without poison.
        p99_ms: 99th percentile of the time to an answer.
        recovered_s: From the fault (or from its mending by hand) to the last answer that was not good.
        whole_s: From there until Serve had all replicas again; None: not in time.
        whole_within_s: When that was promised; None: no time is.
        allowed: Errors a customer may see.
        held: Whether only allowed errors were seen and everything was over in time.
    """

    fault: str
    requests: int
    errors: int
    statuses: dict[int, int]
    said: dict[str, int]
    degraded: int
    understudies: dict[str, int]
    spoiled: int
    p99_ms: float
    recovered_s: float
    whole_s: float | None
    whole_within_s: float | None
    allowed: str
    held: bool

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def trial(service: Service, fault: Fault, *, rate_per_s: float, texts: Sequence[str]) -> Row:
    """Make a fault under load, mend it, and wait until everything is as before."""
    with Load(service.url, rate_per_s=rate_per_s, texts=[*texts, f"{texts[0]}{POISON}"]) as load:
        time.sleep(CALM_S)
        begun = time.monotonic()
        mend = fault.make(service)
        made = time.monotonic()
        wait_s(fault)
        if fault.hold_s:
            mend()
        mended = time.monotonic()
        over = wait_for_calm(service, load, mended, timeout_s=fault.timeout_s)
        if not fault.hold_s:
            mend()
    return row(fault, [shot for shot in load.shots if shot.ended >= begun], made, mended, whole_s=over)


def wait_for_calm(service: Service, load: Load, since: float, *, timeout_s: float) -> float | None:
    """Seconds from `since` until Serve had every replica; returns once answers have been good for a while.

    None if that did not happen in time.
    """
    whole_at: float | None = None
    while time.monotonic() - since < timeout_s:
        whole_at = (whole_at or time.monotonic()) if service.whole() else None
        recent = [shot for shot in load.shots if shot.sent > time.monotonic() - CALM_S]
        if whole_at and time.monotonic() - whole_at > CALM_S and recent and all(shot.good for shot in recent):
            return whole_at - since
        time.sleep(_POLL_S)
    return None


def row(fault: Fault, shots: Sequence[Shot], made: float, mended: float, *, whole_s: float | None) -> Row:
    """What the shots say of a fault.

    Args:
        fault: What was made.
        shots: Answered, or given up, after it began.
        made: When it was there.
        mended: When it was mended by hand; the same moment if Serve mends it.
        whole_s: From there until Serve had all replicas again; None: not in time.
    """
    bad = [shot for shot in shots if not shot.good]
    errors = [shot for shot in shots if shot.status != 200]
    poisoned = "poison" in fault.name
    return Row(
        fault=fault.name,
        requests=len(shots),
        errors=len(errors),
        statuses=dict(sorted(Counter(shot.status for shot in errors).items())),
        said=dict(Counter(re.sub(r"\d+", "#", shot.said) for shot in errors).most_common(3)),
        degraded=len(bad) - len(errors),
        understudies=dict(Counter(name for shot in bad for name in shot.degraded).most_common()),
        spoiled=sum(POISON not in shot.text for shot in bad) if poisoned else 0,
        p99_ms=round(percentile([shot.latency_s for shot in shots], 0.99) * 1000),
        recovered_s=round(max((0.0, *(shot.ended - mended for shot in bad))), 1),
        whole_s=None if whole_s is None else round(whole_s, 1),
        whole_within_s=None if isinf(fault.whole_within_s) else fault.whole_within_s,
        allowed=fault.allowed,
        held=whole_s is not None
        and whole_s <= fault.whole_within_s
        and all(shot.sent - made <= ALLOWED_S[fault.allowed] for shot in errors),
    )
