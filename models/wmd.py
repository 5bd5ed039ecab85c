"""Word Mover's Distance and its cheap bound WCD: baselines that `graph evaluate matching` prints beside WSM.

The relaxed distance (RWMD) with the same cost is WSM with equal weights and `sym="min"`, see
`models.unsupervised`. POT solves the transport problem and is imported only here.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.word_pairs import PairBlock, WordPairs

__all__ = ["WCD", "WMD"]


class WMD:
    """Word Mover's similarity 1 - WMD with the cost 1 - max(0, cos), exact (Kusner et al., ICML 2015).

    Solves the transport problem between the two normalised bags of words by network simplex; for evaluation only.
    """

    def __init__(
        self, embeddings: Embeddings, *, weights: Literal["idf", "none"] = "none", threshold: float = 0.73
    ) -> None:
        """Hold the vectors.

        Args:
            embeddings: vectors and inverse document frequencies.
            weights: mass of a word: "none" its count (the paper), "idf" times its inverse document frequency.
            threshold: the paper's 0.73 unless tuned.
        """
        self._embeddings, self._weights = embeddings, weights
        self.threshold = threshold

    def score(self, query: Sentence, candidates: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of a query to each candidate, float32 (k,) in [0, 1]; 0 for an empty text."""
        return self.score_pairs([query] * len(candidates), candidates)

    def score_pairs(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of left[i] and right[i], float32 (n,) in [0, 1]; 0 for an empty text."""
        pairs = WordPairs(self._embeddings, left, right, idf=self._weights == "idf")
        scores = np.zeros(len(pairs), dtype=np.float32)
        for block in pairs.blocks():
            scores[block.rows] = 1.0 - _transport_costs(block)
        return np.clip(scores, 0.0, 1.0)


class WCD:
    """Word centroid similarity 1 / (1 + WCD), WCD the distance of the mean unit vectors (Kusner et al., section 4)."""

    def __init__(self, embeddings: Embeddings, *, weights: Literal["idf", "none"] = "none") -> None:
        """Hold the vectors; weights: "none" the mean over words, "idf" by inverse document frequency."""
        self._embeddings, self._weights = embeddings, weights

    def score_pairs(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of left[i] and right[i], float32 (n,) in (0, 1]; 0 for an empty text."""
        pairs = WordPairs(self._embeddings, left, right, idf=self._weights == "idf")
        distances = np.linalg.norm(pairs.centroids(0) - pairs.centroids(1), axis=1)
        filled = [bool(a.words and b.words) for a, b in zip(left, right, strict=True)]
        return np.where(filled, 1.0 / (1.0 + distances), 0.0).astype(np.float32)


def _transport_costs(block: PairBlock) -> NDArray[np.float64]:
    """The cost of the best plan of every pair, float64 (b,). Equal words may stand apart: it is the same problem."""
    import ot  # noqa: PLC0415  (heavy, and needed by evaluation alone)

    costs = np.empty(len(block.rows))
    for place, (left, right, similarity) in enumerate(zip(block.left, block.right, block.similarity, strict=True)):
        n, m = int((left > 0).sum()), int((right > 0).sum())
        mass = [side.astype(np.float64) / side.sum(dtype=np.float64) for side in (left[:n], right[:m])]
        costs[place] = ot.emd2(*mass, 1.0 - similarity[:n, :m].astype(np.float64))
    return costs
