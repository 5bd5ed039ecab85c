"""The Rerank node: similarity of a sentence to its candidates by the trained matcher (PBmatch).

The knowledge side of every candidate is computed once, when the node starts or a version is published; only the
customer's side is computed per request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deployments.messages import Candidates, Reranked
from deployments.work import Failure, by_version
from indexes.knowledge_index import KnowledgeIndex
from indexes.shelf import Shelf
from models.matcher import Matcher, Prepared


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """One version of the knowledge as the matcher has read it."""

    texts: tuple[str, ...]
    prepared: Prepared


class Rerank:
    """Scores candidates in the edition of the knowledge that they belong to.

    Args:
        folder: The matcher's artifact.
        index: The index folder whose surfaces are the candidates; a version that is published there is read while
            this one answers.
        segmenter: Version of the text processor that cuts the sentences.
        device: `auto`, `cpu` or `cuda`.
        compiled: Folder of compiled networks; None for none.
    """

    def __init__(
        self, *, folder: Path, index: Path, segmenter: str, device: str = "auto", compiled: Path | None = None
    ) -> None:
        self._matcher = Matcher.load(folder, device=device, segmenter=segmenter)
        self._matcher.prepare_service(compiled=compiled)
        self._segmenter = segmenter
        self.threshold: float = self._matcher.threshold
        self._shelf = Shelf(index, self._read)

    @property
    def version(self) -> str:
        """Of the matcher."""
        self._shelf.look()
        return self._matcher.version

    def many(self, items: Sequence[Candidates]) -> list[Reranked | Failure]:
        """One `Reranked` per item, in order; a failure where the version is not held."""
        return by_version(items, self._shelf.get, self._score)

    def _read(self, folder: Path) -> _Read:
        sentences = KnowledgeIndex.open(folder, segmenter=self._segmenter).sentences
        return _Read(tuple(sentence.text for sentence in sentences), self._matcher.prepare_knowledge(sentences))

    def _score(self, edition: _Read, items: Sequence[Candidates]) -> list[Reranked]:
        width = max((len(item.rows) for item in items), default=0)
        rows = np.full((len(items), width), -1, dtype=np.int64)
        for line, item in zip(rows, items, strict=True):
            line[: len(item.rows)] = item.rows
        scores = self._matcher.score([item.sentence for item in items], edition.prepared, rows)
        return [self._view(edition, item, line.tolist()) for line, item in zip(scores, items, strict=True)]

    def _view(self, edition: _Read, item: Candidates, scores: list[float]) -> Reranked:
        # A sentence that stands in the knowledge is that matter, whatever the network thinks of it.
        similarities = (
            1.0 if edition.texts[row] == item.sentence.text else score
            for row, score in zip(item.rows, scores, strict=False)
        )
        return Reranked(tuple(similarities), self.threshold, self._matcher.version)
