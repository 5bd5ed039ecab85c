"""Intervals and significance: published examples, scipy's results, and what must hold for any counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency

from models.proportions import Proportion, difference_p_value, newcombe, wilson


@st.composite
def proportions(draw: st.DrawFn, *, least: int = 1) -> Proportion:
    n = draw(st.integers(least, 2000))
    return Proportion(draw(st.integers(0, n)), n)


def test_newcombes_own_example() -> None:
    # Newcombe 1998, table II, example (a), method 10: 56/70 against 48/80.
    assert newcombe(Proportion(56, 70), Proportion(48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_share_of_none_of_ten() -> None:
    # By hand: high = z^2 / (n + z^2) = 3.8415 / 13.8415.
    low, high = wilson(Proportion(0, 10))
    assert low == 0.0
    assert high == pytest.approx(0.27753, abs=1e-5)
    assert wilson(Proportion(0, 0)) == (0.0, 1.0)


@given(proportions(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(proportion: Proportion, confidence: float) -> None:
    theirs = binomtest(proportion.hits, proportion.n).proportion_ci(confidence, method="wilson")
    assert wilson(proportion, confidence=confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(proportions(), proportions())
def test_the_z_test_is_the_chi_squared_test(a: Proportion, b: Proportion) -> None:
    hits = a.hits + b.hits
    if hits in (0, a.n + b.n):
        assert difference_p_value(a, b) == 1.0
        return
    table = [[a.hits, a.n - a.hits], [b.hits, b.n - b.hits]]
    assert difference_p_value(a, b) == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=1e-9)


@given(proportions(), proportions())
def test_intervals_hold_what_they_are_about(a: Proportion, b: Proportion) -> None:
    low, high = wilson(a)
    assert 0 <= low <= a.share <= high <= 1
    low, high = newcombe(a, b)
    assert -1 - 1e-12 <= low <= a.share - b.share <= high <= 1 + 1e-12
    assert newcombe(b, a) == pytest.approx((-high, -low))
    assert difference_p_value(a, b) == pytest.approx(difference_p_value(b, a))


@pytest.mark.parametrize(("hits", "n"), [(-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} of {n} is no share"):
        Proportion(hits, n)
