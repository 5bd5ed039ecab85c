"""The readers of utterances and knowledge: what they keep and what they refuse."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.content.knowledge import KnowledgeStore
from indexes.content.source import ContentError
from indexes.content.splits import comparison_key, split_of
from indexes.content.taxonomy import Taxonomy
from indexes.content.utterances import UtteranceStore

ENTRY = """
- id: no_shipment-01
  topic: no_shipment
  emotions: [anxious, anger]
  question: 拍下好几天不发货，急死了
  paraphrases:
    - 付了钱一直没动静，等着用呢
  hard_negatives:
    - 今天拍下哪天发货
  reply: 等这么久心里肯定急，您可以在订单详情页点提醒发货。
"""


def read_knowledge(tmp_path: Path, text: str, taxonomy: Taxonomy, name: str = "no_shipment") -> KnowledgeStore:
    (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return KnowledgeStore.read(tmp_path, taxonomy)


def read_utterances(tmp_path: Path, rows: str, taxonomy: Taxonomy) -> UtteranceStore:
    (tmp_path / "some.tsv").write_text(f"emotion\ttopic\ttext\n{rows}", encoding="utf-8")
    return UtteranceStore.read(tmp_path, taxonomy)


def test_utterances_are_kept_as_written(tmp_path: Path, taxonomy: Taxonomy) -> None:
    store = read_utterances(tmp_path, "anger\tnone\t烦死了！！\nother\tno_shipment\t哪天发货\n", taxonomy)
    assert [(u.emotion, u.topic, u.text) for u in store.utterances] == [
        ("anger", None, "烦死了！！"),
        ("other", "no_shipment", "哪天发货"),
    ]
    assert store.utterances[1].where == f"{tmp_path / 'some.tsv'}:3"
    assert sum(len(store.of_split(split)) for split in ("train", "dev", "test")) == len(store) == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("rage\tnone\t烦", "some.tsv:2: emotion 'rage': must be one of fear"),
        ("anger\tweather\t烦", "some.tsv:2: topic 'weather': must be an id"),
        ("anger\tnone\t 烦", "some.tsv:2: text ' 烦': must not begin or end"),
        ("anger\tnone\t", "some.tsv:2: text '': String should have at least 1"),
        (f"anger\tnone\t{'烦' * 501}", "some.tsv:2: text .*at most 500"),
        ("anger\tnone\t烦\x07了", "some.tsv:2: text .*control characters"),
    ],
)
def test_broken_utterances_are_refused(tmp_path: Path, taxonomy: Taxonomy, row: str, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        read_utterances(tmp_path, row, taxonomy)


def test_an_empty_folder_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(ContentError, match=r"no \*\.tsv files"):
        UtteranceStore.read(tmp_path, taxonomy)
    with pytest.raises(ContentError, match=r"no \*\.yaml files"):
        KnowledgeStore.read(tmp_path, taxonomy)


def test_knowledge_is_kept_as_written(tmp_path: Path, taxonomy: Taxonomy) -> None:
    store = read_knowledge(tmp_path, ENTRY, taxonomy)
    entry = store.get("no_shipment-01")
    assert entry is not None
    assert entry.surfaces == ("拍下好几天不发货，急死了", "付了钱一直没动静，等着用呢")
    assert entry.emotions == ("anxious", "anger")
    assert store.get("no_shipment-02") is None
    assert len(store) == 1


def test_the_digest_follows_the_content(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first = read_knowledge(tmp_path, ENTRY, taxonomy).digest
    assert read_knowledge(tmp_path, f"# a note\n{ENTRY}", taxonomy).digest == first
    assert read_knowledge(tmp_path, ENTRY.replace("点提醒发货", "提醒发货"), taxonomy).digest != first


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "no_shipment-01",
            "no_shipment-x",
            r"yaml:2 \(no_shipment-x\): id 'no_shipment-x': String should match",
        ),
        ("no_shipment-01", "fake_goods-01", "id 'fake_goods-01': must be the topic 'no_shipment'"),
        ("topic: no_shipment", "topic: weather", "topic 'weather'"),
        ("[anxious, anger]", "[other]", "emotion 'other': must be one of fear"),
        ("[anxious, anger]", "[anger, anger]", "each may be given once"),
        ("[anxious, anger]", "[]", "emotions.*at least 1 item"),
        ("[anxious, anger]", "anger", "emotions 'anger': Input should be a valid tuple"),
        ("question: 拍下好几天不发货，急死了", "question: 5", "question 5: Input should be a valid string"),
        ("  reply:", "  answer:", "reply: Field required"),
        ("  reply:", "  note: 一\n  reply:", "note '一': Extra inputs are not permitted"),
    ],
)
def test_broken_knowledge_is_refused(tmp_path: Path, taxonomy: Taxonomy, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    with pytest.raises(ContentError, match=message) as caught:
        read_knowledge(tmp_path, ENTRY.replace(old, new), taxonomy)
    assert "no_shipment.yaml:2 (" in str(caught.value)


def test_ids_and_files_must_agree(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(ContentError, match=r"yaml:12: id 'no_shipment-01': is given twice"):
        read_knowledge(tmp_path, ENTRY + ENTRY, taxonomy)
    (tmp_path / "no_shipment.yaml").unlink()
    with pytest.raises(ContentError, match="topic 'no_shipment': must be the file's name"):
        read_knowledge(tmp_path, ENTRY, taxonomy, name="fake_goods")


def test_splits_are_stable_and_in_proportion() -> None:
    counts = Counter(split_of(f"family {number}") for number in range(20_000))
    assert counts["train"] == pytest.approx(16_000, rel=0.03)
    assert counts["dev"] == pytest.approx(2_000, rel=0.1)
    assert counts["test"] == pytest.approx(2_000, rel=0.1)
    assert [split_of(f"no_shipment-{number:02d}") for number in range(1, 9)] == [
        "train",
        "train",
        "train",
        "train",
        "test",
        "test",
        "train",
        "dev",
    ]


@given(text=st.text(max_size=30))
def test_spellings_of_a_sentence_share_a_key(text: str) -> None:
    key = comparison_key(text)
    assert comparison_key(f" {text}！？") in {key, f"{text}！？".strip()}
    assert comparison_key(key) == key or not key.isalnum()


def test_keys_by_hand() -> None:
    assert comparison_key("还没发？？ OK，Ａ1 ") == "还没发oka1"
    assert comparison_key("？？ ") == "？？"
