"""The serving threshold, worked by hand."""

import pytest

from graph.thresholds import ONLY_EQUAL, serving_threshold
from indexes.tuning import QueryOrigin, TuningQuery
from models.text.sentence import Sentence


def query(label: int, origin: QueryOrigin = "paraphrase") -> TuningQuery:
    return TuningQuery(Sentence("", ()), (0, 1), (label, 0), origin, "dev")


def threshold(pairs: list[tuple[float, int]], *, precision: float, min_answers: int = 1) -> float:
    queries = [query(label) for _, label in pairs]
    scores = {id(q): (score, 0.0) for q, (score, _) in zip(queries, pairs, strict=True)}
    return serving_threshold(queries, lambda q: scores[id(q)], precision=precision, min_answers=min_answers)


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
    assert serving_threshold(queries, lambda _: (0.9, 0.1), precision=1.0, min_answers=1) == pytest.approx(0.45)
