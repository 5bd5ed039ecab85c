"""Normalisation of what customers type, before anything else looks at it.

Customers write full-width letters, rows of exclamation marks, emoji, order numbers and links; two messages
that differ only in these must look the same to every model, index and cache. `normalise` is pure and
idempotent, so a text may be normalised again without harm (a cache key, a stored surface). It is called by
`models.text.segment.TextProcessor`.
"""

import html
import re
import unicodedata
from functools import cache

import emoji

__all__ = ["NORMALISER_VERSION", "normalise"]

NORMALISER_VERSION = "2"
"""Changes whenever `normalise` may answer differently; part of the version that artifacts record."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# Only texts with one of these characters can hold an emoji; the search through the emoji table is slow, so
# it is skipped for the rest.
_MAYBE_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u20e3\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff\U000e0000-\U000e007f]"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_URL = re.compile(r"(?:https?://|www\.)[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LONG_NUMBER = re.compile(r"[0-9]{5,}")
_REPEATED_PUNCTUATION = re.compile(r"([^\w\s])\1{2,}")
_REPEATED_CHARACTER = re.compile(r"([^\W0-9])\1{3,}")
_SPACE = re.compile(r"\s+")
_VARIATION = re.compile("[\ufe00-\ufe0f]")
"""Choose between forms of the character before; printable, but invisible."""
_EMOJI_MODIFIER = re.compile(r"_?(?:较浅|中等-?浅|中等|中等-?深|较深|浅|深)肤色")
_PLAIN = re.compile("[\u4e00-\u9fff0-9a-z\u3001\u3002,?!~ ]*")


def normalise(raw: str) -> str:
    """Bring a message into its normal form.

    Lone surrogates, control, zero-width and private characters are removed; HTML that a chat window left behind
    (`&nbsp;`, `<br/>`) becomes what it stands for; widths are folded (NFKC) and
    letters lowered; emoji become their Chinese names; links become 链接 and runs of five digits or more
    数字; a mark repeated more than twice is kept twice, a character repeated more than three times is kept
    three times; white space is squeezed to single spaces and trimmed. The steps repeat until the text no
    longer changes, hence idempotent.

    Args:
        raw: any string, lone surrogates included.

    Returns:
        The normalised text; possibly empty.
    """
    text = raw
    while True:
        cleaned = _pass(text)
        if cleaned == text:
            return text
        text = cleaned


def _pass(text: str) -> str:
    if _PLAIN.fullmatch(text) is None:
        text = _SURROGATE.sub("", text)
        text = _TAG.sub(" ", html.unescape(text))
        if _MAYBE_EMOJI.search(text):
            _load_chinese_names()
            text = emoji.replace_emoji(text, replace=_emoji_word)
        text = unicodedata.normalize("NFKC", text).lower()
        if not text.isprintable() or _VARIATION.search(text):
            text = "".join(_visible(character) for character in text)
        text = _URL.sub(" 链接 ", text)
    text = _LONG_NUMBER.sub(" 数字 ", text)
    text = _REPEATED_PUNCTUATION.sub(r"\1\1", text)
    text = _REPEATED_CHARACTER.sub(r"\1\1\1", text)
    return _SPACE.sub(" ", text).strip()


def _visible(character: str) -> str:
    """The character itself, a space for any white space or line control, nothing for an invisible one."""
    if character.isspace():
        return " "
    invisible = unicodedata.category(character)[0] == "C" or _VARIATION.match(character)
    return "" if invisible else character


@cache
def _load_chinese_names() -> None:
    emoji.config.load_language("zh")


def _emoji_word(_: str, data: dict[str, str]) -> str:
    """The emoji's Chinese name without brackets and skin tones, set apart by spaces."""
    name = data.get("zh") or data["en"]
    words = _EMOJI_MODIFIER.sub("", name.strip(":")).replace("_", " ").replace("-", " ")
    return f" {words} "
