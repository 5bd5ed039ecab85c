"""One cell of the comparison: so many clients, one traffic, one server, a few seconds."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from load_tests.processes import LoadTestError, Server

Traffic = Literal["hard", "real"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured.

    Attributes:
        contender: Who answered.
        traffic: What was asked.
        clients: How many asked at the same time.
        round: Counted from 0.
        requests: Answered with status 200.
        requests_per_s: Of those.
        p50_ms: Median time to a whole answer; p95_ms and p99_ms likewise.
        p95_ms: See `p50_ms`.
        p99_ms: See `p50_ms`.
        handled_p50_ms: Median time to an answer that comforted; None if there was none.
        cpu_ms: CPU time of the server's processes per request.
        client_cpu_ms: CPU time of the load generator per request.
        memory_mb: Of all the server's processes, shared pages divided (PSS).
        handled: Share of answers that comforted.
        degraded: Share of answers by an understudy.
        failed: Requests without an answer of status 200.
    """

    contender: str
    traffic: Traffic
    clients: int
    round: int
    requests: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    handled_p50_ms: float | None
    cpu_ms: float
    client_cpu_ms: float
    memory_mb: float
    handled: float
    degraded: float
    failed: int

    def as_json(self) -> dict[str, Any]:
        """As stored."""
        return asdict(self)


def measure(
    server: Server, *, contender: str, path: str, traffic: Traffic, sentences: Path, skip: int, clients: int,
    seconds: float, round_: int
) -> Cell:  # fmt: skip
    """Run the load generator against `server` and note what it cost.

    Raises:
        LoadTestError: the generator failed, or not one answer came.
    """
    before = server.usage()
    seen = ask(server, path=path, sentences=sentences, skip=skip, clients=clients, seconds=seconds)
    after = server.usage()
    latencies = np.array(seen["latencies_ms"])
    if not len(latencies):
        raise LoadTestError(f"{contender}: no answer of status 200; statuses {seen['statuses']}")
    p50, p95, p99 = (float(value) for value in np.percentile(latencies, (50, 95, 99)))
    n, handled_ms = len(latencies), seen["handled_ms"]
    return Cell(
        contender=contender,
        traffic=traffic,
        clients=clients,
        round=round_,
        requests=n,
        requests_per_s=n / seen["wall_s"],
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        handled_p50_ms=float(np.median(handled_ms)) if handled_ms else None,
        cpu_ms=(after.cpu_s - before.cpu_s) / n * 1000,
        client_cpu_ms=seen["client_cpu_s"] / n * 1000,
        memory_mb=after.memory_mb,
        handled=len(handled_ms) / n,
        degraded=seen["degraded"] / n,
        failed=seen["broken"] + sum(seen["statuses"].values()) - n,
    )


def ask(server: Server, *, path: str, sentences: Path, skip: int, clients: int, seconds: float) -> Mapping[str, Any]:
    """The load generator's report; it runs as a process of its own.

    Raises:
        LoadTestError: it failed.
    """
    options = {"port": server.url.rpartition(":")[2], "path": path, "sentences": sentences, "skip": skip}
    options |= {"clients": clients, "seconds": seconds}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "load_tests.bench.client", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 180, check=False)
    if done.returncode:
        raise LoadTestError(f"the load generator failed: {done.stderr.strip().splitlines()[-1]}")
    report: Mapping[str, Any] = json.loads(done.stdout)
    return report
