"""Fusion by hand-worked numbers and by its properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.fuse import convex_combination, reciprocal_rank_fusion, union_filled

RANKING = st.lists(st.integers(0, 30), unique=True, max_size=15)
RANKINGS = st.lists(RANKING, min_size=1, max_size=3)


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_rank_fusion([[7, 3, 5], [3, 9]])
    assert [row for row, _ in fused] == [3, 7, 9, 5]
    assert [score for _, score in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63])


def test_small_k_changes_the_winner() -> None:
    rankings = [[1, 2, 3], [4, 2, 5]]
    # k = 0: row 1 has 1, row 2 has 1/2 + 1/2 = 1, a tie that goes to the lower row; k = 60: row 2 wins.
    assert [row for row, _ in reciprocal_rank_fusion(rankings, k=0)][:3] == [1, 2, 4]
    assert reciprocal_rank_fusion(rankings)[0][0] == 2


def test_union_keeps_the_heads_of_both_lists() -> None:
    first, second = [1, 2, 3, 4, 5, 6], [6, 5, 9, 8, 7]
    # Sure: 1, 2 and 6, 5. Two places remain, for the best of the rest: 3 and 9 both have 1/63, 3 comes first.
    # Scores: 6: 1/66 + 1/61, 5: 1/65 + 1/62, 1: 1/61, 2: 1/62, 3 and 9: 1/63.
    assert [row for row, _ in union_filled([first, second], top_k=4)] == [6, 5, 1, 2]
    assert [row for row, _ in union_filled([first, second], top_k=6)] == [6, 5, 1, 2, 3, 9]


def test_union_saves_what_fusion_alone_would_drop() -> None:
    first = [1, 2, 3, 4]
    second = [2, 3, 4, 5]
    plain = [row for row, _ in reciprocal_rank_fusion([first, second])][:2]
    assert plain == [2, 3]
    assert {row for row, _ in union_filled([first, second], top_k=2)} == {1, 2}


def test_convex_combination_by_hand() -> None:
    # dense: (0.6 + 1) / (0.6 + 1) = 1, (0.2 + 1) / 1.6 = 0.75; bm25: 4 / 4 = 1, 1 / 4 = 0.25.
    fused = convex_combination({1: 0.6, 2: 0.2}, {2: 4.0, 3: 1.0}, alpha=0.6)
    assert [row for row, _ in fused] == [2, 1, 3]
    assert [score for _, score in fused] == pytest.approx([0.85, 0.6, 0.1])


@given(rankings=RANKINGS)
def test_fusion_ranks_every_row_once_and_ignores_the_order_of_the_lists(rankings: list[list[int]]) -> None:
    fused = reciprocal_rank_fusion(rankings)
    assert sorted(row for row, _ in fused) == sorted({row for ranking in rankings for row in ranking})
    assert fused == reciprocal_rank_fusion(rankings[::-1])
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


@given(ranking=RANKING)
def test_fusing_one_list_keeps_its_order(ranking: list[int]) -> None:
    assert [row for row, _ in reciprocal_rank_fusion([ranking, []])] == ranking


@given(rankings=RANKINGS, top_k=st.integers(1, 20))
def test_union_fills_its_places_in_fused_order(rankings: list[list[int]], top_k: int) -> None:
    fused = reciprocal_rank_fusion(rankings)
    union = union_filled(rankings, top_k=top_k)
    assert len(union) == min(top_k, len(fused))
    assert union == [item for item in fused if item in union]
    n_lists = sum(bool(ranking) for ranking in rankings)
    for ranking in rankings:
        assert set(ranking[: top_k // max(1, n_lists)]) <= {row for row, _ in union}


@given(
    dense=st.dictionaries(st.integers(0, 9), st.floats(-1, 1)),
    bm25=st.dictionaries(st.integers(0, 9), st.floats(0, 40)),
    alpha=st.floats(0, 1),
)
def test_convex_combination_stays_in_range(dense: dict[int, float], bm25: dict[int, float], alpha: float) -> None:
    fused = convex_combination(dense, bm25, alpha=alpha)
    assert {row for row, _ in fused} == dense.keys() | bm25.keys()
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="names a row twice"):
        reciprocal_rank_fusion([[1, 1]])
    with pytest.raises(ValueError, match="k=-1"):
        reciprocal_rank_fusion([[1]], k=-1)
    with pytest.raises(ValueError, match="top_k=0"):
        union_filled([[1]], top_k=0)
    with pytest.raises(ValueError, match=r"alpha=1\.5"):
        convex_combination({}, {}, alpha=1.5)
