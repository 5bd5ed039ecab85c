"""Recall: the few entries of the knowledge that a customer's sentence may mean.

A sentence is looked up lexically (BM25) and semantically (dense vectors); both lists are reduced to one
surface per entry and fused. The reranker then decides. If one of the two indexes is missing, damaged or
failing, the other answers alone and every answer says so. The recall node calls this with batches, from a
worker thread.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexes.build import Encoder
from indexes.dense import DenseIndex
from indexes.errors import IndexUnavailableError
from indexes.fuse import reciprocal_rank_fusion, union_filled
from indexes.knowledge_index import DENSE_FOLDER, LUCENE_FOLDER, KnowledgeIndex
from indexes.lucene import LuceneIndex
from indexes.terms import lexical_terms
from models.text.sentence import Sentence

LEXICAL = "lucene"
DENSE = "dense"
"""How the two indexes are named in `Recalled.degraded`."""

_log = logging.getLogger(__name__)
_Hits = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Recalled:
    """The candidates for one sentence, from best to worst.

    Attributes:
        rows: one surface per entry, at most `top_k`.
        bm25: BM25 score of each row, None where the lexical list did not hold it.
        dense: cosine of each row, None where the dense list did not hold it.
        fused: reciprocal-rank-fusion score of each row's entry; for ordering only.
        degraded: the indexes that gave no answer, "lucene" or "dense" or both.
    """

    rows: tuple[int, ...]
    bm25: tuple[float | None, ...]
    dense: tuple[float | None, ...]
    fused: tuple[float, ...]
    degraded: tuple[str, ...]


class HybridRecall:
    """Both indexes over one knowledge index. Safe to call from several threads at once.

    Args:
        knowledge: the surfaces and entries.
        lucene: the lexical index; None if it could not be opened.
        dense: the dense index; None if it could not be opened.
        encoder: makes the vectors for `dense`; None if there is none.
        top_k: at most so many entries per sentence, >= 1 (the paper recalls 20).
        depth: how many rows are read from each index, >= top_k; more than `top_k`, as an entry has several
            surfaces.
    """

    def __init__(
        self,
        *,
        knowledge: KnowledgeIndex,
        lucene: LuceneIndex | None,
        dense: DenseIndex | None,
        encoder: Encoder | None,
        top_k: int = 20,
        depth: int = 50,
    ) -> None:
        if not 1 <= top_k <= depth:
            raise ValueError(f"top_k={top_k}, depth={depth}: must be 1 <= top_k <= depth")
        if lucene is None and (dense is None or encoder is None):
            raise IndexUnavailableError("neither the Lucene nor the dense index can be used; build the index again")
        self.knowledge = knowledge
        self._lucene = lucene
        self._dense = None if encoder is None else dense
        self._encoder = encoder
        self._top_k = top_k
        self._depth = depth
        self._entry_of_row = [surface.entry for surface in knowledge.surfaces]

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        encoder: Encoder | None,
        segmenter: str,
        knowledge: str | None = None,
        device: str = "auto",
        top_k: int = 20,
        depth: int = 50,
    ) -> HybridRecall:
        """Opens an index folder, with one index alone if the other cannot be used.

        Args:
            folder: what `build_index` wrote.
            encoder: the encoder in use; None to do without the dense index.
            segmenter: version of the text processor in use.
            knowledge: digest of the knowledge it must have been built from; None for any.
            device: of the dense index: "auto", "cpu" or "cuda".
            top_k: as for the class.
            depth: as for the class.

        Raises:
            IndexMismatchError: built with another segmenter or encoder, or from other knowledge.
            IndexUnavailableError: the surfaces, or both indexes, cannot be read.
        """
        version = None if encoder is None else encoder.version
        index = KnowledgeIndex.open(folder, segmenter=segmenter, encoder=version, knowledge=knowledge)
        return cls(
            knowledge=index,
            lucene=_open_lucene(folder, index),
            dense=None if encoder is None else _open_dense(folder, index, device),
            encoder=encoder,
            top_k=top_k,
            depth=depth,
        )

    @property
    def degraded(self) -> tuple[str, ...]:
        """The indexes that could not be opened and will not answer."""
        missing = ((LEXICAL, self._lucene), (DENSE, self._dense))
        return tuple(name for name, index in missing if index is None)

    def recall(
        self, sentences: Sequence[Sentence], *, exclude: Sequence[Collection[int]] | None = None
    ) -> list[Recalled]:
        """The candidates for each sentence, in order.

        Args:
            sentences: any number; one without known tokens has no candidates.
            exclude: rows that must not be candidates, for each sentence; used where a surface is its own
                question.

        Raises:
            ValueError: `exclude` of another length than `sentences`.
            IndexUnavailableError: both indexes failed.
        """
        if not sentences:
            return []
        hidden = [frozenset[int]()] * len(sentences) if exclude is None else [frozenset(rows) for rows in exclude]
        if len(hidden) != len(sentences):
            raise ValueError(f"{len(hidden)} sets of excluded rows for {len(sentences)} sentences: must be as many")
        depth = self._depth + max(len(rows) for rows in hidden)
        lexical, dense = self._search_lucene(sentences, depth), self._search_dense(sentences, depth)
        if lexical is None and dense is None:
            raise IndexUnavailableError("both the Lucene and the dense index failed; build the index again")
        names = ((LEXICAL, lexical), (DENSE, dense))
        degraded = tuple(name for name, hits in names if hits is None)
        nothing: list[_Hits] = [[] for _ in sentences]
        lists = zip(lexical or nothing, dense or nothing, hidden, strict=True)
        return [self._fuse(_without(a, rows), _without(b, rows), degraded) for a, b, rows in lists]

    def _search_lucene(self, sentences: Sequence[Sentence], depth: int) -> list[_Hits] | None:
        if self._lucene is None:
            return None
        try:
            return [self._lucene.search(lexical_terms(sentence), top_k=depth) for sentence in sentences]
        except IndexUnavailableError as error:
            _log.warning("recall without the Lucene index: %s", error)
            return None

    def _search_dense(self, sentences: Sequence[Sentence], depth: int) -> list[_Hits] | None:
        if self._dense is None or self._encoder is None:
            return None
        try:
            vectors = self._encoder.encode(sentences)
            scores, rows = self._dense.search(vectors, top_k=depth)
        except (IndexUnavailableError, RuntimeError, ValueError) as error:
            _log.warning("recall without the dense index: %s", error)
            return None
        # A zero vector (no known token) is equally near to everything: no evidence for any row.
        known = np.abs(vectors).max(axis=1) > 0
        lists = zip(known.tolist(), rows.tolist(), scores.tolist(), strict=True)
        return [_found(own, score) if some else [] for some, own, score in lists]

    def _fuse(self, lexical: _Hits, dense: _Hits, degraded: tuple[str, ...]) -> Recalled:
        row_rankings = [[row for row, _ in lexical], [row for row, _ in dense]]
        best_row: dict[int, int] = {}
        for row, _ in reciprocal_rank_fusion(row_rankings):
            best_row.setdefault(self._entry_of_row[row], row)
        rankings = [list(dict.fromkeys(self._entry_of_row[row] for row in rows)) for rows in row_rankings]
        fused = union_filled(rankings, top_k=self._top_k)
        bm25, cosine = dict(lexical), dict(dense)
        rows = tuple(best_row[entry] for entry, _ in fused)
        return Recalled(
            rows=rows,
            bm25=tuple(bm25.get(row) for row in rows),
            dense=tuple(cosine.get(row) for row in rows),
            fused=tuple(score for _, score in fused),
            degraded=degraded,
        )


def _found(rows: list[int], scores: list[float]) -> _Hits:
    """Hits in order; an inexact index that found too few fills up with row -1."""
    return [(row, score) for row, score in zip(rows, scores, strict=True) if row >= 0]


def _without(hits: _Hits, rows: frozenset[int]) -> _Hits:
    return [hit for hit in hits if hit[0] not in rows] if rows else hits


def _open_lucene(folder: Path, index: KnowledgeIndex) -> LuceneIndex | None:
    manifest = index.manifest
    try:
        manifest.verify(folder, LUCENE_FOLDER)
        return LuceneIndex.open(folder / LUCENE_FOLDER, k1=manifest.k1, b=manifest.b)
    except IndexUnavailableError as error:
        _log.warning("recall without the Lucene index: %s", error)
        return None


def _open_dense(folder: Path, index: KnowledgeIndex, device: str) -> DenseIndex | None:
    try:
        index.manifest.verify(folder, DENSE_FOLDER)
        return DenseIndex.open(folder / DENSE_FOLDER, device=device)
    except IndexUnavailableError as error:
        _log.warning("recall without the dense index: %s", error)
        return None
