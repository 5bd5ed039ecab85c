"""Measures of one run: what its scores are worth on rows whose labels are known.

A threshold is always tuned on the dev rows and then applied to the test rows; what the best threshold on the test
rows themselves would give is reported beside it as "oracle". Macro measures are over the labels that occur among
the rows or the answers, as in scikit-learn.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from graph.evaluation.contenders import Scores
from models.metrics import classification_report, expected_calibration_error

OTHER = "other"
"""The label that asks for nothing, where a set has one: it is left out of the macro precision (the paper's Total)."""
PAPER_PRIOR = 0.143
"""Share of right pairs among the paper's recalled candidates."""

Measure = Literal["accuracy", "f1"]


def classification_measures(probabilities: Scores, truth: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Quality of the most probable labels.

    Args:
        probabilities: float (n, len(labels)).
        truth: right labels; one outside `labels` cannot be answered and counts as missed.
        labels: in the order of the columns.

    Returns:
        accuracy, macro_f1, macro_precision (without `other`), ece, and per_class: precision (None if never
        answered), recall, f1, support.
    """
    unseen = sorted(set(truth) - set(labels))
    wide = np.pad(probabilities, ((0, 0), (0, len(unseen))))
    report = classification_report(probabilities=wide, truth=truth, labels=[*labels, *unseen])
    per_class = {label: own for label, own in report.per_class.items() if own.support or own.precision is not None}
    named = [own.precision or 0.0 for label, own in per_class.items() if label != OTHER]
    return {
        "accuracy": report.accuracy,
        "macro_f1": float(np.mean([own.f1 for own in per_class.values()])),
        "macro_precision": float(np.mean(named)) if named else 0.0,
        "ece": report.ece,
        "per_class": {label: asdict(own) for label, own in per_class.items()},
    }


def confident_measures(
    probabilities: Scores, truth: Sequence[str], labels: Sequence[str], *, threshold: float
) -> dict[str, float]:
    """Quality where a label is believed only if its probability is above the threshold, as in service.

    Returns:
        threshold; macro_precision over the labels other than `other` (a label never believed counts 0);
        precision of all believed answers (0 without any); coverage, the share of rows with a believed answer other
        than `other`; recall, the share of rows of a label other than `other` that are answered rightly.
    """
    names = np.array(labels)[probabilities.argmax(axis=1)]
    right = np.array(truth)
    believed = (probabilities.max(axis=1, initial=0.0) > threshold) & (names != OTHER)
    hit = believed & (names == right)
    classes = sorted((set(truth) | set(names.tolist())) - {OTHER})
    precisions = [hit[names == label].sum() / max(believed[names == label].sum(), 1) for label in classes]
    return {
        "threshold": threshold,
        "macro_precision": float(np.mean(precisions)) if classes else 0.0,
        "precision": float(hit.sum() / max(believed.sum(), 1)),
        "coverage": float(believed.mean()),
        "recall": float(hit.sum() / max((right != OTHER).sum(), 1)),
    }


def confident_threshold(
    probabilities: Scores, truth: Sequence[str], labels: Sequence[str], *, precision: float
) -> float:
    """The lowest threshold, in steps of 0.005, that reaches a macro precision; else the one of the highest."""
    steps = [step * 0.005 for step in range(200)]
    reached = [confident_measures(probabilities, truth, labels, threshold=t)["macro_precision"] for t in steps]
    good = [t for t, value in zip(steps, reached, strict=True) if value >= precision]
    return good[0] if good else steps[int(np.argmax(reached))]


class Cuts:
    """All ways to cut scores of pairs in two, at a given share of right pairs.

    Attributes:
        thresholds: float64 (c,), falling; a pair is accepted if its score is above. The first accepts none.
        accuracy: float64 (c,), what each gives.
        f1: float64 (c,), likewise.
        n_rows: pairs swept.
    """

    def __init__(self, scores: NDArray[Any], truth: Sequence[int], *, prior: float | None = None) -> None:
        """Sweep the scores.

        Args:
            scores: float (n,), finite.
            truth: 1 for right, else 0; both must occur.
            prior: share of right pairs to reckon with; None for that of the rows.
        """
        wide = scores.astype(np.float64)
        order = np.argsort(-wide, kind="stable")
        ranked, right = wide[order], np.array(truth, dtype=np.float64)[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)  # equal scores go together
        hits = np.concatenate(([0.0], np.cumsum(right)[ends])) / right.sum()
        alarms = np.concatenate(([0.0], np.cumsum(1 - right)[ends])) / (1 - right).sum()
        below = np.append(ranked[ends][1:], ranked[-1] - 1e-6)
        self.thresholds = np.concatenate(([ranked[0]], (ranked[ends] + below) / 2))
        share = float(right.mean()) if prior is None else prior
        true_positives, false_positives = share * hits, (1 - share) * alarms
        self.accuracy = true_positives + (1 - share) - false_positives
        self.f1 = 2 * true_positives / (true_positives + false_positives + share)
        self.n_rows = len(wide)

    def best(self, measure: Measure) -> tuple[float, float]:
        """The threshold that makes a measure highest, and the measure there; the highest of equal thresholds."""
        values = self.f1 if measure == "f1" else self.accuracy
        place = int(values.argmax())
        return float(self.thresholds[place]), float(values[place])

    def cautious(self) -> float:
        """The highest threshold whose accuracy is within one standard error of the best.

        Near its best the accuracy on a few thousand rows is flat, and where exactly it peaks is chance. Of thresholds
        that cannot be told apart, the highest answers wrongly least often (the one-standard-error rule, Breiman et
        al. 1984, 3.4.3, with precision in the place of simplicity).
        """
        best = float(self.accuracy.max())
        error = (best * (1 - best) / self.n_rows) ** 0.5
        return float(self.thresholds[int(np.argmax(self.accuracy >= best - error))])


def cut_measures(
    scores: NDArray[Any], truth: Sequence[int], *, threshold: float, prior: float | None = None
) -> dict[str, float]:
    """accuracy, precision, recall and f1 of the class "right", accepted above the threshold, at a prior."""
    right = np.array(truth, dtype=bool)
    accepted = scores.astype(np.float64) > threshold
    share = float(right.mean()) if prior is None else prior
    true_positives = share * float(accepted[right].mean())
    false_positives = (1 - share) * float(accepted[~right].mean())
    called = true_positives + false_positives
    return {
        "threshold": threshold,
        "accuracy": true_positives + (1 - share) - false_positives,
        "precision": true_positives / called if called else 0.0,
        "recall": true_positives / share,
        "f1": 2 * true_positives / (called + share),
    }


def tuned_measure(truth: Sequence[int]) -> Measure:
    """What a threshold is tuned for: accuracy where dev is about balanced, else F1, which is what is published."""
    return "accuracy" if 0.4 <= float(np.mean(truth)) <= 0.6 else "f1"


def matching_measures(
    dev: Scores, dev_truth: Sequence[int], test: Scores, truth: Sequence[int], *, tune: Measure, probabilities: bool
) -> dict[str, Any]:
    """Quality of a matcher on test rows, every threshold tuned on dev rows.

    Args:
        dev: scores of the dev rows.
        dev_truth: their labels.
        test: scores of the test rows.
        truth: their labels.
        tune: what the main threshold is tuned for.
        probabilities: whether scores are probabilities.

    Returns:
        accuracy, precision, recall, f1, threshold; auc, average_precision; oracle_f1, oracle_threshold,
        oracle_accuracy; ece (None if scores are no probabilities); the same measures `at` the threshold for each
        measure, accuracy both with the cautious threshold and with the one that is best on dev (`best_accuracy`); and
        `priors`: at the file's, the balanced and the paper's share of right pairs.
    """
    on_dev = Cuts(dev, dev_truth)
    tuned = {
        "accuracy": on_dev.cautious(),
        "best_accuracy": on_dev.best("accuracy")[0],
        "f1": on_dev.best("f1")[0],
    }
    at = {measure: cut_measures(test, truth, threshold=threshold) for measure, threshold in tuned.items()}
    cuts = Cuts(test, truth)
    oracle_threshold, oracle_f1 = cuts.best("f1")
    right = np.array(truth, dtype=np.int64)
    return {
        **at[tune],
        "auc": float(roc_auc_score(right, test)),
        "average_precision": float(average_precision_score(right, test)),
        "oracle_f1": oracle_f1,
        "oracle_threshold": oracle_threshold,
        "oracle_accuracy": cuts.best("accuracy")[1],
        "ece": expected_calibration_error(test, right == 1) if probabilities else None,
        "at": at,
        "priors": _at_priors(dev, dev_truth, test, truth),
    }


def _at_priors(dev: Scores, dev_truth: Sequence[int], test: Scores, truth: Sequence[int]) -> dict[str, Any]:
    measures = {}
    for name, share in {"file": None, "balanced": 0.5, "paper": PAPER_PRIOR}.items():
        threshold, _ = Cuts(dev, dev_truth, prior=share).best("f1")
        own = cut_measures(test, truth, threshold=threshold, prior=share)
        oracle = Cuts(test, truth, prior=share).best("f1")[1]
        measures[name] = {"prior": float(np.mean(truth)) if share is None else share, **own, "oracle_f1": oracle}
    return measures
