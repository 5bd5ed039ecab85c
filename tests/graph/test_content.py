"""Content as the trainers get it: what is tuned or tested with is not learned from."""

import pytest

from configs.schema import PROJECT_ROOT
from graph.content import Content


@pytest.fixture(scope="module")
def content() -> Content:
    return Content(PROJECT_ROOT / "data")


def test_no_held_out_question_is_learned_from(content: Content) -> None:
    held_out = {s.text for split in ("dev", "test") for group in content.queries(split) for s in group}
    assert held_out
    for rows in (content.emotions("train"), content.topics("train")):
        assert not held_out & {sentence.text for sentence, _ in rows}
    assert not held_out & {sentence.text for group in content.queries("train") for sentence in group}


def test_the_parts_share_no_sentence(content: Content) -> None:
    parts = [{sentence.text for sentence, _ in content.emotions(split)} for split in ("train", "dev", "test")]
    shared = [len(a & b) / len(b) for a, b in zip(parts, parts[1:] + parts[:1], strict=True)]
    assert max(shared) < 0.005  # messages that only normalising makes equal


def test_every_title_is_known(content: Content) -> None:
    assert all(group for group in content.queries("train"))
