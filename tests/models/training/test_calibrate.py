"""Temperature, prior correction and thresholds, against values worked by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.calibrate import (
    binary_temperature,
    precision_threshold,
    prior_shift,
    prior_weights,
    softmax_temperature,
    threshold_for_false_alarms,
    threshold_for_macro_precision,
)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperatures_are_recovered(temperature: float) -> None:
    generator = np.random.default_rng(1)
    true_logits = generator.normal(size=20_000).astype(np.float32) * 2
    truth = (generator.random(20_000) < sigmoid(true_logits)).astype(np.int64)
    stretched = true_logits * np.float32(temperature)
    assert binary_temperature(stretched, truth, np.ones(20_000)) == pytest.approx(temperature, rel=0.05)
    two_classes = np.stack((np.zeros_like(stretched), stretched), axis=1)
    assert softmax_temperature(two_classes, truth) == pytest.approx(temperature, rel=0.05)


def test_no_items_leave_the_temperature() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert softmax_temperature(np.zeros((0, 3), dtype=np.float32), nothing) == 1.0
    assert binary_temperature(np.zeros(0, dtype=np.float32), nothing, np.zeros(0)) == 1.0


def test_prior_shift_by_hand() -> None:
    # odds 1 in training, 1/4 in service
    assert prior_shift(train=0.5, serve=0.2) == pytest.approx(np.log(0.25))
    assert prior_shift(train=0.3, serve=0.3) == 0.0
    with pytest.raises(ValueError, match="serve prior 1.0"):
        prior_shift(train=0.5, serve=1.0)


def test_prior_weights_by_hand() -> None:
    weights = prior_weights(np.array([1, 1, 0, 0]), prior=0.2)
    assert weights.tolist() == pytest.approx([0.4, 0.4, 1.6, 1.6])
    assert prior_weights(np.array([1, 1]), prior=0.2).tolist() == [1, 1]


def test_the_lowest_threshold_of_a_precision() -> None:
    scores = np.array([0.9, 0.8, 0.6, 0.5, 0.4], dtype=np.float32)
    truth = np.array([1, 0, 1, 1, 0])
    # precision after each: 1, 1/2, 2/3, 3/4, 3/5
    assert precision_threshold(scores, truth, precision=0.75) == pytest.approx(0.45)
    assert precision_threshold(scores, truth, precision=0.7) == pytest.approx(0.45)
    assert precision_threshold(scores, truth, precision=0.9) == pytest.approx(0.85)
    assert precision_threshold(scores, truth, precision=0.6) == pytest.approx(0.2)
    # wrong pairs counted three times: 1, 1/4, 2/5, 3/6, 3/9
    weights = np.where(truth == 1, 1.0, 3.0)
    assert precision_threshold(scores, truth, precision=0.5, weights=weights) == pytest.approx(0.45)


def test_equal_scores_are_accepted_together() -> None:
    scores = np.array([0.5, 0.5, 0.3], dtype=np.float32)
    assert precision_threshold(scores, np.array([1, 0, 1]), precision=0.9) == pytest.approx(0.15)


def test_an_unreachable_precision_gives_the_best_there_is() -> None:
    scores = np.array([0.9, 0.8, 0.7], dtype=np.float32)
    assert precision_threshold(scores, np.array([0, 1, 1]), precision=0.9) == pytest.approx(0.35)
    assert precision_threshold(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64), precision=0.9) == 1.0


def test_the_threshold_of_a_macro_precision() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]], dtype=np.float32)
    truth = ("anger", "anger", "other", "other")
    labels = ("anger", "other")
    # accepting the third makes precision 2/3; it is out from 0.6 on
    assert threshold_for_macro_precision(probabilities, truth, labels, precision=0.9) == pytest.approx(0.6, abs=0.006)
    assert threshold_for_macro_precision(probabilities, truth, labels, precision=0.6) == 0.0


def test_the_threshold_bounds_another_certainty_if_one_is_given() -> None:
    probabilities = np.array([[0.5, 0.4, 0.1], [0.4, 0.5, 0.1], [0.6, 0.0, 0.4]], dtype=np.float32)
    truth, labels = ("anger", "aggrieved", "other"), ("anger", "aggrieved", "other")
    # by the label alone, the plain sentence is the surest of the three: no threshold leaves the other two
    assert threshold_for_macro_precision(probabilities, truth, labels, precision=0.9) == 0.0
    assert threshold_for_macro_precision(
        probabilities, truth, labels, precision=0.9, certainty=1 - probabilities[:, -1]
    ) == pytest.approx(0.6, abs=0.006)


def test_the_threshold_of_a_share_of_false_alarms() -> None:
    certainty = np.array([0.9, 0.7, 0.6, 0.3, 0.95], dtype=np.float32)
    given, truth = ("anger", "anger", "other", "anger", "anger"), ("other", "other", "other", "other", "anger")
    assert threshold_for_false_alarms(certainty, given, truth, rate=0.25) == pytest.approx(0.7)
    assert threshold_for_false_alarms(certainty, given, truth, rate=0.0) == pytest.approx(0.9)
    assert threshold_for_false_alarms(certainty, given, truth, rate=1.0) == 0.0
    assert threshold_for_false_alarms(certainty, given, ("anger",) * 5, rate=0.0) == 0.0
