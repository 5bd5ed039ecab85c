"""WMD, the exact Word Mover's similarity: a baseline that `graph evaluate matching` prints beside WSM."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.unsupervised import word_similarity

__all__ = ["WMD"]


class WMD:
    """Word Mover's similarity 1 - WMD with the cost 1 - max(0, cos), exact (Kusner et al., ICML 2015).

    Solves the transport problem between the two normalised bags of words by linear programming; milliseconds
    a pair, so it is for evaluation only.
    """

    def __init__(self, embeddings: Embeddings, *, threshold: float = 0.73) -> None:
        """Hold the vectors; the threshold is the paper's 0.73 unless tuned."""
        self._embeddings = embeddings
        self.threshold = threshold

    def score(self, query: Sentence, candidates: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of a query to each candidate, float32 (k,) in [0, 1]; 0 for an empty text."""
        return np.array([self._pair(query, candidate) for candidate in candidates], dtype=np.float32)

    def _pair(self, left: Sentence, right: Sentence) -> float:
        if not left.words or not right.words:
            return 0.0
        left_words, left_counts = np.unique(left.words, return_counts=True)
        right_words, right_counts = np.unique(right.words, return_counts=True)
        similarity = word_similarity(self._embeddings, left_words.tolist(), right_words.tolist())
        n, m = similarity.shape
        rows = np.kron(np.eye(n), np.ones(m))
        columns = np.kron(np.ones(n), np.eye(m))
        marginals = np.concatenate((left_counts / left_counts.sum(), right_counts / right_counts.sum()))
        # The last equation follows from the others; leaving it out keeps rounding from making them
        # infeasible.
        plan = linprog(
            1.0 - similarity.astype(np.float64).ravel(),
            A_eq=np.vstack((rows, columns))[:-1],
            b_eq=marginals[:-1],
            method="highs",
        )
        return float(np.clip(1.0 - plan.fun, 0.0, 1.0))
