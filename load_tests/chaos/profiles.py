"""What is not one fault: too much load, wrong input, and a long time."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import psutil

from load_tests.chaos.load import Load, percentile
from load_tests.chaos.nasty import corpus, send
from load_tests.chaos.openapi_cases import try_operations
from load_tests.chaos.service import Service

MB = 2**20
MOST_AFTER_S = 10.0
MOST_GROWTH = 0.1
_SENDERS = 8


@dataclass(frozen=True, slots=True)
class Overload:
    """Much more than the service can do, for some seconds.

    `capacity_per_s` was measured before; `accepted`, `refused` (503) and `failed` add up to `requests`;
    `normal_after_s` is the time until nothing was refused or degraded at half capacity; `promised_p99_ms` bounds the
    time to an accepted answer, where anything is promised.
    """

    capacity_per_s: float
    offered_per_s: float
    requests: int
    accepted: int
    refused: int
    failed: int
    accepted_p50_ms: float
    accepted_p99_ms: float
    promised_p99_ms: float | None
    refused_p50_ms: float
    memory_growth: float
    normal_after_s: float

    @property
    def held(self) -> bool:
        """Whether all were answered or refused, in time, without growth, and normal came back."""
        in_time = self.promised_p99_ms is None or self.accepted_p99_ms <= self.promised_p99_ms
        calm = self.normal_after_s <= MOST_AFTER_S and self.memory_growth <= MOST_GROWTH
        return self.accepted > 0 and self.failed == 0 and in_time and calm

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"held": self.held}


def overload(
    service: Service,
    *,
    capacity_per_s: float,
    times: float,
    seconds: float,
    promised_p99_ms: float | None,
    texts: Sequence[str],
) -> Overload:
    """Offer `times` the capacity for some seconds, then half of it."""
    before = resident(service)
    with Load(service.url, rate_per_s=times * capacity_per_s, texts=texts) as load:
        time.sleep(seconds)
    after = resident(service)
    shots, calm_from = load.shots, time.monotonic()
    with Load(service.url, rate_per_s=capacity_per_s / 2, texts=texts) as calm:
        time.sleep(15)
    accepted = [shot.latency_s for shot in shots if shot.status == 200]
    refused = [shot.latency_s for shot in shots if shot.status == 503]
    bad = [shot.sent + shot.latency_s - calm_from for shot in calm.shots if not shot.good]
    return Overload(
        capacity_per_s=round(capacity_per_s, 1),
        offered_per_s=round(len(shots) / seconds, 1),
        requests=len(shots),
        accepted=len(accepted),
        refused=len(refused),
        failed=len(shots) - len(accepted) - len(refused),
        accepted_p50_ms=milliseconds(accepted, 0.5),
        accepted_p99_ms=milliseconds(accepted, 0.99),
        promised_p99_ms=promised_p99_ms,
        refused_p50_ms=milliseconds(refused, 0.5),
        memory_growth=round(after / before - 1, 3),
        normal_after_s=round(max(bad, default=0.0), 1),
    )


@dataclass(frozen=True, slots=True)
class BadInput:
    """Wrong requests: how many by where they come from, what must not come back, and the memory of all replicas.

    `refused` is 503, which is allowed; every other 5xx is in `server_errors`, and `hung` is no answer in time.
    """

    generated: int
    corpus: int
    server_errors: int
    refused: int
    hung: int
    examples: tuple[str, ...]
    seconds: float
    memory_before_mb: float
    memory_after_mb: float

    @property
    def held(self) -> bool:
        """Whether every request was answered with something else than a server error, without growth."""
        grown = self.memory_after_mb / self.memory_before_mb - 1
        return self.server_errors == self.hung == 0 and grown <= MOST_GROWTH

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"held": self.held}


def bad_input(service: Service, *, n_generated: int) -> BadInput:
    """Send the corpus and generated requests; a few rounds before, so that caches have their size."""
    try_operations(service.url, n_cases=n_generated // 20)
    before, begun = resident(service), time.monotonic()
    tried = try_operations(service.url, n_cases=n_generated)
    n_generated = tried.tried
    cases = corpus()
    with ThreadPoolExecutor(_SENDERS) as senders:
        for case, status in zip(cases, senders.map(partial(send, service.url), cases), strict=True):
            tried.note(f"{case.path} {case.name}", status)
    return BadInput(
        generated=n_generated,
        corpus=len(cases),
        server_errors=tried.server_errors,
        refused=tried.refused,
        hung=tried.hung,
        examples=tried.examples,
        seconds=round(time.monotonic() - begun, 1),
        memory_before_mb=round(before, 1),
        memory_after_mb=round(resident(service), 1),
    )


@dataclass(frozen=True, slots=True)
class Soak:
    """A long steady load: what it cost a process in memory and file handles, by deployment.

    `memory_mb_per_h` and `handles_per_h` are least-squares slopes of the worst process.
    """

    minutes: float
    requests: int
    errors: int
    degraded: int
    p99_ms: float
    memory_mb: dict[str, float]
    memory_mb_per_h: dict[str, float]
    handles_per_h: dict[str, float]

    @property
    def held(self) -> bool:
        """Whether every request was answered."""
        return self.errors == 0

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"held": self.held}


def soak(service: Service, *, minutes: float, rate_per_s: float, texts: Sequence[str], step_s: float = 5.0) -> Soak:
    """Steady load, the first fifth of it as a warm-up that is not measured."""
    processes = {name: [psutil.Process(pid) for pid in service.pids(name)] for name in service.roles}
    samples: list[tuple[float, dict[str, tuple[float, int]]]] = []
    begun = time.monotonic()
    with Load(service.url, rate_per_s=rate_per_s, texts=texts) as load:
        while (passed := time.monotonic() - begun) < minutes * 60:
            time.sleep(step_s)
            if passed > minutes * 12:
                samples.append((passed / 3600, {name: worst(each) for name, each in processes.items()}))
    hours = [at for at, _ in samples]
    seen = {name: [values[name] for _, values in samples] for name in processes}
    errors = [shot for shot in load.shots if shot.status != 200]
    return Soak(
        minutes=minutes,
        requests=len(load.shots),
        errors=len(errors),
        degraded=sum(not shot.good for shot in load.shots) - len(errors),
        p99_ms=milliseconds([shot.latency_s for shot in load.shots], 0.99),
        memory_mb={name: round(values[-1][0], 1) for name, values in seen.items()},
        memory_mb_per_h={name: slope(hours, [memory for memory, _ in values]) for name, values in seen.items()},
        handles_per_h={name: slope(hours, [float(n) for _, n in values]) for name, values in seen.items()},
    )


def worst(processes: Sequence[psutil.Process]) -> tuple[float, int]:
    """Most resident megabytes and most open handles of some processes."""
    return max(p.memory_info().rss / MB for p in processes), max(p.num_fds() for p in processes)


def slope(hours: Sequence[float], values: Sequence[float]) -> float:
    """Least-squares change an hour."""
    return round(float(np.polyfit(hours, values, 1)[0]), 1)


def resident(service: Service) -> float:
    """Resident megabytes of all replicas."""
    pids = [pid for name, found in service.processes().items() if name in service.roles for pid in found]
    return float(sum(psutil.Process(pid).memory_info().rss for pid in pids) / MB)


def milliseconds(seconds: Sequence[float], share: float) -> float:
    """A percentile in milliseconds."""
    return round(percentile(seconds, share) * 1000, 1)
