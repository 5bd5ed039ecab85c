"""Clustering: a tree worked by hand, the same tree as SciPy's, known groups, determinism."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from indexes.mining.cluster import best_cut, cluster, medoids, resolution_of
from indexes.mining.tree import MergeTree, merge_tree

Vectors = NDArray[np.float32]


def unit(rows: object) -> Vectors:
    vectors = np.array(rows, np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def all_edges(n: int) -> NDArray[np.int64]:
    return np.array([(a, b) for a in range(n) for b in range(n)], np.int64)


def hand_made(merges: list[tuple[int, int, float]], n: int) -> MergeTree:
    """The tree in which nodes are joined two by two, with the height of each."""
    parents, sizes = np.full(n + len(merges), -1), np.ones(n + len(merges), np.int64)
    for node, (a, b, _) in enumerate(merges, start=n):
        parents[[a, b]], sizes[node] = node, sizes[a] + sizes[b]
    heights = np.array([0.0] * n + [height for *_, height in merges])
    return MergeTree(n, np.array([pair[:2] for pair in merges]), heights, parents, sizes)


def groups(centres: int, each: int, noise: float, seed: int = 0) -> tuple[Vectors, NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(centres), each)
    centre = generator.normal(size=(centres, 50))
    return unit(centre[labels] + noise * generator.normal(size=(len(labels), 50))), labels


def test_tree_worked_by_hand() -> None:
    # a and b: cosine 0.8; c with a: 0, with b: 0.6, on average 0.3; d is opposite to a: unrelated to all.
    vectors = unit([[1, 0], [0.8, 0.6], [0, 1], [-1, -1]])
    tree = merge_tree(vectors, all_edges(4))
    assert tree.children.tolist() == [[0, 1], [4, 2]]
    np.testing.assert_allclose(tree.heights, [0, 0, 0, 0, 0.2, 0.7], atol=1e-6)
    assert tree.parents.tolist() == [4, 4, 5, -1, 5, -1]
    assert tree.sizes.tolist() == [1, 1, 1, 1, 2, 3]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_with_all_neighbours_the_tree_is_average_linkage(seed: int, n: int) -> None:
    vectors = unit(np.abs(np.random.default_rng(seed).normal(size=(n, 6))) + 0.05)
    ours = merge_tree(vectors, all_edges(n)).heights[n:]
    theirs = linkage(vectors.astype(np.float64), "average", metric="cosine")[:, 2]
    np.testing.assert_allclose(np.sort(ours), np.sort(theirs), atol=1e-5)


def test_cut_worked_by_hand() -> None:
    # Two pairs of height 0.16, joined at 0.78: 4 * log(0.78 / 0.16) = 6.3 beats 4 * log(1.0 / 0.78) = 1.0.
    vectors = unit([[1, 0.3, 0], [1, -0.3, 0], [0.25, 0.3, 1], [0.25, -0.3, 1]])
    tree = merge_tree(vectors, all_edges(4))
    apart = best_cut(tree, 0.0)
    assert apart[0] == apart[1] != apart[2] == apart[3]
    assert len(set(best_cut(tree, 0.95).tolist())) == 1  # a resolution so coarse that all are the same


def test_branches_are_cut_where_clusters_last_longest() -> None:
    # A pair at 0.01 and a pair at 0.5, joined at 0.5: 2 log(0.5 / 0.01) + 0 = 7.8 beats 4 log(1 / 0.5) = 2.8. The sum
    # of silhouettes would join them: 2 (1 - 0.01 / 0.5) + 0 = 1.96 is less than 4 (1 - 0.5) = 2.
    tree = hand_made([(0, 1, 0.01), (2, 3, 0.5), (4, 5, 0.5)], n=4)
    assert len(set(best_cut(tree, 0.0)[:2].tolist())) == 1
    assert best_cut(tree, 0.0)[0] != best_cut(tree, 0.0)[2]


def test_a_repetition_does_not_outweigh_a_matter() -> None:
    # Two that are the same among ten at 0.3: 2 log(0.3 / 0.01) = 6.8 is less than 10 log(1 / 0.3) = 12.
    tree = hand_made([(0, 1, 0.0), *((8 + row, row, 0.3) for row in range(2, 10))], n=10)
    assert len(set(best_cut(tree, 0.0).tolist())) == 1


def test_resolution_worked_by_hand() -> None:
    # Ratios 0.1/0.4, 0.2/0.4, 0.4/0.8: median 0.5, and the median of 0.1, 0.2, 0.4 is 0.2.
    assert resolution_of(np.array([[0.1, 0.4], [0.2, 0.4], [0.4, 0.8]], np.float32)) == pytest.approx(0.2)
    assert resolution_of(np.zeros((3, 2), np.float32)) == 0.0


@pytest.mark.parametrize(("centres", "each", "noise"), [(30, 2, 0.1), (12, 10, 0.4), (4, 60, 0.6)])
def test_known_groups_are_found_whatever_their_size(centres: int, each: int, noise: float) -> None:
    vectors, truth = groups(centres, each, noise)
    labels = cluster(vectors).labels
    assert len({*zip(labels.tolist(), truth.tolist(), strict=True)}) == centres == len(set(labels.tolist()))


def test_the_same_vectors_give_the_same_clusters() -> None:
    vectors, _ = groups(40, 5, 0.9, seed=3)
    np.testing.assert_array_equal(cluster(vectors).labels, cluster(vectors.copy()).labels)


def test_no_one_or_silent_sentences() -> None:
    assert cluster(np.empty((0, 4), np.float32)).labels.tolist() == []
    assert cluster(unit([[1, 0]])).labels.tolist() == [0]
    silent = np.zeros((3, 4), np.float32)
    assert len(set(cluster(silent).labels.tolist())) == 3
    assert cluster(unit([[1, 0], [1, 0], [1, 0]])).labels.tolist() == [0, 0, 0]


def test_medoid_counts_how_often_a_sentence_was_said() -> None:
    vectors = unit([[1, 0], [0.8, 0.6], [0, 1], [0, 1]])
    labels = np.array([0, 0, 0, 1])
    assert medoids(vectors, labels, np.array([1, 1, 1, 1])).tolist() == [1, 3]
    assert medoids(vectors, labels, np.array([9, 1, 1, 1])).tolist() == [0, 3]
