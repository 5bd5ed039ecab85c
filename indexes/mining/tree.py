"""A tree of merges over neighbouring sentences: average linkage at near-linear cost.

Average linkage joins the two clusters whose members are most similar on average. Cosines make that cheap: with
unit vectors the mean similarity of all pairs between two clusters is the inner product of their mean vectors, so
no distance matrix is needed. Only neighbours (`indexes.mining.neighbours`) are ever compared, and all pairs of
clusters that are each other's nearest are joined at once, which gives the tree of joining one pair after another
(Sumengen et al., 2021, "Scaling Hierarchical Agglomerative Clustering to Billion-sized Datasets", section 3).
Called by `indexes.mining.cluster`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNRELATED = 1.0
"""The distance, 1 - cosine, of two centred vectors that have nothing to do with each other."""


@dataclass(frozen=True, slots=True, eq=False)
class MergeTree:
    """Merges in order; nodes 0 ... n - 1 are the sentences, node n + i is the result of merge i.

    Attributes:
        n: sentences.
        children: int64 (merges, 2), the nodes that were joined.
        heights: float64 (n + merges,), mean distance between the two joined; 0 for a sentence; never below a child's.
        parents: int64 (n + merges,), -1 for a root.
        sizes: int64 (n + merges,), sentences below each node.
    """

    n: int
    children: NDArray[np.int64]
    heights: NDArray[np.float64]
    parents: NDArray[np.int64]
    sizes: NDArray[np.int64]


def merge_tree(vectors: NDArray[np.float32], edges: NDArray[np.int64]) -> MergeTree:
    """Joins what is nearest on average until only unrelated clusters are left.

    Args:
        vectors: float32 (n, width), each of length 1 or 0.
        edges: int64 (m, 2), pairs of neighbouring rows in any order.

    Returns:
        The tree, or several: rows without a path of related neighbours have different roots.
    """
    clusters = _Clusters(vectors)
    pairs = _distinct(edges, len(vectors))
    similarities = clusters.similarities(pairs)
    while True:
        related = similarities > 1.0 - UNRELATED
        pairs, similarities = pairs[related], similarities[related]
        if not len(pairs):
            return clusters.tree()
        joined = _reciprocal(pairs, similarities, len(vectors))
        clusters.join(pairs[joined], similarities[joined])
        pairs, similarities = _relabelled(clusters, pairs, similarities, joined)


class _Clusters:
    """The clusters so far: each lives in the row of its first sentence."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._n = len(vectors)
        self._sums = vectors.astype(np.float32, copy=True)
        self._sizes = np.ones(self._n, np.int64)
        self._nodes = np.arange(self._n)
        self._children: list[NDArray[np.int64]] = []
        self._heights = [np.zeros(self._n)]
        self._node_sizes = [np.ones(self._n, np.int64)]
        self._node_heights = np.zeros(self._n)
        self._n_nodes = self._n

    def similarities(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean cosine between the members of each pair of clusters; in blocks, to bound the memory."""
        found = np.empty(len(pairs))
        for start in range(0, len(pairs), 100_000):
            a, b = pairs[start : start + 100_000].T
            products = np.einsum("ij,ij->i", self._sums[a], self._sums[b]).astype(np.float64)
            found[start : start + 100_000] = products / (self._sizes[a] * self._sizes[b])
        return found

    def join(self, pairs: NDArray[np.int64], similarities: NDArray[np.float64]) -> None:
        """Joins disjoint pairs; each result lives on in the first row."""
        a, b = pairs.T
        heights = np.maximum(1.0 - similarities, np.maximum(self._node_heights[a], self._node_heights[b]))
        heights = np.maximum(heights, 0.0)
        self._children.append(np.stack((self._nodes[a], self._nodes[b]), axis=1))
        self._sums[a] += self._sums[b]
        self._sizes[a] += self._sizes[b]
        self._nodes[a] = np.arange(self._n_nodes, self._n_nodes + len(pairs))
        self._node_heights[a] = heights
        self._n_nodes += len(pairs)
        self._heights.append(heights)
        self._node_sizes.append(self._sizes[a].copy())

    def tree(self) -> MergeTree:
        """What was joined."""
        children = np.concatenate(self._children) if self._children else np.empty((0, 2), np.int64)
        parents = np.full(self._n_nodes, -1, np.int64)
        parents[children] = np.arange(self._n, self._n_nodes)[:, None]
        return MergeTree(self._n, children, np.concatenate(self._heights), parents, np.concatenate(self._node_sizes))


def _distinct(edges: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Each pair once, smaller row first, without loops."""
    low, high = edges.min(axis=1), edges.max(axis=1)
    keys = np.unique((low * n + high)[low != high])
    return np.stack((keys // n, keys % n), axis=1)


def _reciprocal(pairs: NDArray[np.int64], similarities: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Which pairs are the best of both their clusters; ties go to the smaller rows, so the answer is unique."""
    order = np.argsort(-similarities, kind="stable")  # pairs are sorted, hence stable means by row
    ranks = np.empty(len(pairs), np.int64)
    ranks[order] = np.arange(len(pairs))
    best = np.full(n, len(pairs), np.int64)
    np.minimum.at(best, pairs[:, 0], ranks)
    np.minimum.at(best, pairs[:, 1], ranks)
    chosen: NDArray[np.bool_] = (best[pairs[:, 0]] == ranks) & (best[pairs[:, 1]] == ranks)
    return chosen


def _relabelled(
    clusters: _Clusters, pairs: NDArray[np.int64], similarities: NDArray[np.float64], joined: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The pairs that are left, between the clusters as they are now, with their similarities."""
    n = len(clusters._sizes)
    moved = np.arange(n)
    moved[pairs[joined, 1]] = pairs[joined, 0]
    changed = np.zeros(n, np.bool_)
    changed[pairs[joined].ravel()] = True
    touched = changed[pairs].any(axis=1)
    fresh = _distinct(moved[pairs[touched]], n)
    kept = pairs[~touched]
    both = np.concatenate((kept, fresh))
    values = np.concatenate((similarities[~touched], clusters.similarities(fresh)))
    order = np.argsort(both[:, 0] * n + both[:, 1])
    return both[order], values[order]
