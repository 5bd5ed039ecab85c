"""Measures by hand and against scikit-learn; thresholds come from dev, never from test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from graph.evaluation.measures import (
    Cuts,
    classification_measures,
    confident_measures,
    confident_threshold,
    cut_measures,
    matching_measures,
    tuned_measure,
)
from models.metrics import matching_report, oracle_f1


def floats(*values: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.array(values, dtype=np.float32)


# Scores 0.9, 0.8, 0.7, 0.6, 0.5 with labels 1, 1, 0, 1, 0.
SCORES, TRUTH = floats(0.9, 0.8, 0.7, 0.6, 0.5), [1, 1, 0, 1, 0]


def test_cuts_by_hand() -> None:
    cuts = Cuts(SCORES, TRUTH)
    assert cuts.accuracy == pytest.approx([2 / 5, 3 / 5, 4 / 5, 3 / 5, 4 / 5, 3 / 5])
    assert cuts.f1 == pytest.approx([0, 2 / 4, 4 / 5, 4 / 6, 6 / 7, 6 / 8])
    assert cuts.best("accuracy") == pytest.approx((0.75, 0.8))  # the highest of two equal thresholds
    assert cuts.best("f1") == pytest.approx((0.55, 6 / 7))


def test_the_cautious_threshold_is_the_highest_within_one_standard_error() -> None:
    # Best accuracy 0.8 on 5 rows: one standard error is (0.8 x 0.2 / 5) ** 0.5 = 0.179, so 0.6212 will do, which 0.6
    # above 0.85 does not reach and 0.8 above 0.75 does.
    assert Cuts(SCORES, TRUTH).cautious() == pytest.approx(0.75)
    # 200 times the same rows: the error is 0.0126; on 2 rows of each kind, 0.25 below 0.75 is within 0.2165 + ...
    many = Cuts(np.tile(SCORES, 200), TRUTH * 200)
    assert many.cautious() == pytest.approx(0.75)
    # A right pair more above 0.9: 4 of 6 at 0.85 are within one error (0.152) of the best 5 of 6.
    assert Cuts(floats(0.95, 0.9, 0.8, 0.7, 0.6, 0.5), [1, 1, 1, 0, 1, 0]).cautious() == pytest.approx(0.75)


def test_equal_scores_are_cut_together() -> None:
    cuts = Cuts(floats(0.5, 0.5, 0.2), [1, 0, 1])
    assert len(cuts.thresholds) == 3
    assert cuts.best("f1")[1] == pytest.approx(0.8)  # all accepted: precision 2/3, recall 1


def test_at_another_prior_by_hand() -> None:
    # Above 0.65 two of three right and one of two wrong pairs are accepted.
    at_tenth = cut_measures(SCORES, TRUTH, threshold=0.65, prior=0.1)
    accepted_right, accepted_wrong = 0.1 * 2 / 3, 0.9 * 1 / 2
    assert at_tenth["precision"] == pytest.approx(accepted_right / (accepted_right + accepted_wrong))
    assert at_tenth["recall"] == pytest.approx(2 / 3)
    assert at_tenth["accuracy"] == pytest.approx(accepted_right + 0.45)
    assert cut_measures(SCORES, TRUTH, threshold=1.0)["precision"] == 0.0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_same_as_the_report_of_the_models(rows: list[tuple[int, int]]) -> None:
    rows = [*rows, (3, 0), (4, 1)]
    scores, truth = floats(*(score / 10 for score, _ in rows)), [label for _, label in rows]
    report = matching_report(scores=scores, truth=truth, threshold=0.45)
    own = cut_measures(scores, truth, threshold=0.45)
    for name in ("accuracy", "precision", "recall", "f1"):
        assert own[name] == pytest.approx(getattr(report, name))
    assert Cuts(scores, truth).best("f1")[1] == pytest.approx(oracle_f1(scores=scores, truth=truth)[0])


def test_thresholds_are_tuned_on_dev_alone() -> None:
    # On dev the best cut is at 0.5; on test every right pair lies below it, and the best cut would be at 0.15.
    dev, dev_truth = floats(0.9, 0.8, 0.2, 0.1), [1, 1, 0, 0]
    test, truth = floats(0.4, 0.3, 0.0, 0.0), [1, 1, 0, 0]
    measures = matching_measures(dev, dev_truth, test, truth, tune="f1", probabilities=True)
    assert measures["threshold"] == pytest.approx(0.5)
    assert measures["f1"] == 0.0
    assert measures["accuracy"] == 0.5
    assert measures["oracle_f1"] == 1.0
    assert measures["oracle_threshold"] == pytest.approx(0.15)
    assert all(own["threshold"] == pytest.approx(0.5) for own in measures["priors"].values())
    assert [own["prior"] for own in measures["priors"].values()] == [0.5, 0.5, 0.143]
    # Whatever test says, the thresholds stay.
    other = matching_measures(dev, dev_truth, test[::-1].copy(), truth, tune="f1", probabilities=True)
    assert other["threshold"] == measures["threshold"]
    assert other["at"]["accuracy"]["threshold"] == measures["at"]["accuracy"]["threshold"]


def test_what_is_tuned_for_follows_the_balance_of_dev() -> None:
    assert tuned_measure([1, 0, 1, 0]) == "accuracy"
    assert tuned_measure([1, 0, 0, 0]) == "f1"


PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]], dtype=np.float32)


def test_classification_by_hand() -> None:
    # Answers a, a, b, other for the right labels a, b, b, other.
    own = classification_measures(PROBABILITIES, ["a", "b", "b", "other"], ["a", "b", "other"])
    assert own["accuracy"] == 0.75
    assert own["per_class"]["a"] == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1})
    assert own["macro_precision"] == pytest.approx((0.5 + 1.0) / 2)  # without `other`
    assert own["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


@given(st.lists(st.sampled_from(["a", "b", "c", "new"]), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_macro_f1_is_that_of_scikit_learn(truth: list[str]) -> None:
    # "new" is no column: it cannot be answered and counts as missed; "c" may occur nowhere.
    own = classification_measures(PROBABILITIES, truth, ["a", "b", "c"])
    wanted = f1_score(truth, ["a", "a", "b", "c"], average="macro", zero_division=0.0)
    assert own["macro_f1"] == pytest.approx(wanted)


def test_a_class_never_answered_has_no_precision() -> None:
    own = classification_measures(PROBABILITIES, ["a", "a", "a", "d"], ["a", "b", "c"])
    assert own["per_class"]["d"]["precision"] is None
    assert own["per_class"]["b"]["precision"] == 0.0


def test_confident_answers_by_hand() -> None:
    labels, truth = ["a", "b", "other"], ["a", "b", "b", "other"]
    all_of_them = confident_measures(PROBABILITIES, truth, labels, threshold=0.0)
    assert all_of_them["coverage"] == 0.75  # an answer `other` is no answer
    assert all_of_them["precision"] == pytest.approx(2 / 3)
    assert all_of_them["macro_precision"] == pytest.approx(0.75)
    sure = confident_measures(PROBABILITIES, truth, labels, threshold=0.65)
    assert (sure["coverage"], sure["precision"], sure["recall"]) == pytest.approx((0.5, 1.0, 2 / 3))
    assert confident_threshold(PROBABILITIES, truth, labels, precision=1.0) == pytest.approx(0.6, abs=0.006)
    assert confident_threshold(PROBABILITIES, ["b"] * 4, labels, precision=1.0) == pytest.approx(0.0)
