"""The linear model over character n-grams: worked by hand, and against scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from models.layers.grams import MOST_CHARS, CharGrams, distinct_grams
from models.text.ragged import Ragged
from models.training.grams import choose_scale, fit_grams

A, B, C = 2, 3, 4
_TEXTS = ["abab", "abc", "bca", "cab", "cc", "bb", "aabb", "cbacb", "acac", "bcbc"] * 3
_TARGETS = np.array([0, 1, 1, 0, 2, 0, 0, 1, 2, 1] * 3)


def padded(texts: list[str]) -> torch.Tensor:
    longest = max(map(len, texts))
    return torch.tensor([["\0?abc".index(char) for char in text] + [0] * (longest - len(text)) for text in texts])


def ragged(texts: list[str]) -> Ragged:
    return Ragged.of([["\0?abc".index(char) for char in text] for text in texts], max_length=99)


def test_every_gram_once_worked_by_hand() -> None:
    grams = distinct_grams(torch.tensor([[A, B, A, B, 0]]), longest=2)
    ab, ba = A + (B << 16), B + (A << 16)
    assert sorted(grams[grams != 0].tolist()) == sorted([A, B, ab, ba])


def test_the_last_character_of_the_table_fits() -> None:
    last = MOST_CHARS - 1
    grams = distinct_grams(torch.tensor([[last] * 4, [last, 1, last, 1]]), longest=4)
    assert len(set(grams[0].tolist()) - {0}) == 4
    assert len(set(grams[1].tolist()) - {0}) == 2 + 2 + 2 + 1


def test_weights_worked_by_hand() -> None:
    model = CharGrams(n_labels=2, n_grams=2, longest=1)
    model.known.copy_(torch.tensor([A, B]))
    model.idf.copy_(torch.tensor([30.0, 40.0, 0.0]))
    model.weights.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    model.bias.copy_(torch.tensor([0.0, 0.5]))
    # "ab": 30 and 40 over the root of 900 + 1600 + 2000; "aac": c is not known, a counts once, 30 over that of 2900.
    expected = [[30 / 4500**0.5, 40 / 4500**0.5 + 0.5], [30 / 2900**0.5, 0.5]]
    assert model(torch.tensor([[A, B, 0], [A, A, C]])).tolist() == [pytest.approx(row) for row in expected]


def test_the_same_as_scikit_learns() -> None:
    grams = fit_grams(ragged(_TEXTS), _TARGETS, n_labels=3, longest=3, c=0.5, seed=1)
    assert grams is not None
    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), binary=True, min_df=2, norm=None)

    def features(weighted: csr_matrix) -> csr_matrix:
        return weighted.multiply(1 / np.sqrt(weighted.power(2).sum(axis=1) + 2000)).tocsr()

    machine = LinearSVC(C=0.5, random_state=1).fit(features(counts.fit_transform(_TEXTS)), _TARGETS)
    unseen = ["abcab", "ccc", "a", "bac"]
    theirs = machine.decision_function(features(counts.transform(unseen)))
    np.testing.assert_allclose(grams(padded(unseen)).numpy(), theirs, atol=5e-3)


def test_two_labels_and_a_label_without_a_text() -> None:
    targets = np.where(_TARGETS == 0, 0, 2)
    grams = fit_grams(ragged(_TEXTS), targets, n_labels=3, longest=2, c=0.5, seed=1)
    assert grams is not None
    scores = grams(padded(_TEXTS)).numpy()
    assert (scores.argmax(axis=1) != 1).all()
    np.testing.assert_allclose(scores[:, 0], -scores[:, 2], atol=1e-5)


def test_nothing_in_common_gives_no_grams() -> None:
    assert fit_grams(ragged(["a", "b"]), np.array([0, 1]), n_labels=2, longest=4, c=0.5, seed=1) is None


def test_padding_and_a_text_shorter_than_a_gram_change_nothing() -> None:
    grams = fit_grams(ragged(_TEXTS), _TARGETS, n_labels=3, longest=4, c=0.5, seed=1)
    assert grams is not None
    alone = grams(padded(["ab"]))
    torch.testing.assert_close(grams(padded(["ab", "abcabcabc"]))[:1], alone)


def test_the_scale_is_the_one_under_which_the_truth_is_most_likely() -> None:
    grams = CharGrams(n_labels=2, n_grams=1, longest=1)
    truth = np.array([0, 0, 1, 1])
    right = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    choose_scale(grams, right, -right, truth)
    assert grams.scale == 0.0
    # Three texts right at any scale, the fourth wrong at any: the F1 is the same, so the likelihood must decide.
    deep = np.array([[1, 0], [1, 0], [0, 1], [3, 0]], np.float32)
    choose_scale(grams, deep, np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.float32), truth)
    assert grams.scale > 0.0


@pytest.mark.parametrize("longest", [0, 5])
def test_impossible_lengths(longest: int) -> None:
    with pytest.raises(ValueError, match=r"must be 1 to 4 characters"):
        CharGrams(n_labels=2, n_grams=3, longest=longest)
