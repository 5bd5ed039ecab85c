"""The threshold a matcher serves with: chosen on questions with their recalled candidates, as it will meet them.

A threshold tuned on pairs does not carry over: in service the best of up to 20 candidates is compared with it, and
most emotional sentences match nothing (the paper answers 21.64 % of them from knowledge, Table 5).
"""

from collections.abc import Callable, Sequence

import numpy as np

from indexes.pairs import TuningQuery
from models.training.calibrate import precision_threshold


def serving_threshold(
    queries: Sequence[TuningQuery], score: Callable[[TuningQuery], Sequence[float]], *, precision: float
) -> float:
    """The lowest threshold at which answers from knowledge reach `precision`.

    Args:
        queries: Questions with candidates; plain ones are left out, as the emotion gate stops them before.
        score: Similarities of a question's candidates, each in [0, 1].
        precision: Wanted share of right answers among those given, in [0, 1].
    """
    best_scores, right = [], []
    for query in queries:
        if query.origin != "plain":
            scores = score(query)
            best = max(range(len(scores)), key=lambda place: scores[place])
            best_scores.append(scores[best])
            right.append(query.labels[best])
    return precision_threshold(
        np.array(best_scores, dtype=np.float32), np.array(right, dtype=np.int64), precision=precision
    )
