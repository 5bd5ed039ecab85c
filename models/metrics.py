"""Numbers that say how good a model is: of classifiers, of matchers and of rankings.

scikit-learn computes what it has; the paper's own figure ("Total", the mean precision over the classes other
than `other`) and calibration are computed here. Called by training and by `graph evaluate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_auc_score,
)

__all__ = [
    "ClassReport",
    "ClassificationReport",
    "MatchingReport",
    "classification_report",
    "expected_calibration_error",
    "matching_report",
    "mean_reciprocal_rank",
    "oracle_f1",
    "recall_at",
    "softmax_log_loss",
    "top_1",
]


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Precision (None if the class was never predicted), recall and F1 in [0, 1]; support in items."""

    precision: float | None
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """Quality of a classifier.

    Attributes:
        accuracy: share of items whose most probable label is right, whatever the threshold.
        macro_f1: mean F1 over all classes at the threshold.
        macro_precision: mean precision over the classes other than `other` at the threshold (the paper's
            "Total"); a class never predicted counts as 0.
        coverage: share of items whose accepted label is not `other`.
        ece: expected calibration error of the most probable label, 15 equal bins.
        per_class: by label.
    """

    accuracy: float
    macro_f1: float
    macro_precision: float
    coverage: float
    ece: float
    per_class: dict[str, ClassReport]


@dataclass(frozen=True, slots=True)
class MatchingReport:
    """Quality of a matcher for the class "right", at the threshold, and the F1 at the best threshold."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    threshold: float
    oracle_f1: float
    oracle_threshold: float


def classification_report(
    *,
    probabilities: NDArray[np.float32],
    truth: Sequence[str],
    labels: Sequence[str],
    threshold: float = 0.0,
    other: str = "other",
    certainty: NDArray[np.float32] | None = None,
) -> ClassificationReport:
    """Measure a classifier.

    An item is given its most probable label if its certainty is above the threshold, else `other` where `other` is a
    label; without such a label everything is given its most probable one.

    Args:
        probabilities: float (n, len(labels)).
        truth: the right label of every item.
        labels: in the order of the columns.
        threshold: in [0, 1].
        other: the label that asks for nothing.
        certainty: float (n,), what the threshold bounds; None for the probability of the most probable label.
    """
    names = np.array(labels)
    best = probabilities.argmax(axis=1)
    top = probabilities.max(axis=1, initial=0.0)
    given = names[best]
    if other in labels:
        given = np.where((top if certainty is None else certainty) > threshold, given, other)
    right = np.array(truth)
    precision, recall, f1, support = precision_recall_fscore_support(
        right, given, labels=list(labels), zero_division=0.0
    )
    predicted = {label: bool((given == label).any()) for label in labels}
    per_class = {
        label: ClassReport(float(p) if predicted[label] else None, float(r), float(f), int(s))
        for label, p, r, f, s in zip(labels, precision, recall, f1, support, strict=True)
    }
    named = [float(p) for label, p in zip(labels, precision, strict=True) if label != other]
    return ClassificationReport(
        accuracy=float(accuracy_score(right, names[best])),
        macro_f1=float(np.mean(f1)),
        macro_precision=float(np.mean(named)) if named else 0.0,
        coverage=float(np.mean(given != other)),
        ece=expected_calibration_error(top, names[best] == right),
        per_class=per_class,
    )


def softmax_log_loss(logits: NDArray[np.floating[Any]], truth: NDArray[np.int64]) -> float:
    """Mean surprise at the right labels under a softmax, in nats.

    Args:
        logits: float (n, n_labels), n at least 1.
        truth: int64 (n,), columns of the right labels.
    """
    scaled = logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scaled).sum(axis=1))
    return float((normaliser - scaled[np.arange(len(truth)), truth]).mean())


def expected_calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_], *, n_bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over equal bins of confidence (Naeini et al. 2015).

    Args:
        confidence: float (n,) in [0, 1].
        right: bool (n,).
        n_bins: bins between 0 and 1.
    """
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    error = 0.0
    for index in range(n_bins):
        inside = bins == index
        if inside.any():
            error += float(inside.mean()) * abs(float(confidence[inside].mean()) - float(right[inside].mean()))
    return error


def matching_report(*, scores: NDArray[np.float32], truth: Sequence[int], threshold: float) -> MatchingReport:
    """Measure a matcher; a pair is called right if its score is above the threshold.

    Args:
        scores: float (n,).
        truth: 1 for a right pair, else 0.
        threshold: tuned elsewhere (on a development set).
    """
    right = np.array(truth)
    given = (scores > threshold).astype(np.int64)
    precision, recall, f1, _ = precision_recall_fscore_support(right, given, average="binary", zero_division=0.0)
    best_f1, best_threshold = oracle_f1(scores=scores, truth=truth)
    one_class = len(set(truth)) < 2
    return MatchingReport(
        accuracy=float(accuracy_score(right, given)),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        auc=float("nan") if one_class else float(roc_auc_score(right, scores)),
        threshold=threshold,
        oracle_f1=best_f1,
        oracle_threshold=best_threshold,
    )


def oracle_f1(*, scores: NDArray[np.float32], truth: Sequence[int]) -> tuple[float, float]:
    """The highest F1 over all thresholds, and a threshold that reaches it with "above" as the rule.

    0 and 1.0 if no pair is right.
    """
    if not any(truth):
        return 0.0, 1.0
    precision, recall, thresholds = precision_recall_curve(np.array(truth), scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1[:-1].argmax())
    # The curve counts scores >= its threshold; half-way to the next lower score says the same with ">".
    lower = float(thresholds[best - 1]) if best > 0 else float(thresholds[best]) - 1e-6
    return float(f1[best]), (float(thresholds[best]) + lower) / 2


def top_1(ranked: Sequence[Sequence[bool]]) -> float:
    """Share of queries whose first answer is right; `ranked`: per query, whether each answer is."""
    return float(np.mean([bool(answers) and answers[0] for answers in ranked])) if ranked else 0.0


def recall_at(ranked: Sequence[Sequence[bool]], *, k: int) -> float:
    """Share of queries with a right answer among the first k."""
    return float(np.mean([any(answers[:k]) for answers in ranked])) if ranked else 0.0


def mean_reciprocal_rank(ranked: Sequence[Sequence[bool]]) -> float:
    """Mean of 1 / rank of the first right answer, 0 where there is none."""
    ranks = [next((1.0 / (i + 1) for i, right in enumerate(answers) if right), 0.0) for answers in ranked]
    return float(np.mean(ranks)) if ranks else 0.0
