"""Metrics against numbers worked by hand."""

import math

import numpy as np
import pytest

from models.metrics import (
    classification_report,
    expected_calibration_error,
    matching_report,
    mean_reciprocal_rank,
    oracle_f1,
    recall_at,
    softmax_log_loss,
    top_1,
)

LABELS = ("anger", "fear", "other")
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.3, 0.1, 0.6]], dtype=np.float32
)
TRUTH = ("anger", "fear", "anger", "other", "fear")


def test_classification_without_a_threshold() -> None:
    report = classification_report(probabilities=PROBABILITIES, truth=TRUTH, labels=LABELS)
    # given: anger anger anger other other
    assert report.accuracy == pytest.approx(3 / 5)
    assert report.per_class["anger"].precision == pytest.approx(2 / 3)
    assert report.per_class["anger"].recall == 1.0
    assert report.per_class["anger"].f1 == pytest.approx(0.8)
    assert report.per_class["fear"].precision is None
    assert report.per_class["fear"].support == 2
    assert report.per_class["other"].f1 == pytest.approx(2 / 3)
    assert report.macro_precision == pytest.approx((2 / 3 + 0) / 2)
    assert report.macro_f1 == pytest.approx((0.8 + 0 + 2 / 3) / 3)
    assert report.coverage == pytest.approx(3 / 5)


def test_below_the_threshold_is_other_and_the_threshold_itself_is_below() -> None:
    report = classification_report(probabilities=PROBABILITIES, truth=TRUTH, labels=LABELS, threshold=0.5)
    # given: anger other anger other other
    assert report.per_class["anger"].precision == 1.0
    assert report.coverage == pytest.approx(2 / 5)
    assert report.accuracy == pytest.approx(3 / 5)


def test_without_other_the_threshold_rejects_nothing() -> None:
    report = classification_report(probabilities=np.array([[0.6, 0.4]]), truth=["a"], labels=["a", "b"], threshold=0.9)
    assert report.per_class["a"].recall == 1.0


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 1.0], dtype=np.float32)
    right = np.array([True, False, True, True])
    # with two bins all fall into the upper one: |mean confidence 0.8625 - accuracy 0.75|
    assert expected_calibration_error(confidence, right, n_bins=2) == pytest.approx(0.1125)
    # with ten: 0.95, 0.95 and 1.0 -> |0.96667 - 0.66667| * 3/4; 0.55 -> |0.55 - 1| * 1/4
    assert expected_calibration_error(confidence, right, n_bins=10) == pytest.approx(0.225 + 0.1125)


def test_matching_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6], dtype=np.float32)
    report = matching_report(scores=scores, truth=[1, 0, 1, 0], threshold=0.75)
    assert (report.accuracy, report.precision, report.recall, report.f1) == (0.5, 0.5, 0.5, 0.5)
    assert report.auc == pytest.approx(3 / 4)
    assert report.oracle_f1 == pytest.approx(0.8)  # the first three: precision 2/3, recall 1
    assert 0.6 < report.oracle_threshold < 0.7
    assert matching_report(scores=scores, truth=[1, 0, 1, 0], threshold=report.oracle_threshold).f1 == (
        pytest.approx(0.8)
    )


def test_matching_with_one_kind_only() -> None:
    report = matching_report(scores=np.array([0.9], dtype=np.float32), truth=[0], threshold=0.5)
    assert math.isnan(report.auc)
    assert report.precision == 0.0
    assert oracle_f1(scores=np.array([0.9], dtype=np.float32), truth=[0]) == (0.0, 1.0)
    assert oracle_f1(scores=np.array([0.9], dtype=np.float32), truth=[1])[0] == 1.0


def test_rankings_by_hand() -> None:
    ranked = [[True, False], [False, False, True], [False], []]
    assert top_1(ranked) == 0.25
    assert mean_reciprocal_rank(ranked) == pytest.approx((1 + 1 / 3) / 4)
    assert recall_at(ranked, k=2) == 0.25
    assert recall_at(ranked, k=3) == 0.5
    assert (top_1([]), recall_at([], k=3), mean_reciprocal_rank([])) == (0.0, 0.0, 0.0)


def test_softmax_log_loss_worked_by_hand() -> None:
    logits = np.array([[0.0, math.log(3)], [1000.0, 0.0]], np.float32)
    # exp: 1 and 3, so the right one has 3/4; the other row is certain, and right.
    assert softmax_log_loss(logits, np.array([1, 0])) == pytest.approx(math.log(4 / 3) / 2)
