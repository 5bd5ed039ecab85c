"""The lexicon: strengths, degree and negation by hand-worked numbers, on really segmented text."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.content.lexicon import Lexicon
from indexes.content.lexicon_words import EmotionWord, Modifier, TopicWord
from indexes.content.source import ContentError
from indexes.content.taxonomy import Taxonomy
from models.text.segment import TextProcessor

FILES = {
    "emotion_words": "word\temotion\tstrength\n生气\tanger\t2\n急\tanxious\t1\n急死了\tanxious\t3\n"
    "垃圾\tabuse\t3\n满意\tgrateful\t2\n不满意\tdisappointed\t2\n失望\tdisappointed\t2\n"
    "sb\tabuse\t3\n火大\tanger\t2\n",
    "topic_words": "word\ttopic\n退款\turge_refund\n到账\turge_refund\n发货\tno_shipment\n",
    "modifiers": "word\tkind\tfactor\n不\tnegation\t-1\n没\tnegation\t-1\n没有\tnegation\t-1\n"
    "非常\tdegree\t1.5\n有点\tdegree\t0.5\n极了\tdegree\t1.5\n很\tdegree\t1.25\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def lexicon(folder: Path, taxonomy: Taxonomy) -> Lexicon:
    return Lexicon.read(folder, taxonomy)


def rounded(answer: tuple[str, float] | None) -> tuple[str, float] | None:
    return None if answer is None else (answer[0], round(answer[1], 6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我生气了", ("anger", 2 / 3)),
        ("我非常生气", ("anger", 3 / 4)),
        ("我有点生气", ("anger", 1 / 2)),
        ("生气极了", ("anger", 3 / 4)),
        ("我不生气", None),
        ("我没有很生气", None),
        ("我不会生气", None),
        ("不是不生气", ("anger", 2 / 3)),
        ("还不发货，生气", ("anger", 2 / 3)),
        ("快点啊急死了", ("anxious", 3 / 4)),
        ("请填紧急联系人", None),
        ("垃圾桶有货吗", None),
        ("你们就是垃圾，生气生气生气", ("abuse", 3 / 4)),
        ("什么SB客服", ("abuse", 3 / 4)),
        ("很满意", ("grateful", 2.5 / 3.5)),
        ("一点都不满意", ("disappointed", 2 / 3)),
        ("你们是不是垃圾", ("abuse", 3 / 4)),
        ("生气，也失望，火大", ("anger", 4 / 6 * 4 / 5)),
        ("请问几点上班", None),
        ("", None),
    ],
)
def test_emotions_by_hand(
    lexicon: Lexicon, processor: TextProcessor, text: str, expected: tuple[str, float] | None
) -> None:
    sentence = processor.process(text)
    found = lexicon.emotion(sentence.words, sentence.text)
    assert rounded(found) == rounded(expected)


def test_two_equal_emotions_are_told_apart_the_same_way_every_time(lexicon: Lexicon, processor: TextProcessor) -> None:
    answers = {
        lexicon.emotion(sentence.words, sentence.text)
        for sentence in map(processor.process, ("生气 失望", "失望 生气"))
    }
    assert {rounded(answer) for answer in answers} == {("anger", round(1 / 3, 6))}


def test_topics_by_majority(lexicon: Lexicon, processor: TextProcessor) -> None:
    sentence = processor.process("退款到账了吗，别的还没发货")
    assert lexicon.topic(sentence.words, sentence.text) == ("urge_refund", 2 / 3)
    tie = processor.process("退款还是发货")
    assert lexicon.topic(tie.words, tie.text) is None
    assert lexicon.topic((), "") is None


def test_words_that_do_not_fit_the_text_do_no_harm(lexicon: Lexicon) -> None:
    assert lexicon.emotion(("别的", "词"), "我生气") is None
    assert lexicon.emotion((), "快点急死了") == ("anxious", 3 / 4)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("emotion_words", "烦\tanger\t4", "emotion_words.tsv:11: strength 4: .*less than or equal to 3"),
        ("emotion_words", "烦\tanger\tx", "strength 'x': Input should be a valid integer"),
        ("emotion_words", "烦\tother\t1", "emotion 'other'"),
        ("emotion_words", "生气\tanger\t1", "word '生气': is given twice"),
        ("topic_words", "烦\tweather", "topic_words.tsv:5: topic 'weather'"),
        ("modifiers", "别\tforbid\t1", "modifiers.tsv:9: kind 'forbid'"),
        ("modifiers", "别\tnegation\tone", "factor 'one': must be a number"),
        ("modifiers", "太\tdegree\t0", "factor 0.0: a degree word's factor must be above 0"),
        ("modifiers", "太\tdegree\tnan", "finite"),
        ("modifiers", "非常\tdegree\t2", "word '非常': is given twice"),
    ],
)
def test_broken_lexicons_are_refused(folder: Path, taxonomy: Taxonomy, name: str, row: str, message: str) -> None:
    path = folder / f"{name}.tsv"
    path.write_text(f"{path.read_text(encoding='utf-8')}{row}\n", encoding="utf-8")
    with pytest.raises(ContentError, match=message):
        Lexicon.read(folder, taxonomy)


def test_the_parts_are_built_by_hand_too() -> None:
    lexicon = Lexicon(
        emotion_words=[EmotionWord(word="心凉", emotion="disappointed", strength=3)],
        topic_words=[TopicWord(word="快递", topic="slow_delivery")],
        modifiers=[Modifier(word="太", kind="degree", factor=2.0)],
    )
    assert lexicon.emotion(("太", "心凉"), "太心凉") == ("disappointed", 6 / 7)
