"""Replies: strict reading, stable ids, and a choice that is random, reproducible and does not repeat."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.content.replies import Reply, ReplyStore, reply_id
from indexes.content.source import ContentError
from indexes.content.taxonomy import Taxonomy


def reply(text: str, emotion: str = "anger", topic: str | None = None) -> Reply:
    return Reply(id=reply_id(emotion, topic, text), emotion=emotion, topic=topic, strategy="reflect", text=text)


STORE = ReplyStore([*(reply(f"第{n}条") for n in range(5)), reply("另一条", topic="no_shipment")])
IDS = [entry.id for entry in STORE.of("anger", None)]


def read(tmp_path: Path, rows: str, taxonomy: Taxonomy) -> ReplyStore:
    (tmp_path / "general.tsv").write_text(f"emotion\ttopic\tstrategy\ttext\n{rows}", encoding="utf-8")
    return ReplyStore.read(tmp_path, taxonomy)


def test_replies_are_found_by_emotion_and_topic(tmp_path: Path, taxonomy: Taxonomy) -> None:
    store = read(tmp_path, "anger\tnone\treflect\t一\nanger\tno_shipment\tsuggest\t二\n", taxonomy)
    assert [entry.text for entry in store.of("anger", None)] == ["一"]
    assert [entry.text for entry in store.of("anger", "no_shipment")] == ["二"]
    assert store.of("fear", None) == ()
    assert store.choose("fear", None, seed="x", used=()) is None
    first = store.of("anger", None)[0]
    assert store.get(first.id) == first


def test_ids_do_not_depend_on_the_place(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first = read(tmp_path, "anger\tnone\treflect\t一\nanger\tnone\tsuggest\t二\n", taxonomy)
    second = read(tmp_path, "anger\tnone\tsuggest\t二\nfear\tnone\tsuggest\t三\nanger\tnone\tapologise\t一\n", taxonomy)
    assert {entry.id for entry in first.replies} <= {entry.id for entry in second.replies}
    assert first.version != second.version
    assert reply_id("anger", None, "一") == "r-05ce5cf815b1"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("other\tnone\treflect\t一", "general.tsv:2: emotion 'other'"),
        ("anger\tweather\treflect\t一", "general.tsv:2: topic 'weather'"),
        ("anger\tnone\tshout\t一", "general.tsv:2: strategy 'shout': Input should be 'restate'"),
        ("anger\tnone\treflect\t一\nanger\tnone\tsuggest\t一", "general.tsv:3: reply '一': is given twice"),
        ("anger\tnone\treflect\t一 ", "general.tsv:2: text '一 ': must not begin or end"),
    ],
)
def test_broken_replies_are_refused(tmp_path: Path, taxonomy: Taxonomy, rows: str, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        read(tmp_path, rows, taxonomy)


@given(seed=st.text(), used=st.lists(st.sampled_from([*IDS, "r-000000000000"])))
def test_a_choice_is_reproducible_and_among_the_least_used(seed: str, used: list[str]) -> None:
    chosen = STORE.choose("anger", None, seed=seed, used=used)
    assert chosen is not None
    assert chosen == STORE.choose("anger", None, seed=seed, used=list(reversed(used)))
    times = Counter(used)
    assert times[chosen.id] == min(times[entry_id] for entry_id in IDS)
    as_set = STORE.choose("anger", None, seed=seed, used=set(used))
    assert as_set is not None
    assert as_set.id not in used or set(IDS) <= set(used)


@given(seeds=st.lists(st.text(), min_size=10, max_size=10))
def test_nothing_repeats_until_all_were_used(seeds: list[str]) -> None:
    used: list[str] = []
    for seed in seeds:
        chosen = STORE.choose("anger", None, seed=seed, used=used)
        assert chosen is not None
        used.append(chosen.id)
    assert set(used[:5]) == set(used[5:]) == set(IDS)


def test_all_replies_are_chosen_equally_often() -> None:
    chosen = [STORE.choose("anger", None, seed=f"request {n}", used=()) for n in range(5000)]
    counts = Counter(entry.id for entry in chosen if entry)
    # Binomial with mean 1000 and standard deviation 28.
    assert all(850 < counts[entry_id] < 1150 for entry_id in IDS)
