"""From a raw message to a `Sentence`: normalise once, segment once.

With `models.text.cutting` the only file that imports jieba. The processor is built once per process by whoever owns a
graph or a training run; its `version` is stored with every artifact and index, which refuse to work with another one,
because a word that is cut differently is a different word.
"""

import hashlib
import logging
import re
import unicodedata
import warnings
from collections.abc import Sequence
from importlib.metadata import version

from models.text.normalise import NORMALISER_VERSION, normalise
from models.text.sentence import Sentence

__all__ = ["TextProcessor", "segmenter_version"]

_JOINING_VERSION = "1"
"""Changes whenever `_joined` may answer differently; part of the version that artifacts record."""
_ALPHABET = re.compile("[\u00c0-\u1fff\ua640-\ud7ff]")
"""Scripts beyond ASCII that write words apart (Latin with accents, Greek, Cyrillic, Arabic, Hindi, Korean ...); jieba
knows none of them and cuts their words into characters."""


def segmenter_version(*, extra_words: Sequence[str] = ()) -> str:
    """The version of a `TextProcessor` with these added words, without loading a dictionary."""
    words = sorted({normalise(word) for word in extra_words} - {""})
    return f"normalise-{NORMALISER_VERSION}/jieba-{version('jieba')}/joined-{_JOINING_VERSION}{_mark(words)}"


class TextProcessor:
    """Normalises and segments messages with jieba's default dictionary and its hidden Markov model.

    In scripts that write words apart, a word is what stands between spaces and punctuation.

    Loading the dictionary takes about a second; it happens in the constructor. Afterwards `process` is pure
    and may be called from several threads.

    Attributes:
        version: names the normaliser, jieba and the added words; equal versions cut equal texts equally.
    """

    def __init__(self, *, extra_words: Sequence[str] = ()) -> None:
        """Load the dictionary.

        Args:
            extra_words: words of the trade that must not be cut apart, e.g. 运费险.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba's own sources and its cache file warn; neither is ours to fix
            import jieba  # noqa: PLC0415  (its import takes time and logs; only who segments pays for it)

            from models.text.cutting import Cutter  # noqa: PLC0415  (likewise)

            jieba.setLogLevel(logging.CRITICAL)
            tokenizer = jieba.Tokenizer()
            tokenizer.initialize()
        words = sorted({normalise(word) for word in extra_words} - {""})
        for word in words:
            tokenizer.add_word(word)
        self._cutter = Cutter(tokenizer)
        self.version = segmenter_version(extra_words=words)

    def process(self, raw: str) -> Sentence:
        """Normalise and segment one message.

        Args:
            raw: the message as typed; any string.

        Returns:
            The sentence; without words if nothing visible is left.
        """
        text = normalise(raw)
        cut = self._cutter.cut(text)
        if _ALPHABET.search(text):
            cut = _joined(cut)
        return Sentence(text=text, words=tuple(word for word in cut if not word.isspace()))


def _joined(cut: Sequence[str]) -> list[str]:
    """The same text with the pieces of words in other alphabets put together again."""
    words: list[str] = []
    for piece in cut:
        if words and _within_word(words[-1][-1], piece[0]):
            words[-1] += piece
        else:
            words.append(piece)
    return words


def _within_word(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word of an alphabet that jieba does not know."""
    return _is_letter(left) and _is_letter(right) and not (left.isascii() and right.isascii())


def _is_letter(char: str) -> bool:
    known = char.isascii() or _ALPHABET.match(char) is not None
    return known and (char.isalnum() or unicodedata.category(char)[0] == "M")


def _mark(words: Sequence[str]) -> str:
    return f"/{hashlib.sha256(chr(10).join(words).encode()).hexdigest()[:8]}" if words else ""
