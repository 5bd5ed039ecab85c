"""Which edition of the knowledge a request is answered from.

Candidates are row numbers, and a row means something only in its own version of the index. So every request takes one
edition, names its version in every call, and keeps it to the end. After a publish the replicas open the new version one
after another; one that does not hold it yet says so, and the request starts again from the edition before, which all
still hold. Used by `graph.composer`.
"""

import time
from collections.abc import Collection, Sequence
from typing import Protocol

from indexes.knowledge_index import KnowledgeIndex


class NotHeldError(Exception):
    """A node does not hold the edition of a request; answer it from the edition before."""


class Held(Protocol):
    """The editions that the composer's process holds (`indexes.shelf.Shelf`)."""

    def held(self) -> Sequence[str]:
        """Their versions, the one in use first."""
        ...

    def get(self, version: str) -> KnowledgeIndex | None:
        """The edition of a version; keeps it longer."""
        ...


class Editions:
    """The editions a composer can answer from.

    Args:
        shelf: What is held.
        retry_s: How long an edition that some node did not hold is left alone.
    """

    def __init__(self, shelf: Held, *, retry_s: float = 0.5) -> None:
        self._shelf = shelf
        self._retry_s = retry_s
        self._put_off: dict[str, float] = {}

    def pick(self, tried: Collection[str] = ()) -> tuple[KnowledgeIndex, bool]:
        """The newest edition that is not put off, and whether it is the last resort.

        Args:
            tried: Versions that the request has tried already.
        """
        while True:
            versions = self._shelf.held()
            now = time.monotonic()
            self._put_off = {version: end for version, end in self._put_off.items() if end > now}
            left = [version for version in versions if version not in tried] or versions
            ready = [version for version in left if version not in self._put_off] or left[:1]
            edition = self._shelf.get(ready[0])
            if edition is not None:  # else it was dropped this moment
                return edition, len(ready) == 1

    def put_off(self, edition: KnowledgeIndex) -> None:
        """Leave an edition alone for a moment, because a node does not hold it."""
        self._put_off[edition.manifest.version] = time.monotonic() + self._retry_s


class Fixed:
    """One edition for good, for a composer whose knowledge does not change.

    Args:
        edition: The knowledge.
    """

    def __init__(self, edition: KnowledgeIndex) -> None:
        self._edition = edition

    def held(self) -> Sequence[str]:
        """The one version."""
        return (self._edition.manifest.version,)

    def get(self, version: str) -> KnowledgeIndex | None:
        """The one edition."""
        return self._edition if version == self._edition.manifest.version else None
