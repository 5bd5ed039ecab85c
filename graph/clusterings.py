"""Clusterings beside each other on texts whose groups are known: ours, HDBSCAN, average linkage.

All get the same vectors, none is told anything of the groups: HDBSCAN with the smallest clusters it allows and its
noise as clusters of one, average linkage cut where the mean silhouette is largest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexes.content.source import ContentError
from indexes.mining.cluster import cluster
from indexes.mining.logs import read_columns

Labels = NDArray[np.int64]
Method = Callable[[NDArray[np.float32]], Labels]
_CUTS = np.arange(0.02, 1.0, 0.02)
_SILHOUETTE_SAMPLE = 4000
MAX_LINKED = 15_000
"""Average linkage holds the distances of all pairs; more sentences than this are not given to it."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well a clustering agrees with the known groups.

    Attributes:
        clusters: how many it found.
        ari: adjusted Rand index (Hubert and Arabie, 1985); 1 is perfect, 0 is chance.
        nmi: mutual information, divided by the mean of both entropies, in [0, 1].
        seconds: for clustering alone.
    """

    clusters: int
    ari: float
    nmi: float
    seconds: float


def read_groups(path: Path) -> tuple[list[str], list[str]]:
    """Distinct texts and the group of each.

    Args:
        path: a table with the columns `label` and `text`, or one with `text_a`, `text_b` and `label`, of which the
            pairs with label 1 mean the same: whatever they connect is a group.

    Raises:
        ContentError: other columns, or fewer than two groups.
    """
    rows = [cells for _, cells in read_columns(path, required=["label"])]
    if rows and "text" in rows[0]:
        groups = {row["text"]: row["label"] for row in rows}
    elif rows and "text_a" in rows[0] and "text_b" in rows[0]:
        groups = _connected([(row["text_a"], row["text_b"]) for row in rows if row["label"] == "1"])
    else:
        raise ContentError(f"{path}:1: columns: must be label and text, or text_a, text_b and label")
    if len(set(groups.values())) < 2:
        raise ContentError(f"{path}: {len(set(groups.values()))} groups; at least 2 are needed")
    return list(groups), list(groups.values())


def compare(vectors: NDArray[np.float32], groups: Sequence[str]) -> dict[str, Score]:
    """The score of each method on the same vectors, float32 (n, width), each of length 1."""
    methods: dict[str, Method] = {"self_adapting": _ours, "hdbscan": _hdbscan}
    if len(vectors) <= MAX_LINKED:
        methods["average_linkage"] = _average_linkage
    return {name: _score(method, vectors, groups) for name, method in methods.items()}


def _score(method: Method, vectors: NDArray[np.float32], groups: Sequence[str]) -> Score:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # noqa: PLC0415

    start = time.perf_counter()
    labels = method(vectors)
    seconds = time.perf_counter() - start
    ari, nmi = adjusted_rand_score(groups, labels), normalized_mutual_info_score(groups, labels)
    return Score(len(np.unique(labels)), float(ari), float(nmi), seconds)


def _ours(vectors: NDArray[np.float32]) -> Labels:
    return cluster(vectors).labels


def _hdbscan(vectors: NDArray[np.float32]) -> Labels:
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415

    labels = np.array(HDBSCAN(min_cluster_size=2, copy=True).fit_predict(vectors), np.int64)
    noise = labels < 0
    labels[noise] = labels.max(initial=-1) + 1 + np.arange(int(noise.sum()))
    return labels


def _average_linkage(vectors: NDArray[np.float32]) -> Labels:
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415
    from sklearn.metrics import silhouette_score  # noqa: PLC0415

    merges = linkage(vectors, "average", metric="cosine")
    sample = np.random.default_rng(0).permutation(len(vectors))[:_SILHOUETTE_SAMPLE]
    best, best_labels = -2.0, np.arange(len(vectors))
    for cut in _CUTS:
        labels = np.asarray(fcluster(merges, cut, "distance"), np.int64)
        if 1 < len(np.unique(labels[sample])) < len(sample):
            score = float(silhouette_score(vectors[sample], labels[sample], metric="cosine"))
            if score > best:
                best, best_labels = score, labels
    return best_labels


def _connected(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The group of each text, named by one of its texts."""
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while parents.setdefault(text, text) != text:
            parents[text] = parents[parents[text]]
            text = parents[text]
        return text

    for a, b in pairs:
        parents[root(a)] = root(b)
    return {text: root(text) for text in list(parents)}
