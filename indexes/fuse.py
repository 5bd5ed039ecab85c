"""Fusing ranked lists of rows, as pure functions.

A fused score orders candidates and means nothing else: it is never compared with a threshold. Recall fuses
its lexical and its dense list with these; the evaluation of recall compares the ways.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

RRF_K = 60
"""The constant of Cormack et al."""


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], *, k: int = RRF_K) -> list[tuple[int, float]]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

    score(row) = sum over the rankings of 1 / (k + rank), rank 1-based, 0 where the row is absent.

    Args:
        rankings: each a list of distinct rows from best to worst.
        k: damps the advantage of the first ranks, >= 0.

    Returns:
        (row, score) from best to worst, equal scores by row.

    Raises:
        ValueError: `k` is negative, or a ranking names a row twice.
    """
    if k < 0:
        raise ValueError(f"k={k}: must be at least 0")
    parts = [1.0 / (k + rank) for rank in range(1, 1 + max(map(len, rankings), default=0))]
    scores: dict[int, float] = {}
    several: dict[int, list[float]] = {}
    for ranking in rankings:
        if len(set(ranking)) != len(ranking):
            raise ValueError(f"ranking {list(ranking)}: names a row twice; keep its first place only")
        for row, part in zip(ranking, parts, strict=False):
            if row in scores:
                several.setdefault(row, [scores[row]]).append(part)
            else:
                scores[row] = part
    # fsum: the same score for the same ranks, whatever the order of the rankings; so ties are really ties.
    return _ordered(scores | {row: math.fsum(own) for row, own in several.items()})


def union_filled(rankings: Sequence[Sequence[int]], *, top_k: int, k: int = RRF_K) -> list[tuple[int, float]]:
    """The heads of all rankings together, filled up to `top_k` rows from the order of reciprocal rank fusion.

    Every ranking is sure of the places of its first `top_k // len(rankings)` rows, so that what only one of
    them finds reaches the reranker; the remaining places go to the best fused rows.

    Args:
        rankings: each a list of distinct rows from best to worst.
        top_k: at most so many rows, >= 1.
        k: as in `reciprocal_rank_fusion`.

    Returns:
        (row, fused score) from best to worst, equal scores by row.

    Raises:
        ValueError: as in `reciprocal_rank_fusion`, or `top_k` is below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k={top_k}: must be at least 1")
    fused = reciprocal_rank_fusion(rankings, k=k)
    share = top_k // max(1, sum(1 for ranking in rankings if ranking))
    sure = {row for ranking in rankings for row in ranking[:share]}
    fill = [row for row, _ in fused if row not in sure][: top_k - len(sure)]
    kept = sure | set(fill)
    return [(row, score) for row, score in fused if row in kept]


def convex_combination(
    dense: Mapping[int, float], bm25: Mapping[int, float], *, alpha: float
) -> list[tuple[int, float]]:
    """Convex combination of two scaled scores (Bruch, Gai and Ingber, 2023, arXiv 2210.11934).

    score(row) = alpha * phi(dense) + (1 - alpha) * phi(bm25).

    phi is their theoretical min-max scaling: the smallest possible value (-1 for a cosine, 0 for BM25)
    becomes 0 and the largest of the list becomes 1. A row absent from one list has 0 there.

    Args:
        dense: row -> cosine.
        bm25: row -> BM25 score.
        alpha: share of the dense list, in [0, 1].

    Returns:
        (row, score in [0, 1]) from best to worst, equal scores by row.

    Raises:
        ValueError: `alpha` is outside [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha={alpha}: must be between 0 and 1")
    scaled_dense, scaled_bm25 = _scaled(dense, minimum=-1.0), _scaled(bm25, minimum=0.0)
    rows = scaled_dense.keys() | scaled_bm25.keys()
    return _ordered({row: alpha * scaled_dense.get(row, 0.0) + (1 - alpha) * scaled_bm25.get(row, 0.0) for row in rows})


def _scaled(scores: Mapping[int, float], *, minimum: float) -> dict[int, float]:
    largest = max(scores.values(), default=minimum)
    span = largest - minimum
    return {row: (score - minimum) / span if span > 0 else 0.0 for row, score in scores.items()}


def _ordered(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    return [(row, -negated) for negated, row in sorted([(-score, row) for row, score in scores.items()])]
