"""Many pairs of short texts, word against word, in blocks: what WSM, WMD and WCD compute over whole files.

One pair at a time spends its time in calls, not in sums. Here the distinct words of all texts get one table of
vectors, pairs of similar length are padded to one block, and a block costs one batched matrix product. numpy
only. Called by `models.unsupervised` and `models.wmd`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from models.embeddings import Embeddings
from models.text.ragged import Ragged, bucketed
from models.text.sentence import Sentence
from models.text.vocabulary import PAD

__all__ = ["PairBlock", "WordPairs"]

_BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class PairBlock:
    """Some pairs, padded.

    Attributes:
        rows: int64 (b,), which pairs.
        similarity: float32 (b, n, m), s of every pair of words: 1 if equal, else max(0, cos); of padding with padding,
            whose weights are 0, it is 1, with a word 0.
        left: float32 (b, n), weight of every word; 0 where padded.
        right: float32 (b, m), likewise.
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float32]
    left: NDArray[np.float32]
    right: NDArray[np.float32]


class WordPairs:
    """Pairs of sentences over one table of their distinct words."""

    def __init__(
        self, embeddings: Embeddings, left: Sequence[Sentence], right: Sequence[Sentence], *, idf: bool
    ) -> None:
        """Number the words.

        Args:
            embeddings: vectors and inverse document frequencies.
            left: one sentence of every pair.
            right: the other, as many.
            idf: weigh words by inverse document frequency; else every word counts once.

        Raises:
            ValueError: not as many left as right.
        """
        if len(left) != len(right):
            raise ValueError(f"{len(left)} left and {len(right)} right sentences must be as many: give pairs")
        texts = [[sentence.words for sentence in side] for side in (left, right)]
        keys: defaultdict[str, int] = defaultdict(count(PAD + 1).__next__)  # a word gets its number when it is met
        self._sides = [_numbered(side, keys) for side in texts]
        words = list(keys)
        vectors, weights = embeddings.weighed(words)
        self._vectors = np.concatenate((np.zeros((1, embeddings.width), dtype=np.float32), vectors))
        self._weights = np.concatenate((np.zeros(1, dtype=np.float32), weights if idf else np.ones_like(weights)))

    def __len__(self) -> int:
        return len(self._sides[0])

    def blocks(self) -> Iterator[PairBlock]:
        """All pairs with words on both sides, in blocks of similar length; the others are in no block."""
        lengths = [side.lengths for side in self._sides]
        filled = np.flatnonzero((lengths[0] > 0) & (lengths[1] > 0))
        for places in bucketed((lengths[0] + lengths[1])[filled], batch_size=_BATCH):
            rows = filled[places]
            left, right = (side.padded(rows) for side in self._sides)
            similarity = self._vectors[left] @ self._vectors[right].transpose(0, 2, 1)
            np.clip(similarity, 0.0, 1.0, out=similarity)
            np.copyto(similarity, 1.0, where=left[:, :, None] == right[:, None, :])
            yield PairBlock(rows, similarity, self._weights[left], self._weights[right])

    def centroids(self, side: int) -> NDArray[np.float32]:
        """Weighted mean of the unit vectors of each left (0) or right (1) sentence, float32 (n, width)."""
        keys = self._sides[side]
        means = np.zeros((len(keys), self._vectors.shape[1]), dtype=np.float32)
        for rows in bucketed(keys.lengths, batch_size=_BATCH):
            padded = keys.padded(rows)
            weights = self._weights[padded]
            sums = (weights[:, None, :] @ self._vectors[padded])[:, 0]
            means[rows] = sums / np.maximum(weights.sum(axis=1), 1e-8)[:, None]
        return means


def _numbered(texts: Sequence[Sequence[str]], keys: Mapping[str, int]) -> Ragged:
    """The words of texts by key; a loop in Python would take longer than comparing them."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    values = np.fromiter(map(keys.__getitem__, chain.from_iterable(texts)), np.int64, int(lengths.sum()))
    return Ragged(values, np.cumsum(lengths, dtype=np.int64) - lengths, lengths)
