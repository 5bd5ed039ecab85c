"""Normalisation: what it changes, and that it never changes its own result."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.text.normalise import normalise

SPECIAL = st.sampled_from(
    [
        *"！!?。啊AＡ1 \u3000\n\x00\x85\u200b\u200d\ud800\udc00\ufe0f\u20e3İﷺ…\u2028",
        *("&amp;", "&lt", ";", "<br>", "&#x20;"),
        *("12345", "😡", "👍🏽", "👩‍⚕️", "🇨🇳", "www.", "http://"),
    ]
)
ANY_CHARACTER = st.characters(codec=None, exclude_categories=())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("还没发？？？？？", "还没发??"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("啊啊啊啊啊啊好", "啊啊啊好"),
        ("哈哈哈", "哈哈哈"),
        ("1111元", "1111元"),
        ("订单123456789看看", "订单 数字 看看"),
        ("看 https://item.taobao.com/x?id=1 这个", "看 链接 这个"),
        ("www.jd.com", "链接"),
        ("气死我了😡", "气死我了 怒火中烧"),
        ("👍🏽", "拇指向上"),
        ("👍", "拇指向上"),
        ("a\u200bb\ud800c\x00\n\nd", "abc d"),
        ("  ", ""),
        ("", ""),
        ("。。。。", "。。"),
        ("好的&nbsp;&nbsp;谢谢", "好的 谢谢"),
        ("第一行<br/>第二行", "第一行 第二行"),
        ("&amp;amp;lt;b&amp;gt;", ""),
        ("我<3你 a<b>c", "我<3你 a c"),
    ],
)
def test_changes(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


@given(st.lists(st.one_of(SPECIAL, ANY_CHARACTER), max_size=30).map("".join))
@example("\ud83d\ude21" * 3)
@example("1\u200b2\u200b3\u200b4\u200b5")
@example("w\x00ww.\u200ba")
@example("🇨\u200b🇳")
@settings(max_examples=300, deadline=None)
def test_is_idempotent_and_printable(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once
    once.encode("utf-8")
    assert once == once.strip()
    assert not any(character in once for character in "\n\t\x00\u200b\u2028")
