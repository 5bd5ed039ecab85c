"""From scores to probabilities that can be trusted, and from probabilities to a threshold.

Temperature scaling on the development set (Guo et al., ICML 2017), the shift of a matcher's logits from the
share of right pairs it was trained with to the share it meets in service, and the lowest threshold that
reaches a wanted precision.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models.matcher import Matcher
from models.metrics import classification_report, softmax_log_loss
from models.text.sentence import Sentence

__all__ = [
    "Pair",
    "binary_temperature",
    "calibrate_matcher",
    "precision_threshold",
    "prior_shift",
    "prior_weights",
    "softmax_temperature",
    "threshold_for_false_alarms",
    "threshold_for_macro_precision",
]

Pair = tuple[Sentence, Sentence, int]
"""Two sentences, and 1 if they mean the same, else 0."""

_TEMPERATURES = (0.05, 20.0)


def softmax_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature that makes the right labels most likely.

    Args:
        logits: float (n, n_labels).
        truth: int64 (n,), columns of the right labels.

    Returns:
        T in [0.05, 20]; 1 without items.
    """
    if not len(truth):
        return 1.0
    return _minimise(lambda t: softmax_log_loss(logits / np.exp(t), truth))


def binary_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """The same for one logit a pair; weights: float (n,), how much each pair counts."""
    if not len(truth):
        return 1.0
    signed = logits.astype(np.float64) * (1 - 2 * truth)
    return _minimise(lambda t: float(np.average(np.logaddexp(0.0, signed / np.exp(t)), weights=weights)))


def _minimise(loss: Callable[[float], float]) -> float:
    low, high = np.log(_TEMPERATURES[0]), np.log(_TEMPERATURES[1])
    found = minimize_scalar(loss, bounds=(low, high), method="bounded")
    return float(np.exp(found.x))


def prior_shift(*, train: float, serve: float) -> float:
    """What a logit gains when the share of right pairs goes from `train` to `serve`, both in (0, 1)."""
    for name, share in (("train", train), ("serve", serve)):
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name} prior {share} must lie between 0 and 1: give both kinds of pairs")
    return float(np.log(serve / (1 - serve)) - np.log(train / (1 - train)))


def prior_weights(truth: NDArray[np.int64], *, prior: float) -> NDArray[np.float64]:
    """Weights float (n,) under which right pairs make up `prior` of a set; 1 each if a kind is missing."""
    share = float(truth.mean()) if len(truth) else 0.0
    if not 0.0 < share < 1.0:
        return np.ones(len(truth))
    return np.where(truth == 1, prior / share, (1 - prior) / (1 - share))


def precision_threshold(
    scores: NDArray[np.float32],
    truth: NDArray[np.int64],
    *,
    precision: float,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """The lowest threshold above which the wanted precision is reached.

    Args:
        scores: float (n,) in [0, 1].
        truth: int64 (n,), 1 for right.
        precision: wanted, in [0, 1].
        weights: how much each item counts; 1 each if None.

    Returns:
        Half-way between the last accepted and the first rejected score. If the precision is reached nowhere,
        the threshold of the highest precision.
    """
    if not len(scores):
        return 1.0
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ranked, right, counted = scores[order].astype(np.float64), truth[order], weights[order]
    reached = np.cumsum(right * counted) / np.cumsum(counted)
    ends = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are accepted together
    good = np.flatnonzero(ends & (reached >= precision))
    last = int(good[-1]) if len(good) else int(np.where(ends, reached, -1.0).argmax())
    below = float(ranked[last + 1]) if last + 1 < len(ranked) else 0.0
    return (float(ranked[last]) + below) / 2


def threshold_for_false_alarms(
    certainty: NDArray[np.float32],
    given: Sequence[str],
    truth: Sequence[str],
    *,
    rate: float,
    other: str = "other",
) -> float:
    """The lowest threshold at which at most a share `rate` of the items labelled `other` is taken for another class.

    Production is mostly plain: there, this share decides how often somebody is comforted who did not ask for it.

    Args:
        certainty: float32 (n,), what the threshold bounds.
        given: the most probable labels.
        truth: right labels.
        rate: in [0, 1].
        other: the label that asks for nothing; without items of it the threshold is 0.
    """
    plain = [
        float(value) if label != other else 0.0
        for value, label, right in zip(certainty, given, truth, strict=True)
        if right == other
    ]
    allowed = int(rate * len(plain))
    return sorted(plain, reverse=True)[allowed] if allowed < len(plain) else 0.0


def threshold_for_macro_precision(
    probabilities: NDArray[np.float32],
    truth: Sequence[str],
    labels: Sequence[str],
    *,
    precision: float,
    certainty: NDArray[np.float32] | None = None,
) -> float:
    """The lowest threshold, in steps of 0.005, that reaches a macro precision (the paper's "Total").

    If it is reached nowhere, the threshold of the highest macro precision, the lowest of equals.

    Args:
        probabilities: float32 (n, len(labels)).
        truth: right labels.
        labels: in the order of the columns.
        precision: in [0, 1].
        certainty: float32 (n,), what the threshold bounds; None for the probability of the most probable label.
    """
    best, best_precision = 0.0, -1.0
    for step in range(199):
        threshold = step * 0.005
        report = classification_report(
            probabilities=probabilities, truth=truth, labels=labels, threshold=threshold, certainty=certainty
        )
        if report.macro_precision >= precision:
            return threshold
        if report.macro_precision > best_precision:
            best, best_precision = threshold, report.macro_precision
    return best


def calibrate_matcher(
    matcher: Matcher,
    pairs: Sequence[Pair],
    *,
    train_prior: float,
    serving_prior: float | None,
    precision: float,
) -> None:
    """Set shift, temperature and threshold of a matcher from labelled pairs.

    Args:
        matcher: changed in place.
        pairs: labelled pairs of both kinds that were not trained on.
        train_prior: share of right pairs in training.
        serving_prior: share of right pairs in service; None takes that of `pairs`.
        precision: that the threshold shall reach at the prior of service.
    """
    left, right = [a for a, _, _ in pairs], [b for _, b, _ in pairs]
    truth = np.array([label for _, _, label in pairs], dtype=np.int64)
    prior = float(truth.mean()) if serving_prior is None else serving_prior
    weights = prior_weights(truth, prior=prior)
    logits = matcher.logits(left, right)
    matcher.shift = prior_shift(train=train_prior, serve=prior)
    matcher.temperature = binary_temperature(logits + np.float32(matcher.shift), truth, weights)
    probabilities = matcher.probabilities(logits)
    matcher.threshold = precision_threshold(probabilities, truth, precision=precision, weights=weights)
