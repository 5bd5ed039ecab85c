"""Cutter against jieba itself: thousands of utterances, and any text."""

import jieba
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configs.schema import PROJECT_ROOT
from load_tests.traffic import read_voices
from models.text.cutting import Cutter
from models.text.normalise import normalise

WORDS = ("运费险", "七天无理由", "cod")


@pytest.fixture(scope="module")
def tokenizer() -> jieba.Tokenizer:
    jieba.setLogLevel("CRITICAL")
    own = jieba.Tokenizer()
    for word in WORDS:
        own.add_word(word)
    return own


@pytest.fixture(scope="module")
def cutter(tokenizer: jieba.Tokenizer) -> Cutter:
    return Cutter(tokenizer)


def test_cuts_utterances_as_jieba_does(tokenizer: jieba.Tokenizer, cutter: Cutter) -> None:
    texts = [normalise(text) for text in read_voices(PROJECT_ROOT / "data").emotional[:5000]]
    assert len(texts) == 5000
    assert [cutter.cut(text) for text in texts] == [tokenizer.lcut(text) for text in texts]


# Mostly rare characters, so that runs of unknown ones are long and the Markov model decides.
RARE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=30)


@given(
    st.one_of(RARE, st.text(max_size=40), st.from_regex(r"[a-z0-9.%+#&\-_ 的了不货运费险\r\n]{0,30}", fullmatch=True))
)
@example("")
@example("\r\n \u3000")
@example("cod3.5%的運费险7天")
@settings(max_examples=400, deadline=None)
def test_cuts_any_text_as_jieba_does(tokenizer: jieba.Tokenizer, cutter: Cutter, text: str) -> None:
    assert cutter.cut(text) == tokenizer.lcut(text)
