"""The threshold a matcher serves with: chosen on questions with their recalled candidates, as it will meet them.

A threshold tuned on pairs does not carry over: in service the best of up to 20 candidates is compared with it, and
most emotional sentences match nothing (the paper answers 21.64 % of them from knowledge, Table 5).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexes.tuning import TuningQuery

# Above every similarity but that of a sentence with itself.
ONLY_EQUAL = 0.9999


def serving_threshold(
    queries: Sequence[TuningQuery],
    score: Callable[[TuningQuery], NDArray[np.float32]],
    passed: Sequence[NDArray[np.bool_]],
    *,
    precision: float,
    min_answers: int = 20,
) -> float:
    """The lowest threshold at which answers from knowledge reach `precision`.

    Args:
        queries: Questions with candidates; plain ones are left out, as the emotion gate stops them before.
        score: Similarities of a question's candidates, float32 (n,), each in [0, 1].
        passed: For every question, which of its candidates are compared in service, bool (n,); the others count as
            wholly unlike.
        precision: Wanted share of right answers among those given, in [0, 1].
        min_answers: A precision measured on fewer answers is not believed.

    Returns:
        A threshold in [0, 1]; `ONLY_EQUAL` if the precision is not reached.
    """
    best: list[tuple[float, int]] = []
    for query, compared in zip(queries, passed, strict=True):
        if query.origin != "plain":
            scores = score(query) * compared
            place = int(scores.argmax())
            best.append((float(scores[place]), query.labels[place]))
    best.sort(key=lambda pair: -pair[0])
    scores_down = np.array([value for value, _ in best])
    reached = np.cumsum([right for _, right in best]) / np.arange(1, len(best) + 1)
    # Equal scores are answered together, so a cut may stand only where the score falls.
    falls = np.append(scores_down[1:] < scores_down[:-1], True) if best else np.array([], dtype=bool)
    good = np.flatnonzero(falls & (reached >= precision) & (np.arange(1, len(best) + 1) >= min_answers))
    if not len(good):
        return ONLY_EQUAL
    last = int(good[-1])
    below = float(scores_down[last + 1]) if last + 1 < len(best) else 0.0
    return (float(scores_down[last]) + below) / 2
