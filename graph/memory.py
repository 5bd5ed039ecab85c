"""Sentences that are asked again: what was found out about them, and what is being found out right now.

Many customers type the same short sentences. Findings are kept by version of the knowledge and normalised text for a
short time, and a sentence that
is already on its way is not sent a second time. Only findings without an understudy are kept or shared; the reply is
chosen anew for every request. Used by `graph.composer` alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cachetools import TTLCache

from graph.answer import Findings
from graph.trace import Trace

Key = tuple[str, str]
"""The version of the knowledge and the normalised text."""
Compute = Callable[[Trace], Awaitable[Findings]]
Outcome = tuple[Findings, Trace]


@dataclass(slots=True)
class Tally:
    """How often it helped: answers from memory, answers shared with one under way, and answers computed."""

    hits: int = 0
    shared: int = 0
    computed: int = 0


class Memory:
    """Findings by version and text.

    Args:
        max_entries: Most sentences kept, the least recently used is forgotten first; 0 keeps none and shares none.
        ttl_s: Seconds after which they are forgotten, which bounds how long an exchanged model goes unnoticed if
            nothing new is asked; as soon as any answer shows other versions or thresholds, everything is forgotten.

    Attributes:
        tally: Counts since the start.
    """

    def __init__(self, *, max_entries: int, ttl_s: float) -> None:
        self._kept: TTLCache[Key, Findings] = TTLCache(max(max_entries, 1), ttl_s)
        self._flights: dict[Key, asyncio.Task[Outcome]] = {}
        self._made_by: tuple[object, ...] | None = None
        self._enabled = max_entries > 0
        self.tally = Tally()

    async def findings(self, key: Key, trace: Trace, compute: Compute) -> Findings:
        """What is known about a text: remembered, shared with a request under way, or computed.

        Args:
            key: Of the text.
            trace: Of the request; gets `cached` and what the computation noted.
            compute: Finds it out, noting in the trace it is given.
        """
        if not self._enabled:
            return await self._own(trace, compute)
        known = self._kept.get(key)
        if known is not None:
            self.tally.hits += 1
            trace.cached = True
            return known
        flight = self._flights.get(key)
        if flight is not None:
            shared = await self._shared(flight, trace)
            if shared is not None:
                return shared
            return await self._own(trace, compute)
        return await self._lead(key, trace, compute)

    def forget(self) -> None:
        """Forget everything, and what is being found out now: the rules by which it was judged have changed."""
        self._kept.clear()
        self._flights.clear()

    async def _own(self, trace: Trace, compute: Compute) -> Findings:
        self.tally.computed += 1
        return await compute(trace)

    async def _shared(self, flight: asyncio.Task[Outcome], trace: Trace) -> Findings | None:
        """The outcome of a request under way; None if it comes too late for this one or has an understudy's word."""
        await asyncio.wait((flight,), timeout=max(trace.cutoff - time.time(), 0.0))
        if not flight.done() or flight.cancelled() or flight.exception() is not None:
            return None
        findings, leader = flight.result()
        if leader.degraded:
            return None
        self.tally.shared += 1
        trace.cached = True
        return findings

    async def _lead(self, key: Key, trace: Trace, compute: Compute) -> Findings:
        """Compute in a task of its own, which others may wait for and which outlives this request's client."""
        self.tally.computed += 1
        flight = asyncio.create_task(self._fly(trace, compute))
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._landed(key, done))
        findings, _ = await asyncio.shield(flight)
        return findings

    async def _fly(self, trace: Trace, compute: Compute) -> Outcome:
        return await compute(trace), trace

    def _landed(self, key: Key, flight: asyncio.Task[Outcome]) -> None:
        if self._flights.get(key) is not flight:  # forgotten meanwhile
            return
        del self._flights[key]
        if flight.cancelled() or flight.exception() is not None:
            return
        findings, trace = flight.result()
        if trace.degraded:
            return
        made_by = findings.made_by()
        if self._outdated(made_by):
            self._kept.clear()
        self._made_by = tuple(new or old for new, old in zip(made_by, self._made_by or made_by, strict=True))
        self._kept[key] = findings

    def _outdated(self, made_by: tuple[object, ...]) -> bool:
        """Whether a node that took part is not the one of before; one that was not asked says nothing."""
        before = self._made_by or made_by
        return any(new and old and new != old for new, old in zip(made_by, before, strict=True))
