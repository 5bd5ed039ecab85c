"""Steady load in the open: requests go out at their time whether or not earlier ones came back.

A client that waits for its answer before it asks again asks less of a service that hangs, and hides the fault.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import httpx

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: when it was sent (monotonic seconds), how long it took, and what came back.

    `status` is 0 where no answer came at all; `said` is what stood in the answer, or went wrong, where it is not 200.
    """

    sent: float
    latency_s: float
    status: int
    degraded: tuple[str, ...]
    text: str
    said: str = ""

    @property
    def ended(self) -> float:
        """When the answer came, or was given up."""
        return self.sent + self.latency_s

    @property
    def good(self) -> bool:
        """Answered by every node that was asked."""
        return self.status == 200 and not self.degraded


class Load:
    """Asks `rate_per_s` sentences a second in a thread of its own, until the block ends.

    Args:
        url: Of the service.
        rate_per_s: Requests a second.
        texts: Sentences, taken in turn.

    Attributes:
        shots: What came back so far, in the order of its arrival.
    """

    def __init__(self, url: str, *, rate_per_s: float, texts: Sequence[str]) -> None:
        self._url = url
        self._gap_s = 1 / rate_per_s
        self._texts = texts
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self.shots: list[Shot] = []

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
        started, number, tasks = time.monotonic(), 0, set()
        async with httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, limits=limits, trust_env=False) as http:
            while not self._end.is_set():
                await asyncio.sleep(max(0.0, started + number * self._gap_s - time.monotonic()))
                task = asyncio.create_task(self._ask(http, self._texts[number % len(self._texts)]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            await asyncio.gather(*tasks)

    async def _ask(self, http: httpx.AsyncClient, text: str) -> None:
        sent = time.monotonic()
        status, degraded, said = 0, (), ""
        try:
            response = await http.post("/v1/comfort", json={"text": text})
            status = response.status_code
            degraded = tuple(response.json()["degraded"]) if status == 200 else ()
            said = response.text[:200] if status != 200 else ""
        except (httpx.HTTPError, ValueError) as error:
            said = f"{type(error).__name__}: {error}"
        self.shots.append(Shot(sent, time.monotonic() - sent, status, degraded, text, said))


def capacity(url: str, *, texts: Sequence[str], seconds: float, clients: int = 32) -> float:
    """Good answers a second when so many clients ask again as soon as they are answered."""

    async def client(http: httpx.AsyncClient, number: int, end: float) -> int:
        answered = 0
        while time.monotonic() < end:
            number += clients
            response = await http.post("/v1/comfort", json={"text": texts[number % len(texts)]})
            answered += response.status_code == 200
        return answered

    async def run() -> int:
        end = time.monotonic() + seconds
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            return sum(await asyncio.gather(*(client(http, number, end) for number in range(clients))))

    return asyncio.run(run()) / seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
