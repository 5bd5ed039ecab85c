"""Many pairs at once give what one pair at a time gives; WMD and WCD by hand and by another solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from models.text.sentence import Sentence
from models.unsupervised import WSM, word_similarity
from models.wmd import WCD, WMD
from models.word_pairs import WordPairs
from tests.models.conftest import hand_made

WORDS = tuple("甲乙丙丁戊己庚辛")
VECTORS = np.random.default_rng(5).normal(size=(len(WORDS), 4))
RANDOM = hand_made(WORDS, VECTORS.tolist(), idf=[1.0, 2.0, 3.0, 1.5, 2.5, 0.5, 4.0, 1.2])
SENTENCES = st.lists(st.sampled_from((*WORDS, "生词", "怪词")), max_size=7).map(lambda words: sentence(*words))
PAIRS = st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=8)


def sentence(*words: str) -> Sentence:
    return Sentence(text="".join(words), words=words)


@given(PAIRS, st.sampled_from(["idf", "none"]), st.sampled_from(["mean", "min", "len"]))
@settings(max_examples=60, deadline=None)
def test_many_pairs_score_as_one_at_a_time(pairs: list[tuple[Sentence, Sentence]], weights: str, sym: str) -> None:
    wsm = WSM(RANDOM, weights=weights, sym=sym)  # type: ignore[arg-type]
    left, right = zip(*pairs, strict=True)
    single = [float(wsm.score(a, [b])[0]) for a, b in pairs]
    assert wsm.score_pairs(left, right).tolist() == pytest.approx(single, abs=1e-6)


@given(SENTENCES, SENTENCES)
@settings(max_examples=40, deadline=None)
def test_wmd_is_the_optimum_of_the_linear_program(left: Sentence, right: Sentence) -> None:
    found = float(WMD(RANDOM).score_pairs([left], [right])[0])
    if not left.words or not right.words:
        assert found == 0.0
        return
    n, m = len(left.words), len(right.words)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    cost = 1.0 - word_similarity(RANDOM, left.words, right.words).astype(np.float64).ravel()
    marginals = np.concatenate((np.full(n, 1 / n), np.full(m, 1 / m)))
    plan = linprog(cost, A_eq=np.vstack((rows, columns))[:-1], b_eq=marginals[:-1], method="highs")
    assert found == pytest.approx(1.0 - plan.fun, abs=1e-6)


def test_wmd_with_weights_by_hand() -> None:
    # cos(a, b) = 0.6 and cos(a, c) = cos(b, c) = 0; masses 3/4 and 1/4 on the left, all on b on the right.
    vectors = hand_made(["a", "b", "c"], [[2, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], idf=[3, 1, 1])
    assert WMD(vectors, weights="idf").score(sentence("a", "c"), [sentence("b")])[0] == pytest.approx(0.45)
    assert WMD(vectors).score(sentence("a", "c"), [sentence("b")])[0] == pytest.approx(0.3)


def test_wcd_by_hand() -> None:
    vectors = hand_made(["a", "b"], [[2, 0], [0, 1]], idf=[3, 1])
    left, right = [sentence("a"), sentence("a", "b"), sentence()], [sentence("b"), sentence("b"), sentence("a")]
    distances = [2**0.5, (0.5**2 + 0.5**2) ** 0.5]
    assert WCD(vectors).score_pairs(left, right).tolist() == pytest.approx([*(1 / (1 + d) for d in distances), 0.0])
    weighted = WCD(vectors, weights="idf").score_pairs(left[1:2], right[1:2])
    assert weighted[0] == pytest.approx(1 / (1 + (0.75**2 + 0.75**2) ** 0.5))


def test_sides_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="1 left and 0 right"):
        WordPairs(RANDOM, [sentence("甲")], [], idf=False)
    assert len(WSM(RANDOM).score_pairs([], [])) == 0
