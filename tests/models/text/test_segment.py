"""The text processor: words cover the text, and its version tells dictionaries apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text.normalise import normalise
from models.text.segment import TextProcessor

PROCESSOR = TextProcessor()


def test_a_sentence_is_cut_into_words() -> None:
    sentence = PROCESSOR.process("快递怎么还没到！！！！")
    assert sentence.text == "快递怎么还没到!!"
    assert sentence.words == ("快递", "怎么", "还", "没到", "!", "!")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("¿Dónde está mi café?", ("¿", "dónde", "está", "mi", "café", "?")),
        ("где моя посылка?!", ("где", "моя", "посылка", "?", "!")),
        ("schön3 e-mail 3.5", ("schön3", "e", "-", "mail", "3.5")),
        ("एक किताब", ("एक", "किताब")),
        ("환불 언제", ("환불", "언제")),
        ("密码是café吗", ("密码", "是", "café", "吗")),
    ],
)
def test_words_of_other_alphabets_stay_whole(text: str, words: tuple[str, ...]) -> None:
    assert PROCESSOR.process(text).words == words


def test_an_empty_message_has_no_words() -> None:
    assert PROCESSOR.process(" \u200b\n").words == ()


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_words_are_the_text_without_spaces(raw: str) -> None:
    sentence = PROCESSOR.process(raw)
    assert "".join(sentence.words) == sentence.text.replace(" ", "")
    assert "".join(sentence.chars) == sentence.text.replace(" ", "")
    assert sentence.text == normalise(raw)
    assert all(word.strip() for word in sentence.words)


def test_extra_words_stay_whole_and_change_the_version() -> None:
    extended = TextProcessor(extra_words=["运费险", "保价"])
    assert "运费险" in extended.process("运费险没赔").words
    assert "运费险" not in PROCESSOR.process("运费险没赔").words
    assert extended.version != PROCESSOR.version
    assert TextProcessor(extra_words=["保价", "运费险"]).version == extended.version
