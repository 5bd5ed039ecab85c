"""Carries answers to the feedback writer off the request path: in batches, from a bounded queue, in the background.

A reply never waits for it. While the writer is away answers stay in the queue and are sent again; when the queue is
full, further ones are dropped and counted.
"""

import asyncio
import logging
import time
from collections import deque
from contextvars import Context
from itertools import islice

from deployments.messages import Entry, Receipt
from deployments.work import Failure, Outcome, Work
from graph.stage import RemoteNode
from indexes.feedback.entries import Answered

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 5.0


class Recorder:
    """One composer's outgoing answers.

    Args:
        writer: Stores them.
        max_queue: Most answers that wait.
        max_batch_size: Most answers of a call.
        flush_s: How long answers are collected before they are sent.
        timeout_s: Longest wait for the writer.
    """

    def __init__(
        self,
        writer: RemoteNode[Entry, Receipt],
        *,
        max_queue: int,
        max_batch_size: int,
        flush_s: float,
        timeout_s: float,
    ) -> None:
        self._writer = writer
        self._max_queue = max_queue
        self._max_batch_size = max_batch_size
        self._flush_s = flush_s
        self._timeout_s = timeout_s
        self._waiting: deque[Answered] = deque()
        self._sending: asyncio.Task[None] | None = None
        self.stored = 0
        self.dropped = 0
        self.behind = False

    @property
    def queue_length(self) -> int:
        """Answers that are not stored yet."""
        return len(self._waiting)

    def note(self, answered: Answered) -> None:
        """Take an answer along; returns at once, whatever the writer does."""
        if len(self._waiting) >= self._max_queue:
            self._drop(1, "the queue is full")
            return
        self._waiting.append(answered)
        if self._sending is None or self._sending.done():
            # In an empty context: in this request's, Serve and Ray would cancel everybody's answers with its client.
            self._sending = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def close(self) -> None:
        """Send what is left, once; what the writer does not take is dropped."""
        if self._sending is not None:
            self._sending.cancel()
        await self._send_all()
        if self._waiting:
            self._drop(len(self._waiting), "the service stops")
            self._waiting.clear()

    async def _run(self) -> None:
        pause_s = self._flush_s
        while self._waiting:
            await asyncio.sleep(pause_s)
            sent = await self._send_all()
            pause_s = self._flush_s if sent else min(2 * pause_s, max(self._flush_s, _LONGEST_PAUSE_S))

    async def _send_all(self) -> bool:
        """Send until nothing waits; False if the writer did not take a batch, which then stays first in the queue."""
        while self._waiting:
            batch = list(islice(self._waiting, self._max_batch_size))
            outcomes = await self._send(batch)
            if outcomes is None or any(_try_again(outcome) for outcome in outcomes):
                self.behind = True
                return False
            for _ in batch:
                self._waiting.popleft()
            stored = outcomes.count(Receipt.STORED)
            self.stored += stored
            if stored < len(batch):
                self._drop(len(batch) - stored, "the store refuses them")
        self.behind = False
        return True

    async def _send(self, batch: list[Answered]) -> list[Outcome[Receipt]] | None:
        deadline = time.time() + self._timeout_s
        try:
            outcomes = await asyncio.wait_for(
                self._writer.many([Work(item, deadline) for item in batch]), self._timeout_s
            )
        except Exception as error:
            logger.warning(
                "the feedback writer does not answer (%s); %d wait", type(error).__name__, len(self._waiting)
            )
            return None
        return list(outcomes) if len(outcomes) == len(batch) else None

    def _drop(self, number: int, why: str) -> None:
        # One line for the first of them; the count says the rest.
        if self.dropped == 0:
            logger.error("answers are not recorded: %s", why)
        self.dropped += number


def _try_again(outcome: Outcome[Receipt]) -> bool:
    if isinstance(outcome, Failure):
        return outcome.reason != "error"
    return outcome is not Receipt.STORED
