"""Steady load in the open: requests go out at their time whether or not earlier ones came back.

A client that waits for its answer before it asks again asks less of a service that hangs, and hides the fault.
"""

import asyncio
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from types import TracebackType

import aiohttp
import uvloop

TIMEOUT_S = 10.0
_NICENESS = 15
"""Of the process that asks: that of Ray's workers, from whom a client elsewhere takes no time either."""


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
    """Asks `rate_per_s` sentences a second from a process of its own, until the block ends.

    Not from this one: here Ray is asked again and again how its processes do, and every answer would wait for that.

    Args:
        url: Of the service.
        rate_per_s: Requests a second.
        texts: Sentences, taken in turn.

    Attributes:
        shots: What came back so far, in the order of its arrival.
    """

    def __init__(self, url: str, *, rate_per_s: float, texts: Sequence[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._end = context.Event()
        self._shots, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_fire, args=(url, rate_per_s, list(texts), self._end, theirs))
        self._theirs = theirs
        self._thread = threading.Thread(target=self._collect, name="load")
        self.shots: list[Shot] = []

    def __enter__(self) -> "Load":
        self._process.start()
        self._theirs.close()
        self._shots.recv()  # it has begun
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._process.join()

    def _collect(self) -> None:
        with suppress(EOFError):
            while True:
                self.shots.append(self._shots.recv())


def _fire(url: str, rate_per_s: float, texts: Sequence[str], end: Event, out: "Connection[Shot | None, None]") -> None:
    os.nice(_NICENESS)
    uvloop.run(_run(url, 1 / rate_per_s, texts, end, out.send))


async def _run(url: str, gap_s: float, texts: Sequence[str], end: Event, note: Callable[[Shot | None], object]) -> None:
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as http:
        note(None)
        started, number, tasks = time.monotonic(), 0, set()
        while not end.is_set():
            await asyncio.sleep(max(0.0, started + number * gap_s - time.monotonic()))
            task = asyncio.create_task(_ask(http, texts[number % len(texts)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda done: note(done.result()))
            number += 1
        await asyncio.gather(*tasks)


async def _ask(http: aiohttp.ClientSession, text: str) -> Shot:
    sent = time.monotonic()
    status, degraded, said = 0, (), ""
    try:
        async with http.post("/v1/comfort", json={"text": text}) as response:
            body = await response.text()
            status = response.status
            degraded = tuple(json.loads(body)["degraded"]) if status == 200 else ()
            said = body[:200] if status != 200 else ""
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
    return Shot(sent, time.monotonic() - sent, status, degraded, text, said)


def capacity(url: str, *, texts: Sequence[str], seconds: float, clients: int = 32) -> float:
    """Good answers a second when so many clients ask again as soon as they are answered."""

    async def client(http: aiohttp.ClientSession, number: int, end: float) -> int:
        answered = 0
        while time.monotonic() < end:
            number += clients
            answered += (await _ask(http, texts[number % len(texts)])).status == 200
        return answered

    async def run() -> int:
        end = time.monotonic() + seconds
        async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as http:
            return sum(await asyncio.gather(*(client(http, number, end) for number in range(clients))))

    return uvloop.run(run()) / seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
