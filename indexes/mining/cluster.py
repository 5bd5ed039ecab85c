"""Self-adapting clustering: which sentences ask the same, without being told how alike or how many.

The paper clusters customer questions with the "self-adapting clustering" of Song, Meng and Zheng, of which only the
abstract is in the open; this is our reading of the name. Everything is taken from the data:

1. Candidates are each sentence's nearest neighbours, and a tree of merges grows over them (`indexes.mining.tree`).
2. The resolution: distances below it do not tell sentences apart. It is a quantile of the distances to the nearest
   neighbour. Which one follows from how far nearest neighbours stand out from the eighth: where they do, as among
   duplicates, a small one; where they do not, as among questions of broad matters, a large one.
3. Every branch of the tree has its own threshold: of all ways to cut it, the one whose clusters last longest while
   the distance grows, each sentence counting: log(parent's height / own height). After the excess
   of mass of HDBSCAN (Campello, Moulavi and Sander, 2013), with ratios of distances instead of differences of
   densities, so that groups of duplicates and broad matters, ten times as wide, are held to the same rule.

Deterministic, without parameters to set; about n log n. `graph.mining` and the clustering evaluation call this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes.dense import nearest_neighbours
from indexes.mining.tree import UNRELATED, MergeTree, merge_tree

N_NEIGHBOURS = 15
_FAR_NEIGHBOUR = 8
_SAME = 0.01
"""A hundredth of the distance of unrelated sentences: nearer ones are the same, or a repetition would outweigh all."""


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Which cluster each sentence belongs to.

    Attributes:
        labels: int64 (n,), 0 ... k - 1, numbered by first appearance.
        resolution: the distance, 1 - cosine, below which sentences are not told apart.
    """

    labels: NDArray[np.int64]
    resolution: float


def cluster(vectors: NDArray[np.float32], *, n_neighbours: int = N_NEIGHBOURS) -> Clustering:
    """Clusters sentences.

    Args:
        vectors: float32 (n, width), each of length 1 or 0, centred: unrelated ones have cosine 0. A sentence with a
            zero vector stays alone.
        n_neighbours: how many neighbours of each are candidates, >= 1.
    """
    n = len(vectors)
    cosines, rows = nearest_neighbours(vectors, top_k=n_neighbours)
    if not cosines.size:
        return Clustering(np.arange(n), 0.0)
    edges = np.stack((np.repeat(np.arange(n), rows.shape[1]), rows.ravel()), axis=1)
    tree = merge_tree(vectors, edges[rows.ravel() >= 0])
    resolution = resolution_of(np.maximum(1.0 - cosines, 0.0))
    return Clustering(_numbered(best_cut(tree, resolution)), resolution)


def resolution_of(distances: NDArray[np.float32]) -> float:
    """The distance below which sentences are not told apart.

    Args:
        distances: float32 (n, k), to the nearest neighbours, ascending; n, k >= 1.

    Returns:
        The quantile of the first column at the median ratio of first to eighth column.
    """
    nearest, far = distances[:, 0], distances[:, min(_FAR_NEIGHBOUR, distances.shape[1]) - 1]
    ratios = nearest[far > 0] / far[far > 0]
    blur = float(np.median(ratios)) if len(ratios) else 0.0
    return float(np.quantile(nearest, min(blur, 1.0)))


def best_cut(tree: MergeTree, resolution: float) -> NDArray[np.int64]:
    """The cluster of each sentence, by the node that it is, under the cut whose clusters last longest."""
    heights = np.maximum(tree.heights, max(resolution, _SAME))
    above = np.where(tree.parents >= 0, heights[tree.parents], max(UNRELATED, resolution))
    scores = np.where(tree.sizes > 1, tree.sizes * np.log(above / heights), 0.0).tolist()
    whole = [True] * len(scores)
    for node, (a, b) in enumerate(tree.children.tolist(), start=tree.n):
        apart = scores[a] + scores[b]
        if apart > scores[node]:
            scores[node], whole[node] = apart, False
    cluster_of = list(range(len(scores)))
    for node in range(len(scores) - 1, -1, -1):
        parent = int(tree.parents[node])
        if parent >= 0 and whole[parent]:
            cluster_of[node], whole[node] = cluster_of[parent], True
    return np.array(cluster_of[: tree.n], np.int64)


def medoids(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], frequencies: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The row that stands for each cluster: of the largest similarity to all its sentences, each as often as said.

    Ties go to the more frequent, then to the earlier row.

    Returns:
        int64 (clusters,), in the order of the labels.
    """
    sums = np.zeros((int(labels.max(initial=-1)) + 1, vectors.shape[1]))
    np.add.at(sums, labels, vectors * frequencies[:, None])
    central = np.round(np.einsum("ij,ij->i", vectors.astype(np.float64), sums[labels]), 9)
    order = np.lexsort((np.arange(len(labels)), -frequencies, -central, labels))
    _, first = np.unique(labels[order], return_index=True)
    return order[first]


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[inverse]
