"""WSM, the similarity of short texts that needs no training: the understudy of the reranker.

Word Similarity Maximization (Song, Chen, Shi, IALP 2017) drops one marginal of the Word Mover's transport
problem and maximises similarity instead of minimising distance. The paper gives no formula in the open; this
is our reading. numpy only, so the composer can run it without torch when the Rerank node is late.
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.artifact import ArtifactError, load_artifact, save_artifact
from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.word_pairs import WordPairs

__all__ = ["WSM", "word_similarity"]

KIND = "wsm"


class WSM:
    """Word Similarity Maximization.

    With s(a, b) = 1 for equal words, otherwise max(0, cos(a, b)), and word weights w:

        S(A -> B) = sum_i w_i max_j s(a_i, b_j) / sum_i w_i
        mean: (S(A -> B) + S(B -> A)) / 2        min: the smaller of the two
        len:  (sum_i w_i max_j s + sum_j w_j max_i s) / (sum_i w_i + sum_j w_j)

    Symmetric, 1 for a text with itself, independent of word order, in [0, 1]; 0 if a text has no words. With
    `sym="min"` and equal weights it is 1 - RWMD with the cost 1 - s (Kusner et al. 2015, section 4).

    Attributes:
        threshold: a candidate scoring above it is taken for the same matter; in [0, 1].
    """

    def __init__(
        self,
        embeddings: Embeddings,
        *,
        weights: Literal["idf", "none"] = "idf",
        sym: Literal["mean", "min", "len"] = "mean",
        threshold: float = 0.75,
    ) -> None:
        """Choose the variant.

        Args:
            embeddings: vectors and inverse document frequencies.
            weights: "idf" counts rare words more, "none" counts every word once.
            sym: how the two directions become one number.
            threshold: the paper's 0.75 unless tuned.
        """
        self._embeddings = embeddings
        self._weights = weights
        self._sym = sym
        self.threshold = threshold

    def score(self, query: Sentence, candidates: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of a query to each candidate.

        All candidates are compared in one matrix product; cost O(|query| x sum of |candidate| x width).

        Returns:
            float32 (len(candidates),) in [0, 1].
        """
        scores = np.zeros(len(candidates), dtype=np.float32)
        filled = [row for row, candidate in enumerate(candidates) if candidate.words]
        if not query.words or not filled:
            return scores
        lengths = np.array([len(candidates[row].words) for row in filled])
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        tokens = [word for row in filled for word in candidates[row].words]
        similarity = self._similarity(query.words, tokens)
        query_weights, token_weights = self._word_weights(query.words), self._word_weights(tokens)
        forward = query_weights @ np.maximum.reduceat(similarity, starts, axis=1)
        backward = np.add.reduceat(similarity.max(axis=0) * token_weights, starts)
        scores[filled] = self._combine(
            forward, backward, float(query_weights.sum()), np.add.reduceat(token_weights, starts)
        )
        return scores

    def score_pairs(self, left: Sequence[Sentence], right: Sequence[Sentence]) -> NDArray[np.float32]:
        """Similarity of left[i] and right[i], float32 (n,) in [0, 1]; many pairs at once."""
        pairs = WordPairs(self._embeddings, left, right, idf=self._weights == "idf")
        scores = np.zeros(len(pairs), dtype=np.float32)
        for block in pairs.blocks():
            # Slice by slice: numpy's own maximum over so short an axis takes ten times as long.
            forward = (reduce(np.maximum, block.similarity.transpose(2, 0, 1)) * block.left).sum(axis=1)
            backward = (reduce(np.maximum, block.similarity.transpose(1, 0, 2)) * block.right).sum(axis=1)
            scores[block.rows] = self._combine(forward, backward, block.left.sum(axis=1), block.right.sum(axis=1))
        return scores

    def save(self, folder: Path, *, data_digest: str = "") -> str:
        """Store variant and threshold as an artifact of kind "wsm"; the vectors are an artifact of their own.

        Returns:
            Its version.
        """
        return save_artifact(
            folder,
            kind=KIND,
            config={
                "weights": self._weights,
                "sym": self._sym,
                "threshold": self.threshold,
                "embeddings": self._embeddings.version,
            },
            segmenter=self._embeddings.segmenter,
            data_digest=data_digest,
            tensors={},
            vocabularies={},
        )

    @classmethod
    def load(cls, folder: Path, embeddings: Embeddings) -> "WSM":
        """Read what `save` wrote.

        Raises:
            ArtifactError: the artifact is refused, or its threshold was tuned with other vectors.
        """
        config = load_artifact(folder, kind=KIND, segmenter=embeddings.segmenter).config
        if config["embeddings"] != embeddings.version:
            raise ArtifactError(
                f"{folder} was tuned with embeddings {config['embeddings']}, "
                f"these are {embeddings.version}: tune it again"
            )
        return cls(embeddings, weights=config["weights"], sym=config["sym"], threshold=config["threshold"])

    def _combine(
        self,
        forward: NDArray[np.float32],
        backward: NDArray[np.float32],
        query_weight: float | NDArray[np.float32],
        candidate_weights: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        if self._sym == "len":
            combined = (forward + backward) / (query_weight + candidate_weights)
        else:
            there, back = forward / query_weight, backward / candidate_weights
            combined = np.minimum(there, back) if self._sym == "min" else (there + back) / 2
        clipped: NDArray[np.float32] = np.clip(combined, 0.0, 1.0)
        return clipped

    def _similarity(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        return word_similarity(self._embeddings, left, right)

    def _word_weights(self, words: Sequence[str]) -> NDArray[np.float32]:
        if self._weights == "none":
            return np.ones(len(words), dtype=np.float32)
        return self._embeddings.weights(words)


def word_similarity(embeddings: Embeddings, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
    """s(a, b) of every pair of words: 1 if equal, else max(0, cos); float32 (len(left), len(right))."""
    cosine = embeddings.unit_vectors(left) @ embeddings.unit_vectors(right).T
    equal = np.array(left, dtype=object)[:, None] == np.array(right, dtype=object)[None, :]
    similarity: NDArray[np.float32] = np.where(equal, np.float32(1.0), np.clip(cosine, 0.0, 1.0))
    return similarity
