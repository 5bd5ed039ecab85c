"""The Recall node: hybrid Lucene + FAISS look-up of at most `top_k` knowledge candidates per sentence."""

import logging
from collections.abc import Sequence
from pathlib import Path

from indexes.recall import HybridRecall, Recalled
from models.artifact import ArtifactError
from models.encoder import SentenceEncoder
from models.text.sentence import Sentence

_log = logging.getLogger(__name__)


class Recall:
    """Looks up candidates.

    Args:
        index: The index folder.
        encoder: The sentence encoder's artifact, the one the index was built with. If it cannot be read, Lucene
            answers alone and every answer says so.
        segmenter: Version of the text processor that cuts the sentences.
        top_k: Most candidates per sentence (paper section 5: 20).
        depth: Surfaces taken from each of the two indexes before fusion.
        device: `auto`, `cpu` or `cuda`.
    """

    def __init__(
        self, *, index: Path, encoder: Path, segmenter: str, top_k: int, depth: int, device: str = "auto"
    ) -> None:
        self._recall = HybridRecall.open(
            index,
            encoder=_encoder(encoder, segmenter, device),
            segmenter=segmenter,
            device=device,
            top_k=top_k,
            depth=depth,
        )
        self.version = self._recall.knowledge.manifest.version
        self.threshold = None  # fused scores only order, they are compared with nothing

    def many(self, items: Sequence[Sentence]) -> list[Recalled]:
        """One `Recalled` per sentence, in order."""
        return self._recall.recall(items)


def _encoder(folder: Path, segmenter: str, device: str) -> SentenceEncoder | None:
    try:
        return SentenceEncoder.load(folder, segmenter=segmenter, device=device)
    except ArtifactError as error:
        _log.warning("recall without the dense index: %s", error)
        return None
