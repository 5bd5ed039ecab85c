"""Shares with their uncertainty, and whether two of them differ: the statistics of the satisfaction report.

Closed forms on the standard library, since every composer imports this and scipy would add a second to its start;
the tests compare them with scipy. Called by `graph.satisfaction`.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Proportion:
    """`hits` out of `n` independent trials, 0 <= hits <= n.

    Raises:
        ValueError: it is not so.
    """

    hits: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.n:
            raise ValueError(f"{self.hits} of {self.n} is no share; 0 <= hits <= n must hold")

    @property
    def share(self) -> float:
        """The share itself, hits / n, in [0, 1].

        Raises:
            ZeroDivisionError: n is 0.
        """
        return self.hits / self.n


def wilson(proportion: Proportion, *, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, JASA 22:209-212), within [0, 1]; (0, 1) where n is 0.

    The interval of those p for which |share - p| <= z sqrt(p (1 - p) / n); it keeps its coverage for few trials and
    for shares near 0 or 1.
    """
    n = proportion.n
    if n == 0:
        return 0.0, 1.0
    z = _z(confidence)
    centre = (proportion.hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(proportion.hits * (n - proportion.hits) / n + z * z / 4)
    # At the ends the bound is exact, and rounding must not push it past the share.
    low = 0.0 if proportion.hits == 0 else max(0.0, centre - half)
    high = 1.0 if proportion.hits == n else min(1.0, centre + half)
    return low, high


def newcombe(a: Proportion, b: Proportion, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of share(a) - share(b) (Newcombe 1998, Statistics in Medicine 17:873-890, method 10).

    Built from the two Wilson intervals, without continuity correction; within [-1, 1]. Both n must be above 0.
    """
    (low_a, high_a), (low_b, high_b) = wilson(a, confidence=confidence), wilson(b, confidence=confidence)
    difference = a.share - b.share
    return (
        difference - math.hypot(a.share - low_a, high_b - b.share),
        difference + math.hypot(high_a - a.share, b.share - low_b),
    )


def difference_p_value(a: Proportion, b: Proportion) -> float:
    """The two-sided p-value of "both shares are equal": the two-proportion z test with the pooled share.

    Equal to Pearson's chi-squared test of the 2 x 2 table without continuity correction. Both n must be above 0;
    1 where all trials of both have the same outcome.
    """
    pooled = (a.hits + b.hits) / (a.n + b.n)
    variance = pooled * (1 - pooled) * (1 / a.n + 1 / b.n)
    if variance == 0:
        return 1.0
    return math.erfc(abs(a.share - b.share) / math.sqrt(2 * variance))


def _z(confidence: float) -> float:
    return _NORMAL.inv_cdf((1 + confidence) / 2)
