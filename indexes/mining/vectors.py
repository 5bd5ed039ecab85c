"""Vectors of sentences for mining: made from word vectors alone, without a trained encoder.

A log is about matters that nothing was trained for, so what a sentence means is taken from its words: their mean,
rare words counting more, and the mean of its characters, which survives typos; what all sentences have in common is
subtracted (Arora, Liang and Ma, ICLR 2017, "A simple but tough-to-beat baseline for sentence embeddings", remove a
common component likewise). `graph.mining` and the clustering evaluation call this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.embeddings import Embeddings
from models.text.sentence import Sentence
from models.text.vocabulary import UNK

CHAR_SHARE = 0.3
"""How much the characters count beside the words."""


def sentence_vectors(
    embeddings: Embeddings, sentences: Sequence[Sentence], *, background: Sequence[Sentence] = ()
) -> NDArray[np.float32]:
    """A vector for each sentence; their inner products are cosines, 0 for unrelated sentences.

    Args:
        embeddings: of words and characters.
        sentences: any number.
        background: more sentences of the trade. What these and `sentences` have in common is subtracted; without
            them a log in which everybody says the same would seem to be about nothing.

    Returns:
        float32 (len(sentences), width), each of length 1; 0 for a sentence without known words and characters.
    """
    everything = [*sentences, *background]
    if not everything:
        return np.empty((0, embeddings.width), np.float32)
    blended = (1.0 - CHAR_SHARE) * _words(embeddings, everything) + CHAR_SHARE * _chars(embeddings, everything)
    known = np.abs(blended).max(axis=1) > 0
    centre = blended[known].mean(axis=0) if known.sum() > 1 else 0.0
    centred = np.where(known[:, None], _unit(blended) - centre, 0.0)
    return _unit(centred[: len(sentences)])


def _words(embeddings: Embeddings, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
    rows, columns, tokens = _places([sentence.words for sentence in sentences])
    weights = embeddings.weights(tokens)[columns] if tokens else np.empty(0, np.float32)
    return _means(rows, columns, weights, len(sentences), embeddings.unit_vectors(tokens))


def _chars(embeddings: Embeddings, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
    rows, columns, tokens = _places([sentence.chars for sentence in sentences])
    vectors = _unit(embeddings.char_vectors[embeddings.chars.encode(tokens)])
    vectors[[token not in embeddings.chars for token in tokens]] = embeddings.char_vectors[UNK]
    return _means(rows, columns, np.ones(len(rows), np.float32), len(sentences), vectors)


def _places(token_lists: Sequence[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """For every token its sentence and its number among the distinct tokens, and these."""
    numbers: dict[str, int] = {}
    columns = [numbers.setdefault(token, len(numbers)) for tokens in token_lists for token in tokens]
    rows = np.repeat(np.arange(len(token_lists)), [len(tokens) for tokens in token_lists])
    return rows, np.array(columns, np.int64), list(numbers)


def _means(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    n: int,
    vectors: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The weighted sum of each sentence's vectors, scaled to length 1."""
    if not len(vectors):
        return np.zeros((n, vectors.shape[1]), np.float32)
    counts = csr_matrix((weights, (rows, columns)), shape=(n, len(vectors)), dtype=np.float32)
    return _unit(np.asarray(counts @ vectors, np.float32))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
    return unit.astype(np.float32)
