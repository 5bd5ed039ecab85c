"""The Rerank node: similarity of a sentence to its candidates by the trained matcher (PBmatch).

The knowledge side of every candidate is computed once, when the node starts; only the customer's side is
computed per request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexes.knowledge_index import KnowledgeIndex
from models.matcher import Matcher
from models.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Candidates:
    """A sentence with the index rows to compare it with; `index` is the version the rows belong to."""

    sentence: Sentence
    rows: tuple[int, ...]
    index: str


@dataclass(frozen=True, slots=True)
class Reranked:
    """Calibrated similarities in [0, 1], one per row in the order of `Candidates.rows`."""

    similarities: tuple[float, ...]
    threshold: float
    version: str


class Rerank:
    """Scores candidates.

    Args:
        folder: The matcher's artifact.
        index: The index folder whose surfaces are the candidates.
        segmenter: Version of the text processor that cuts the sentences.
        device: `auto`, `cpu` or `cuda`.
    """

    def __init__(self, *, folder: Path, index: Path, segmenter: str, device: str = "auto") -> None:
        self._matcher = Matcher.load(folder, device=device, segmenter=segmenter)
        self.threshold: float = self._matcher.threshold
        knowledge = KnowledgeIndex.open(index, segmenter=segmenter)
        self._index_version = knowledge.manifest.version
        self._texts = [sentence.text for sentence in knowledge.sentences]
        self._prepared = self._matcher.prepare(knowledge.sentences)
        self.version = self._matcher.version

    def many(self, items: Sequence[Candidates]) -> list[Reranked]:
        """One `Reranked` per item, in order.

        Raises:
            ValueError: rows of another index version.
        """
        for item in items:
            if item.index != self._index_version:
                raise ValueError(
                    f"candidates of index {item.index!r}, but this node holds {self._index_version!r}; "
                    "let both nodes load the same index"
                )
        width = max((len(item.rows) for item in items), default=0)
        rows = np.full((len(items), width), -1, dtype=np.int64)
        for line, item in zip(rows, items, strict=True):
            line[: len(item.rows)] = item.rows
        scores = self._matcher.score([item.sentence for item in items], self._prepared, rows)
        return [self._view(item, line.tolist()) for line, item in zip(scores, items, strict=True)]

    def _view(self, item: Candidates, scores: list[float]) -> Reranked:
        # A sentence that stands in the knowledge is that matter, whatever the network thinks of it.
        similarities = (
            1.0 if self._texts[row] == item.sentence.text else score
            for row, score in zip(item.rows, scores, strict=False)
        )
        return Reranked(tuple(similarities), self.threshold, self.version)
