"""All trials by name, and where each takes place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from shutil import which
from typing import Any, Literal

from load_tests.chaos import faults, profiles
from load_tests.chaos.faults import Fault
from load_tests.chaos.service import Service
from load_tests.chaos.trial import trial

_DEADLINE_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster that trials share, one after the other.

    Attributes:
        name: As it stands in the table.
        n_nodes: Nodes of the cluster.
        transport: How requests travel (`graph.transport`).
        redis: Whether Redis keeps the control store's state.
    """

    name: str
    n_nodes: int = 1
    transport: Literal["throughput", "plain"] = "throughput"
    redis: bool = False

    def missing(self) -> str:
        """Why trials cannot take place here; empty if they can."""
        if self.redis and which("redis-server") is None:
            return "no redis-server here; Debian's package redis-server has it"
        return ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How hard to try.

    Attributes:
        rate_per_s: Steady load; 0 takes half of what the place can do.
        seconds: Of overload, a third of that over the plain transport; the steady load takes three times that.
        capacity_s: How long the capacity is measured; 0 leaves it out, which needs a rate.
        n_cases: Generated bad inputs.
        texts: Sentences, taken in turn.
    """

    rate_per_s: float
    seconds: float
    capacity_s: float
    n_cases: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a place can do, and what is asked of it, in requests a second."""

    capacity_per_s: float
    rate_per_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Something tried at a place; `run` returns its figures, among them `held`."""

    name: str
    place: Place
    run: Callable[[Service, Settings, Measured], dict[str, Any]]


ONE = Place("one node")
PLAIN = Place("one node, Ray's default transport", transport="plain")
TWO = Place("two nodes", n_nodes=2)
REDIS = Place("one node with Redis", redis=True)


def catalogue() -> list[Trial]:
    """Every trial, those of a place together."""
    return [
        *(_faulty(fault, ONE) for fault in faults.standard()),
        Trial("overload", ONE, _overload),
        Trial("bad input", ONE, _bad_input),
        Trial("steady load", ONE, _soak),
        _faulty(faults.only_proxy_killed(), PLAIN),
        # Ray's Python proxy falls behind before it has read a request, so nothing is promised about its time.
        Trial(f"overload, {PLAIN.transport}", PLAIN, partial(_overload, share=1 / 3, promised_p99_ms=None)),
        _faulty(faults.node_lost(), TWO),
        _faulty(faults.control_store_lost(), REDIS),
    ]


def short() -> list[Trial]:
    """Those a test can afford."""
    return [_faulty(fault, ONE) for fault in faults.short()]


def _faulty(fault: Fault, place: Place) -> Trial:
    def run(service: Service, settings: Settings, measured: Measured) -> dict[str, Any]:
        return trial(service, fault, rate_per_s=measured.rate_per_s, texts=settings.texts).plain()

    return Trial(fault.name if place.transport == "throughput" else f"{fault.name}, {place.transport}", place, run)


def _overload(
    service: Service,
    settings: Settings,
    measured: Measured,
    share: float = 1.0,
    promised_p99_ms: float | None = _DEADLINE_MS,
) -> dict[str, Any]:
    return profiles.overload(
        service,
        capacity_per_s=measured.capacity_per_s,
        times=3,
        seconds=settings.seconds * share,
        promised_p99_ms=promised_p99_ms,
        texts=settings.texts,
    ).plain()


def _bad_input(service: Service, settings: Settings, _: Measured) -> dict[str, Any]:
    return profiles.bad_input(service, n_generated=settings.n_cases).plain()


def _soak(service: Service, settings: Settings, measured: Measured) -> dict[str, Any]:
    minutes = 3 * settings.seconds / 60
    return profiles.soak(service, minutes=minutes, rate_per_s=measured.rate_per_s, texts=settings.texts).plain()
