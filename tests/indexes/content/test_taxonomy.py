"""The labels of the project, and taxonomies that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.content.source import ContentError
from indexes.content.taxonomy import Taxonomy

GOOD = """
emotions:
  anger: {zh: 生气, definition: 怒}
  other: {zh: 其他, definition: 无}
topics:
  slow_delivery: {zh: 物流太慢, definition: 慢}
"""


def read(tmp_path: Path, text: str) -> Taxonomy:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text, encoding="utf-8")
    return Taxonomy.read(path)


def test_the_projects_labels(taxonomy: Taxonomy) -> None:
    assert taxonomy.emotion_ids == (
        *("fear", "abuse", "disappointed", "aggrieved", "anxious", "anger", "grateful", "other"),
    )
    assert len(taxonomy.topic_ids) == 35
    assert {label.zh for label in taxonomy.emotions} >= {"害怕", "辱骂", "感谢"}
    assert taxonomy.comfort_emotion_ids == taxonomy.emotion_ids[:7]


def test_checks_know_the_labels(tmp_path: Path) -> None:
    taxonomy = read(tmp_path, GOOD)
    taxonomy.check_emotion("other", "x:1")
    taxonomy.check_topic(None, "x:1")
    with pytest.raises(ContentError, match="x:1: emotion 'rage': must be one of anger, other"):
        taxonomy.check_emotion("rage", "x:1")
    with pytest.raises(ContentError, match="x:1: emotion 'other': must be one of anger"):
        taxonomy.check_emotion("other", "x:1", comfort=True)
    with pytest.raises(ContentError, match="x:1: topic 'weather'"):
        taxonomy.check_topic("weather", "x:1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("other:", "Other:", "id 'Other': String should match pattern"),
        ("zh: 其他", "zh: 生气", "emotion zh '生气': is given twice"),
        ("definition: 慢", "meaning: 慢", "slow_delivery: definition: Field required"),
        ("zh: 物流太慢", "zh: ' 慢'", "must not begin or end with white space"),
        ("zh: 物流太慢", "zh: 5", "slow_delivery: zh 5: Input should be a valid string"),
        ("slow_delivery", "none", "topic 'none': is reserved"),
        ("topics:", "themes:", "exactly the keys emotions and topics"),
        ("  other: {zh: 其他, definition: 无}\n", "", r"emotions \['anger'\]: the last must be 'other'"),
        ("{zh: 物流太慢, definition: 慢}", "慢", "must be a mapping"),
    ],
)
def test_broken_taxonomies_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ContentError, match=message) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert "taxonomy.yaml" in str(caught.value)
