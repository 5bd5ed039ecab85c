"""Versions of the index beside each other, and the pointer to the one in use.

The place where readers open the index (`artifacts/index`) is either a folder, as the first build leaves it, or a link
to a version beside it. A new version is built and tested while the old one is in use, then the link is replaced in one
step: whoever opens the place gets the old index or the new one, whole. Publishing and rollback call this.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from indexes.build import Encoder, Progress, Segmenter, build_index
from indexes.content.knowledge import KnowledgeEntry, KnowledgeStore
from indexes.errors import IndexUnavailableError
from indexes.knowledge_index import Manifest
from indexes.recall import HybridRecall

_VERSIONS = ".versions"


class IndexVersions:
    """The versions of one index.

    Args:
        place: where readers open the index.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._folder = place.with_name(place.name + _VERSIONS)

    @property
    def current(self) -> str:
        """The version in use.

        Raises:
            IndexUnavailableError: there is no index.
        """
        return Manifest.read(self._place).version

    def folder(self, version: str) -> Path:
        """Where a version lies."""
        return self._folder / version

    def build(
        self,
        knowledge: KnowledgeStore,
        *,
        segmenter: Segmenter,
        encoder: Encoder,
        progress: Progress | None = None,
    ) -> str:
        """Builds a version beside the one in use, which stays untouched; one that is whole is not built again.

        Returns:
            The new version's name.
        """
        in_use = Manifest.read(self._place)
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new.", dir=self._folder))
        try:
            manifest = build_index(
                fresh / "index",
                knowledge=knowledge,
                segmenter=segmenter,
                encoder=encoder,
                k1=in_use.k1,
                b=in_use.b,
                progress=progress,
            )
            target = self.folder(manifest.version)
            if target.exists():
                shutil.rmtree(target)
            os.replace(fresh / "index", target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return manifest.version

    def keep_current(self) -> str:
        """Makes the index in use a version like the others, if it is still a folder of its own.

        Returns:
            Its version.
        """
        version = self.current
        if not self._place.is_symlink() and not self.folder(version).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=".new.", dir=self._folder))
            shutil.copytree(self._place, beside / "index")
            os.replace(beside / "index", self.folder(version))
            beside.rmdir()
        return version

    def switch(self, version: str) -> None:
        """Points the place at a version.

        Raises:
            IndexUnavailableError: the version is not there, or not whole.
        """
        found = Manifest.read(self.folder(version)).version
        if found != version:
            raise IndexUnavailableError(f"{self.folder(version)}: holds version {found}; publish again")
        link = Path(tempfile.mkdtemp(prefix=f".{self._place.name}.", dir=self._place.parent))
        try:
            os.symlink(os.path.join(self._folder.name, version), link / "index", target_is_directory=True)
            if self._place.is_dir() and not self._place.is_symlink():
                # Only at the very first publish: a folder cannot be replaced by a link in one step.
                os.rename(self._place, link / "old")
            os.replace(link / "index", self._place)
        finally:
            shutil.rmtree(link, ignore_errors=True)

    def drop_all_but(self, versions: Sequence[str]) -> None:
        """Deletes every version that is not named."""
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in versions:
                shutil.rmtree(path, ignore_errors=True)


def unfound(recall: HybridRecall, entries: Sequence[KnowledgeEntry], segmenter: Segmenter) -> list[str]:
    """The sentences of `entries` that do not bring their own entry first; empty if the index is sound."""
    texts = [(entry.id, text) for entry in entries for text in entry.surfaces]
    found = recall.recall([segmenter.process(text) for _, text in texts])
    wrong = []
    for (entry_id, text), candidates in zip(texts, found, strict=True):
        first = recall.knowledge.entry_of(candidates.rows[0]).id if candidates.rows else "nothing"
        if first != entry_id:
            wrong.append(f"{entry_id}: {text!r} brings {first}")
    return wrong
