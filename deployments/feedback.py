"""The feedback writer: the one node that writes. Records answers and ratings, and counts them for the report.

A full disk or a lost database is an outcome, not an exception: the node stays up, says what is wrong with each
entry, and tries again with the next one.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from deployments.messages import Entry, Receipt
from deployments.replica import Replica
from indexes.errors import StoreError
from indexes.feedback.entries import Answered, Tallies
from indexes.feedback.store import FeedbackStore

logger = logging.getLogger(__name__)

_DAY_S = 86_400.0
_FORGET_EVERY_S = 60.0
_FORGET_AT_ONCE = 10_000
_MAX_TEXT_CHARS = 500


class FeedbackWriter:
    """Writes entries to a store, which it opens when it is first needed and again after a failure to open it.

    Args:
        url: Of the store, see `indexes.feedback.database`.
        mask: Takes personal data out of a text; everything a customer wrote goes through it before it is stored,
            and a sentence is cut to 500 characters after it.
        keep_days: Entries older than this are deleted beside a write, at most 10,000 answers at once: once a minute,
            and with every write while more are left. None keeps all.
    """

    threshold: float | None = None

    def __init__(self, *, url: str, mask: Callable[[str], str], keep_days: int | None = None) -> None:
        self._url = url
        self._mask = mask
        self._keep_days = keep_days
        self._forget_from = time.monotonic()
        self._opening = threading.Lock()
        self._store: FeedbackStore | None = None
        self._fault: StoreError | None = None

    @property
    def version(self) -> str:
        """The kind of store.

        Raises:
            StoreError: the last attempt to write failed.
        """
        if self._fault is not None:
            raise self._fault
        return self._url.partition(":")[0]

    def many(self, items: Sequence[Entry]) -> list[Receipt]:
        """Store all in one transaction; one receipt an entry, in order. `STORED` means committed."""
        try:
            store = self._opened()
            self._forget(store)
            known = store.write([self._masked(item) for item in items])
        except StoreError as error:
            if self._fault is None:
                logger.warning("%s", error)
            self._fault = error
            return [Receipt.FULL if error.full else Receipt.UNAVAILABLE] * len(items)
        self._fault = None
        return [Receipt.STORED if found else Receipt.UNKNOWN for found in known]

    def tallies(self, since: float | None) -> Tallies:
        """What the report is computed from.

        Raises:
            StoreError: the store cannot be read now.
        """
        return self._opened().tallies(since=since)

    def _opened(self) -> FeedbackStore:
        with self._opening:
            if self._store is None:
                self._store = FeedbackStore.open(self._url)
            return self._store

    def _forget(self, store: FeedbackStore) -> None:
        now = time.monotonic()
        if self._keep_days is None or now < self._forget_from:
            return
        self._forget_from = now + _FORGET_EVERY_S
        gone = store.forget(before=time.time() - self._keep_days * _DAY_S, most=_FORGET_AT_ONCE)
        if gone == _FORGET_AT_ONCE:  # more may be left, and waiting a minute would let them pile up
            self._forget_from = now

    def _masked(self, entry: Entry) -> Entry:
        if isinstance(entry, Answered):
            # Cut afterwards: half an e-mail address or phone number would not be recognised.
            return entry if entry.text is None else replace(entry, text=self._mask(entry.text)[:_MAX_TEXT_CHARS])
        return entry if entry.comment is None else replace(entry, comment=self._mask(entry.comment))


class FeedbackReplica(Replica[Entry, Receipt]):
    """The writer's replica: writes in its one thread like every node, and counts beside it in another.

    Args:
        make_writer: Builds the writer inside the replica's process.
        max_batch_size: Most entries of a transaction.
        max_queue: Most entries that may wait.
        started: Called with the replica once it is there.
    """

    def __init__(
        self,
        make_writer: Callable[[], FeedbackWriter],
        *,
        max_batch_size: int,
        max_queue: int,
        started: Callable[[Any], None] | None = None,
    ) -> None:
        self._writer = make_writer()
        super().__init__(lambda: self._writer, max_batch_size=max_batch_size, max_queue=max_queue, started=started)

    async def tallies(self, since: float | None) -> Tallies:
        """What the report is computed from; `since` in seconds since the epoch."""
        return await asyncio.to_thread(self._writer.tallies, since)
