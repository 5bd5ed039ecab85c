"""Writing: what replaces what, what is not known, and a model of the whole that any sequence of entries agrees with."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from indexes.feedback.entries import Answered, Rating
from indexes.feedback.store import FeedbackStore
from indexes.feedback.tables import answers, ratings
from tests.indexes.feedback.samples import answered, clear, rating


def rows(url: str) -> tuple[dict[str, Answered], dict[str, tuple[int, str | None]]]:
    """Everything in the store, read around it."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [row._asdict() for row in connection.execute(select(answers))]
        rated = [row._asdict() for row in connection.execute(select(ratings))]
    engine.dispose()
    for row in found:
        row["degraded"] = tuple(row["degraded"])
    return (
        {row["request_id"]: Answered(**row) for row in found},
        {row["session"]: (row["satisfaction"], row["comment"]) for row in rated},
    )


def test_an_answer_is_kept_whole(store: FeedbackStore, url: str) -> None:
    whole = answered("r", degraded=("topic", "deadline"), text="气死我了", topic=None)
    assert store.write([whole]) == [True]
    assert rows(url)[0] == {"r": whole}


def test_a_session_is_rated_once_by_whatever_names_it(store: FeedbackStore, url: str) -> None:
    store.write([answered("r1", "session:a"), answered("r2", "session:a"), answered("r3", "session:b")])
    given = [
        rating(3, request_id="r1"),
        rating(2, session="session:a"),
        rating(1, request_id="r2", session="session:a", comment="好"),
    ]
    assert store.write(given) == [True, True, True]
    assert rows(url)[1] == {"session:a": (1, "好")}


@pytest.mark.parametrize(
    "unknown",
    [
        rating(request_id="nobody"),
        rating(session="session:nobody"),
        rating(request_id="r", session="session:other"),
        rating(session="r"),
        rating(),
    ],
)
def test_what_is_not_recorded_cannot_be_rated(store: FeedbackStore, url: str, unknown: Rating) -> None:
    store.write([answered("r", "session:s"), answered("r2", "session:other")])
    assert store.write([unknown, rating(2, request_id="r")]) == [False, True]
    assert rows(url)[1] == {"session:s": (2, None)}


def test_an_answer_and_its_rating_may_come_together(store: FeedbackStore) -> None:
    assert store.write([rating(request_id="r"), answered("r")]) == [True, True]


NASTY = ["a\0b", "\u202ex", "😀" * 30, "'; DROP TABLE answers; --", "%s{}", " ", "\n"]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_can_be_an_id(store: FeedbackStore, text: str) -> None:
    assert store.write([answered(text, f"session:{text}", text=text)]) == [True]
    assert store.write([rating(request_id=text), rating(session=f"session:{text}", comment=text)]) == [True, True]


IDS = st.sampled_from(["a", "b", "c", "d"])
ENTRIES = st.one_of(
    st.builds(answered, IDS, IDS.map("session:{}".format), arm=st.sampled_from(["comfort", "control"])),
    st.builds(rating, st.integers(1, 3), request_id=IDS),
    st.builds(rating, st.integers(1, 3), session=IDS.map("session:{}".format)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ENTRIES, max_size=6), max_size=5))
def test_any_sequence_leaves_what_a_dictionary_would_hold(url: str, batches: list[list[Answered | Rating]]) -> None:
    clear(url) if url.startswith("postgresql") else Path(url.removeprefix("sqlite:///")).unlink(missing_ok=True)
    model_answers: dict[str, Answered] = {}
    model_ratings: dict[str, tuple[int, str | None]] = {}
    store = FeedbackStore.open(url)
    for batch in batches:
        said = store.write(batch)
        model_answers |= {entry.request_id: entry for entry in batch if isinstance(entry, Answered)}
        for entry, stored in zip(batch, said, strict=True):
            if isinstance(entry, Answered):
                assert stored
                continue
            found = model_answers.get(entry.request_id or "")
            sessions = {known.session for known in model_answers.values()}
            session = found.session if found else entry.session if entry.session in sessions else None
            assert stored == (session is not None)
            if session is not None:
                model_ratings[session] = (entry.satisfaction, None)
    store.close()
    assert rows(url) == (model_answers, model_ratings)


def test_two_writers_at_a_time_lose_nothing(store: FeedbackStore, url: str) -> None:
    def write(name: str) -> None:
        own = FeedbackStore.open(url)
        for number in range(20):
            own.write([answered(f"{name}{number}{k}") for k in range(5)] + [answered("shared"), answered("both")])
        own.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "xy"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(url)[0]) == 2 * 20 * 5 + 2


def test_old_entries_can_be_forgotten(store: FeedbackStore, url: str) -> None:
    store.write([answered("old", "session:old", at=10.0), answered("new", "session:new", at=20.0)])
    store.write([rating(at=11.0, request_id="old"), rating(at=21.0, request_id="new")])
    assert store.forget(before=15.0, most=10) == 1
    kept, rated = rows(url)
    assert (set(kept), set(rated)) == ({"new"}, {"session:new"})
    assert store.write([rating(request_id="old")]) == [False]


def test_old_entries_are_forgotten_so_many_at_once(store: FeedbackStore, url: str) -> None:
    store.write([answered(name, at=10.0) for name in "abc"] + [answered("new", at=20.0)])
    assert [store.forget(before=15.0, most=2) for _ in range(3)] == [2, 1, 0]
    assert set(rows(url)[0]) == {"new"}


@pytest.fixture
def reader(url: str, store: FeedbackStore) -> Iterator[FeedbackStore]:
    opened = FeedbackStore.open(url, create=False)
    yield opened
    opened.close()


def test_reading_does_not_wait_for_writing(store: FeedbackStore, reader: FeedbackStore) -> None:
    store.write([answered("r")])
    stop = time.monotonic() + 30
    done = threading.Event()

    def count() -> None:
        assert sum(mix.answers for mix in reader.tallies().mixes) == 1
        done.set()

    with store._writing() as connection:
        connection.execute(answers.update().values(arm="control"))
        threading.Thread(target=count).start()
        assert done.wait(stop - time.monotonic())
