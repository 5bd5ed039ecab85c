"""The serving threshold, worked by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from graph.thresholds import ONLY_EQUAL, serving_threshold
from indexes.tuning import QueryOrigin, TuningQuery
from models.text.sentence import Sentence


def query(label: int, origin: QueryOrigin = "paraphrase") -> TuningQuery:
    return TuningQuery(Sentence("", ()), (0, 1), (label, 0), origin, "dev")


def scores(best: float) -> NDArray[np.float32]:
    """Of a query's two candidates."""
    return np.array([best, 0.1], dtype=np.float32)


BOTH = np.array([True, True])


def threshold(pairs: list[tuple[float, int]], *, precision: float, min_answers: int = 1) -> float:
    queries = [query(label) for _, label in pairs]
    found = {id(q): scores(score) for q, (score, _) in zip(queries, pairs, strict=True)}
    return serving_threshold(
        queries, lambda q: found[id(q)], [BOTH] * len(queries), precision=precision, min_answers=min_answers
    )


def test_the_lowest_threshold_that_reaches_the_precision() -> None:
    pairs = [(0.9, 1), (0.8, 1), (0.7, 0), (0.6, 1), (0.5, 0)]
    assert threshold(pairs, precision=1.0) == pytest.approx(0.75)
    assert threshold(pairs, precision=0.75) == pytest.approx(0.55)
    assert threshold(pairs, precision=0.6) == pytest.approx(0.25)


def test_equal_scores_are_answered_together() -> None:
    assert threshold([(0.9, 1), (0.8, 1), (0.8, 0), (0.3, 0)], precision=1.0) == pytest.approx(0.85)


def test_a_precision_that_is_not_reached_leaves_only_equal_sentences() -> None:
    assert threshold([(0.9, 0), (0.8, 1)], precision=0.9) == ONLY_EQUAL
    assert threshold([(0.9, 1), (0.8, 0)], precision=0.9, min_answers=2) == ONLY_EQUAL
    assert threshold([], precision=0.9) == ONLY_EQUAL


def test_plain_questions_do_not_count() -> None:
    queries = [query(1), query(0, "plain")]
    chosen = serving_threshold(queries, lambda _: scores(0.9), [BOTH, BOTH], precision=1.0, min_answers=1)
    assert chosen == pytest.approx(0.45)


def test_a_candidate_that_is_passed_over_is_not_the_best() -> None:
    # Its wrong one with 0.9 is passed over, so its best has 0.1.
    queries = [query(1), query(0)]
    passed = [BOTH, np.array([False, True])]
    chosen = serving_threshold(queries, lambda _: scores(0.9), passed, precision=1.0, min_answers=1)
    assert chosen == pytest.approx(0.5)
