"""The paper's decision table, row by row, and the choice among candidates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.policy import Candidate, Decision, Recognised, best_match, decide, plausible

SURE = Recognised("anger", 0.9, sure=True)
UNSURE = Recognised("anger", 0.5, sure=False)
MATCH = Candidate("no_shipment-01", 0.95, frozenset({"anger"}))


@pytest.mark.parametrize(
    ("emotion", "topic", "match", "decision"),
    [
        (UNSURE, SURE, MATCH, Decision("none")),
        (UNSURE, None, None, Decision("none")),
        (SURE, SURE, MATCH, Decision("knowledge", "no_shipment-01")),
        (SURE, None, MATCH, Decision("knowledge", "no_shipment-01")),
        (SURE, SURE, None, Decision("emotion_topic")),
        (SURE, UNSURE, None, Decision("emotion")),
        (SURE, None, None, Decision("emotion")),
    ],
)
def test_the_most_specific_sure_comfort_wins(
    emotion: Recognised, topic: Recognised | None, match: Candidate | None, decision: Decision
) -> None:
    assert decide(emotion, topic, match) == decision


def candidate(entry: str, similarity: float, *emotions: str) -> Candidate:
    return Candidate(entry, similarity, frozenset(emotions or ("anger",)))


def test_best_match_is_strictly_above_the_threshold() -> None:
    assert best_match([candidate("a", 0.85)], emotion="anger", threshold=0.85) is None
    assert best_match([candidate("a", 0.8501)], emotion="anger", threshold=0.85) is not None


def test_best_match_passes_over_replies_written_for_another_emotion() -> None:
    found = best_match(
        [candidate("a", 0.99, "anger"), candidate("b", 0.9, "grateful")], emotion="grateful", threshold=0.8
    )
    assert found is not None
    assert found.entry == "b"


def test_equal_similarities_are_decided_by_id_not_by_order() -> None:
    pair = [candidate("b", 0.9), candidate("a", 0.9)]
    for order in (pair, pair[::-1]):
        found = best_match(order, emotion="anger", threshold=0.5)
        assert found is not None
        assert found.entry == "a"


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0, 1))
def test_best_match_is_the_maximum_above_the_threshold(similarities: list[float], threshold: float) -> None:
    found = best_match(
        [candidate(f"{n:02}", s) for n, s in enumerate(similarities)], emotion="anger", threshold=threshold
    )
    above = [s for s in similarities if s > threshold]
    assert (found.similarity if found else None) == (max(above) if above else None)


def test_best_match_passes_over_improbable_topics_but_not_over_the_same_sentence() -> None:
    likely = Candidate("b", 0.9, frozenset({"anger"}), topic_probability=0.2)
    unlikely = Candidate("a", 0.95, frozenset({"anger"}), topic_probability=0.19)
    found = best_match([unlikely, likely], emotion="anger", threshold=0.8, topic_threshold=0.2)
    assert found == likely
    same = Candidate("a", 1.0, frozenset({"anger"}), topic_probability=0.0)
    assert best_match([same, likely], emotion="anger", threshold=0.8, topic_threshold=0.2) == same


CANDIDATES = st.builds(
    Candidate,
    entry=st.sampled_from("abcd"),
    similarity=st.sampled_from((0.0, 0.5, 0.9, 1.0)),
    emotions=st.sampled_from((frozenset({"anger"}), frozenset({"anxious"}), frozenset({"anger", "anxious"}))),
    topic_probability=st.sampled_from((0.0, 0.2, 0.7)),
)


@given(st.lists(CANDIDATES), st.sampled_from((0.0, 0.5, 0.85)))
def test_leaving_out_implausible_candidates_changes_no_match(candidates: list[Candidate], threshold: float) -> None:
    settings = {"emotion": "anger", "topic_threshold": 0.2}
    worth = [c for c in candidates if plausible(c, **settings)]  # type: ignore[arg-type]
    every = best_match(candidates, threshold=threshold, **settings)  # type: ignore[arg-type]
    assert best_match(worth, threshold=threshold, **settings) == every  # type: ignore[arg-type]
