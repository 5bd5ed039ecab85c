"""Hands readings to Ray, which exports them for Prometheus; the only file that knows Ray's metrics.

A thread does it every few seconds, off the path of requests. Distributions go as counters, because of Ray's own
histogram the agent of each node repeats every single observation, as the middle of its bucket; a counter takes a
sum at once and keeps it exact. Outside a Serve replica nothing is exported.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from ray import serve
from ray.serve import metrics
from ray.serve.exceptions import RayServeException

from graph.readings import Family, Reading

logger = logging.getLogger(__name__)

Source = Callable[[], Iterable[Reading]]

_EVERY_S = 5.0
# Ray's counters refuse 0, but a series shall be there before its first event. Lost in the first addition.
_ZERO = 1e-300


def ray_metric(family: Family) -> Any:
    """A metric of Ray's; to its labels Serve adds `application`, `deployment` and `replica`."""
    kind = metrics.Counter if family.kind == "counter" else metrics.Gauge
    # Annotated as a tuple of one name.
    return kind(family.name, family.tells, cast(Any, family.labels))


class Exporter:
    """Passes on how far every reading has moved since the last time.

    Args:
        sources: Where readings come from.
        make: Makes what takes them: `inc(value, tags)` for a counter, `set(value, tags)` for a gauge.
    """

    def __init__(self, *sources: Source, make: Callable[[Family], Any] = ray_metric) -> None:
        self._sources = sources
        self._make = make
        self._metrics: dict[str, Any] = {}
        self._sent: dict[tuple[str, tuple[str, ...]], float] = {}

    def flush(self) -> None:
        """Read all sources and pass on what they say."""
        for source in self._sources:
            for reading in source():
                self._send(reading)

    def _send(self, reading: Reading) -> None:
        family, labels, value = reading
        if family.name not in self._metrics:
            self._metrics[family.name] = self._make(family)
        metric = self._metrics[family.name]
        tags = dict(zip(family.labels, labels, strict=True))
        if family.kind == "gauge":
            metric.set(value, tags)
            return
        sent = self._sent.get((family.name, labels))
        # A count that fell began anew.
        step = value if sent is None or value < sent else value - sent
        if sent is None or step > 0:
            metric.inc(step or _ZERO, tags)
        self._sent[family.name, labels] = value

    def run(self) -> None:
        """Flush every few seconds as long as the process lives; a failure is logged and does not end it."""
        while True:
            try:
                self.flush()
            except Exception:
                logger.exception("metrics were not exported")
            time.sleep(_EVERY_S)


def export(*sources: Source) -> None:
    """Export `sources` from now on, if this process is a Serve replica."""
    if inside_replica():
        threading.Thread(target=Exporter(*sources).run, name="metrics", daemon=True).start()


def inside_replica() -> bool:
    """Whether this process is a Serve replica."""
    try:
        serve.get_replica_context()
    except RayServeException:
        return False
    return True
