"""The Recall node: hybrid Lucene + FAISS look-up of at most `top_k` knowledge candidates per sentence."""

import logging
from collections.abc import Sequence
from pathlib import Path

from deployments.messages import Query
from deployments.work import Failure, by_version
from indexes.recall import HybridRecall, Recalled
from indexes.shelf import Shelf
from models.artifact import ArtifactError, artifact_version
from models.encoder import SentenceEncoder

_log = logging.getLogger(__name__)


class Recall:
    """Looks up candidates in the edition of the knowledge that is asked for.

    Args:
        index: The index folder; a version that is published there is opened while this one answers.
        encoder: The sentence encoder's artifact, the one the index was built with. If it, or one of the two indexes,
            cannot be read, the other index answers alone and every answer says so; it is tried again now and then.
        segmenter: Version of the text processor that cuts the sentences.
        top_k: Most candidates per sentence (paper section 5: 20).
        depth: Surfaces taken from each of the two indexes before fusion.
        device: `auto`, `cpu` or `cuda`.
        compiled: Folder of compiled networks, where the encoder has its artifact's name; None for none.
    """

    def __init__(
        self,
        *,
        index: Path,
        encoder: Path,
        segmenter: str,
        top_k: int,
        depth: int,
        device: str = "auto",
        compiled: Path | None = None,
    ) -> None:
        prepared = _Encoders(encoder, segmenter, device, compiled)

        def open_edition(folder: Path) -> HybridRecall:
            own = prepared.get()
            return HybridRecall.open(folder, encoder=own, segmenter=segmenter, device=device, top_k=top_k, depth=depth)

        self._shelf = Shelf(index, open_edition, is_whole=lambda edition: not edition.degraded)
        self.threshold = None  # fused scores only order, they are compared with nothing

    @property
    def version(self) -> str:
        """Of the index in use."""
        return self._shelf.version

    def many(self, items: Sequence[Query]) -> list[Recalled | Failure]:
        """One `Recalled` per query, in order; a failure where the version is not held."""
        return by_version(items, self._shelf.get, lambda edition, own: edition.recall([i.sentence for i in own]))


class _Encoders:
    """The encoder, loaded anew only if its artifact is another one: editions of the knowledge share it."""

    def __init__(self, folder: Path, segmenter: str, device: str, compiled: Path | None) -> None:
        self._folder, self._segmenter, self._device, self._compiled = folder, segmenter, device, compiled
        self._loaded: SentenceEncoder | None = None

    def get(self) -> SentenceEncoder | None:
        """The present one; None, with a warning, if it cannot be read."""
        try:
            if self._loaded is None or self._loaded.version != artifact_version(self._folder):
                loaded = SentenceEncoder.load(self._folder, segmenter=self._segmenter, device=self._device)
                loaded.prepare_service(compiled=self._compiled, name=self._folder.name)
                self._loaded = loaded
        except ArtifactError as error:
            _log.warning("recall without the dense index: %s", error)
            return None
        return self._loaded
