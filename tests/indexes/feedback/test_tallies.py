"""What the report is computed from: worked by hand, and counted anew in Python for any answers and ratings."""

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes.feedback.entries import NO_STRATEGY, Answered, Mix, Rating, Tally
from indexes.feedback.store import FeedbackStore
from tests.indexes.feedback.samples import answered, clear, rating


def test_a_session_counts_once_in_each_group_it_belongs_to(store: FeedbackStore) -> None:
    store.write(
        [
            answered("1", "session:a", emotion="anger", strategy="knowledge"),
            answered("2", "session:a", emotion="anger", strategy="emotion"),
            answered("3", "session:a", emotion="grateful", strategy="emotion"),
            answered("4", "session:a", emotion="other", strategy="none"),
            answered("5", "session:b", arm="control", emotion="fear", strategy="emotion_topic"),
            answered("6", "session:calm", emotion="other", strategy="none"),
            answered("7", "session:unrated"),
            answered("8", "session:moved", arm="comfort"),
            answered("9", "session:moved", arm="control"),
        ]
    )
    store.write([rating(n, session=f"session:{s}") for n, s in ((1, "a"), (2, "b"), (1, "calm"), (1, "moved"))])
    found = store.tallies()
    assert found.overall == (Tally("comfort", "all", 1, 1), Tally("control", "all", 1, 0))
    assert found.feelings == (
        Tally("comfort", "grateful", 1, 1),
        Tally("comfort", "negative", 1, 1),
        Tally("control", "negative", 1, 0),
    )
    assert found.emotions == (
        Tally("comfort", "anger", 1, 1),
        Tally("comfort", "grateful", 1, 1),
        Tally("control", "fear", 1, 0),
    )
    assert found.strategies == (
        Tally("comfort", "emotion", 1, 1),
        Tally("comfort", "knowledge", 1, 1),
        Tally("control", "emotion_topic", 1, 0),
    )
    assert found.mixed == 1
    assert Mix("comfort", "knowledge", 3) in found.mixes
    assert sum(mix.answers for mix in found.mixes) == 9


SESSIONS = ["session:a", "session:b", "session:c"]
ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(SESSIONS),
        st.sampled_from(["comfort", "comfort", "control"]),
        st.sampled_from([("anger", "knowledge"), ("fear", "emotion"), ("grateful", "emotion"), ("other", "none")]),
        st.sampled_from([10.0, 20.0]),
    ),
    max_size=8,
)
RATINGS = st.dictionaries(st.sampled_from(SESSIONS), st.integers(1, 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=ANSWERS, rated=RATINGS, since=st.sampled_from([None, 15.0]))
def test_the_database_counts_like_python(
    url: str,
    given: list[tuple[str, str, tuple[str, str], float]],
    rated: dict[str, int],
    since: float | None,
) -> None:
    clear(url) if url.startswith("postgresql") else Path(url.removeprefix("sqlite:///")).unlink(missing_ok=True)
    store = FeedbackStore.open(url)
    entries = [
        answered(str(number), session, arm=arm, emotion=emotion, strategy=strategy, at=at)
        for number, (session, arm, (emotion, strategy), at) in enumerate(given)
    ]
    ratings: list[Answered | Rating] = [rating(value, session=session) for session, value in rated.items()]
    store.write([*entries, *ratings])
    found = store.tallies(since=since)
    store.close()
    recent = [entry for entry in entries if since is None or entry.at >= since]
    arms = {s: {e.arm for e in recent if e.session == s} for s in SESSIONS}
    emotional = [e for e in recent if e.strategy != NO_STRATEGY and e.session in rated]
    assert found.mixed == len({e.session for e in emotional if len(arms[e.session]) > 1})
    whole = [e for e in emotional if len(arms[e.session]) == 1]
    groups: dict[tuple[Tally, ...], Callable[[Answered], str]] = {
        found.overall: lambda _: "all",
        found.emotions: lambda e: e.emotion,
        found.strategies: lambda e: e.strategy,
        found.feelings: lambda e: "grateful" if e.emotion == "grateful" else "negative",
    }
    for tallies, group in groups.items():
        assert list(tallies) == counted(whole, rated, group)


def counted(entries: list[Answered], rated: dict[str, int], group: Callable[[Answered], str]) -> list[Tally]:
    keys = sorted({(entry.arm, group(entry)) for entry in entries})
    sessions = [{e.session for e in entries if (e.arm, group(e)) == key} for key in keys]
    return [
        Tally(arm, name, len(those), sum(rated[session] == 1 for session in those))
        for (arm, name), those in zip(keys, sessions, strict=True)
    ]
