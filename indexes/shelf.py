"""Editions of the knowledge that a process holds: the one in use, and older ones as long as somebody asks for them.

Whoever answers from the index (recall, the reranker, the composer) holds what it made of it on a shelf. The place of
the index (`indexes.versions`) is looked at again and again, in a thread of its own; a version that is new there is
opened beside the old one and then put in front. Nobody is waited for: whoever asks names the version it means, and is
told if it is not held.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from indexes.knowledge_index import MANIFEST_FILE, Manifest

Edition = TypeVar("Edition")
_Mark = tuple[Path, int, int]
_RETRY_S = 10.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept(Generic[Edition]):
    edition: Edition
    used: float


class Shelf(Generic[Edition]):
    """What a process made of the versions of one index. Safe to use from several threads at once.

    The version in use is opened by the constructor; its errors are those of `open_edition`.

    Args:
        place: where readers open the index.
        open_edition: makes an edition of the folder of one version.
        look_s: least seconds between two looks at the place.
        keep_s: an edition that is no longer in use is dropped once nobody has asked for it for so long.
        most: editions held at the same time; beyond it the one longest unused goes.
        is_whole: whether nothing of an edition is missing; one in use that is not whole is opened again now and then,
            until it is.
    """

    def __init__(
        self,
        place: Path,
        open_edition: Callable[[Path], Edition],
        *,
        look_s: float = 1.0,
        keep_s: float = 60.0,
        most: int = 3,
        is_whole: Callable[[Edition], bool] = lambda _: True,
    ) -> None:
        self._place = place
        self._open = open_edition
        self._look_s, self._keep_s, self._most = look_s, keep_s, most
        self._is_whole = is_whole
        self._kept: dict[str, _Kept[Edition]] = {}
        self._newest = ""
        self._mark: _Mark | None = None
        self._changing = threading.Lock()
        self._looking = threading.Lock()
        self._next_look = time.monotonic() + look_s
        while self._mark is None:
            self.refresh()

    @property
    def version(self) -> str:
        """The version in use, as far as it is known here."""
        self.look()
        return self._newest

    def newest(self) -> Edition:
        """The edition in use."""
        self.look()
        with self._changing:
            return self._kept[self._newest].edition

    def get(self, version: str) -> Edition | None:
        """The edition of a version, None if it is not held; one that is asked for is kept."""
        self.look()
        with self._changing:
            kept = self._kept.get(version)
            if kept is None:
                return None
            kept.used = time.monotonic()
            return kept.edition

    def held(self) -> list[str]:
        """The versions held, the one in use first, then those asked for last."""
        self.look()
        with self._changing:
            return sorted(self._kept, key=lambda version: (version != self._newest, -self._kept[version].used))

    def look(self) -> None:
        """Looks for another version, unless that was done a moment ago; returns at once, a thread does it."""
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_now, name="shelf", daemon=True).start()

    def refresh(self) -> None:
        """Puts the version in use now in front; on return it is open, unless the place changed meanwhile.

        Raises:
            IndexUnavailableError: it cannot be opened; what is held stays.
        """
        mark = self._mark_of_place()
        if mark != self._mark or not self._holds(self._newest):
            # By its own folder, so that a switch in between cannot mix two versions.
            folder = mark[0]
            version = Manifest.read(folder).version
            edition = None if self._holds(version) else self._open(folder)
            if self._mark_of_place() != mark:
                return
            with self._changing:
                if edition is not None:
                    self._kept[version] = _Kept(edition, time.monotonic())
                if self._newest in self._kept:
                    self._kept[self._newest].used = time.monotonic()
                self._newest, self._mark = version, mark
        self._forget()

    def _look_now(self) -> None:
        wait_s = self._look_s
        try:
            self.refresh()
            if not self._holds(self._newest):
                wait_s = max(self._look_s, _RETRY_S)
        except Exception as error:
            wait_s = max(self._look_s, _RETRY_S)
            _log.warning("the knowledge stays at %s: %s: %s", self._newest, type(error).__name__, error)
        finally:
            self._next_look = time.monotonic() + wait_s
            self._looking.release()

    def _holds(self, version: str) -> bool:
        kept = self._kept.get(version)
        return kept is not None and self._is_whole(kept.edition)

    def _mark_of_place(self) -> _Mark:
        folder = self._place.resolve()
        try:
            found = (folder / MANIFEST_FILE).stat()
        except OSError:
            return folder, 0, 0  # reading the manifest will say what is wrong
        return folder, found.st_ino, found.st_mtime_ns

    def _forget(self) -> None:
        with self._changing:
            others = sorted((kept.used, version) for version, kept in self._kept.items() if version != self._newest)
            end = time.monotonic() - self._keep_s
            for number, (used, version) in enumerate(others):
                if used < end or len(others) - number >= self._most:
                    del self._kept[version]
