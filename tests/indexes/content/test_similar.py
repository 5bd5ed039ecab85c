"""The similarity join against comparing every pair."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.content.similar import char_ngrams, jaccard, similar_pairs


def test_ngrams_and_jaccard_by_hand() -> None:
    assert char_ngrams("还没发货", 3) == {"还没发", "没发货"}
    assert char_ngrams("发货", 3) == {"发货"}
    # 还没发, 没发货 of the first; 还没发, 没发货, 发货呢 of the second.
    assert jaccard(char_ngrams("还没发货", 3), char_ngrams("还没发货呢", 3)) == pytest.approx(2 / 3)
    assert jaccard(frozenset(), frozenset()) == 0.0


@given(
    keys=st.lists(st.text("甲乙丙", min_size=1, max_size=9), max_size=25),
    above=st.sampled_from([0.2, 0.5, 0.75, 0.9]),
    n=st.integers(1, 3),
)
def test_every_similar_pair_is_found_once(keys: list[str], above: float, n: int) -> None:
    grams = [char_ngrams(key, n) for key in keys]
    expected = {
        (a, b): jaccard(grams[a], grams[b])
        for a, b in combinations(range(len(keys)), 2)
        if jaccard(grams[a], grams[b]) > above
    }
    found = list(similar_pairs(keys, above=above, n=n))
    assert len(found) == len(expected)
    assert {(a, b): similarity for a, b, similarity in found} == expected


def test_wrong_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="above=1"):
        list(similar_pairs(["一"], above=1))
    with pytest.raises(ValueError, match="n=0"):
        list(similar_pairs(["一"], above=0.5, n=0))
