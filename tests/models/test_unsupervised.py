"""WSM: the properties of its definition, hand-worked values, and the bounds that tie it to WMD."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artifact import ArtifactError
from models.text.sentence import Sentence
from models.unsupervised import WSM
from models.wmd import WMD
from tests.models.conftest import hand_made

WORDS = tuple("甲乙丙丁戊己庚辛")
VECTORS = np.random.default_rng(5).normal(size=(len(WORDS), 4))
RANDOM = hand_made(WORDS, VECTORS.tolist(), idf=[1.0, 2.0, 3.0, 1.5, 2.5, 0.5, 4.0, 1.2])
SENTENCES = st.lists(st.sampled_from((*WORDS, "生词", "怪词")), min_size=1, max_size=7).map(
    lambda words: sentence(*words)
)
VARIANTS = [(weights, sym) for weights in ("idf", "none") for sym in ("mean", "min", "len")]


def sentence(*words: str) -> Sentence:
    return Sentence(text="".join(words), words=words)


def one(wsm: WSM | WMD, left: Sentence, right: Sentence) -> float:
    return float(wsm.score(left, [right])[0])


def test_value_by_hand() -> None:
    # cos(a, b) = 0.6, cos(a, c) = -1 (counts 0), cos(b, c) = -0.6 (counts 0)
    embeddings = hand_made(["a", "b", "c"], [[2, 0], [0.6, 0.8], [-1, 0]], idf=[1, 3, 2])
    left, right = sentence("a", "c"), sentence("b")
    # S(left -> right) = (0.6 + 0) / 2 = 0.3 and S(right -> left) = 0.6
    assert one(WSM(embeddings, weights="none"), left, right) == pytest.approx(0.45)
    assert one(WSM(embeddings, weights="none", sym="min"), left, right) == pytest.approx(0.3)
    assert one(WSM(embeddings, weights="none", sym="len"), left, right) == pytest.approx(1.2 / 3)
    # idf: (1 * 0.6 + 2 * 0) / 3 = 0.2 and 0.6
    assert one(WSM(embeddings, weights="idf"), left, right) == pytest.approx(0.4)
    assert one(WSM(embeddings, weights="idf", sym="len"), left, right) == pytest.approx((0.6 + 1.8) / 6)


def test_equal_unknown_words_match_and_different_ones_do_not() -> None:
    wsm = WSM(RANDOM)
    assert one(wsm, sentence("生词"), sentence("生词")) == pytest.approx(1.0)
    assert one(wsm, sentence("生词"), sentence("怪词")) == 0.0


def test_empty_texts_score_zero() -> None:
    wsm = WSM(RANDOM)
    assert wsm.score(sentence(), [sentence("甲")]).tolist() == [0.0]
    scores = wsm.score(sentence("甲"), [sentence(), sentence("甲"), sentence()])
    assert scores.tolist() == pytest.approx([0.0, 1.0, 0.0])
    assert scores.dtype == np.float32
    assert wsm.score(sentence("甲"), []).shape == (0,)


@pytest.mark.parametrize(("weights", "sym"), VARIANTS)
@given(left=SENTENCES, right=SENTENCES, data=st.data())
@settings(max_examples=30, deadline=None)
def test_properties(
    weights: Literal["idf", "none"],
    sym: Literal["mean", "min", "len"],
    left: Sentence,
    right: Sentence,
    data: st.DataObject,
) -> None:
    wsm = WSM(RANDOM, weights=weights, sym=sym)
    score = one(wsm, left, right)
    assert 0.0 <= score <= 1.0
    assert one(wsm, right, left) == pytest.approx(score, abs=1e-6)
    assert one(wsm, left, left) == pytest.approx(1.0, abs=1e-6)
    shuffled = sentence(*data.draw(st.permutations(right.words)))
    assert one(wsm, left, shuffled) == pytest.approx(score, abs=1e-6)


@given(query=SENTENCES, candidates=st.lists(SENTENCES, max_size=6))
@settings(max_examples=30, deadline=None)
def test_many_candidates_score_as_one_by_one(query: Sentence, candidates: list[Sentence]) -> None:
    wsm = WSM(RANDOM)
    expected = [one(wsm, query, candidate) for candidate in candidates]
    assert wsm.score(query, candidates).tolist() == pytest.approx(expected, abs=1e-6)


@given(left=SENTENCES, right=SENTENCES)
@settings(max_examples=60, deadline=None)
def test_wmd_is_below_the_smaller_direction_which_is_below_wsm(left: Sentence, right: Sentence) -> None:
    wmd = one(WMD(RANDOM), left, right)
    smaller = one(WSM(RANDOM, weights="none", sym="min"), left, right)
    mean = one(WSM(RANDOM, weights="none", sym="mean"), left, right)
    assert wmd <= smaller + 1e-6
    assert smaller <= mean + 1e-6


def test_the_tuned_variant_is_stored_and_bound_to_its_vectors(tmp_path: Path) -> None:
    embeddings = hand_made(["a", "b"], [[2, 0], [0.6, 0.8]])
    embeddings.save(tmp_path / "embeddings")
    WSM(embeddings, weights="none", sym="len", threshold=0.625).save(tmp_path / "wsm", data_digest="d")
    loaded = WSM.load(tmp_path / "wsm", embeddings)
    assert loaded.threshold == 0.625
    assert one(loaded, sentence("a", "a"), sentence("b")) == pytest.approx(0.6)
    embeddings.version = "another"
    with pytest.raises(ArtifactError, match="tuned with embeddings"):
        WSM.load(tmp_path / "wsm", embeddings)


def test_wmd_by_hand() -> None:
    embeddings = hand_made(["a", "b", "c"], [[2, 0], [0.6, 0.8], [0, 1]])
    # half of b goes to a at cost 0.4, half to c at cost 0.2: the mean similarity is 0.7
    assert one(WMD(embeddings), sentence("a", "c"), sentence("b")) == pytest.approx(0.7)
    assert one(WMD(embeddings), sentence("a", "a"), sentence("a")) == pytest.approx(1.0)
    assert one(WMD(embeddings), sentence("a"), sentence()) == 0.0
