"""Which part of the data a piece belongs to: train, dev or test.

Decided by a stable hash of the piece's family, so that it needs no list, never changes when other pieces come
or go, and keeps what belongs together in one part: all sentences of a knowledge entry, all spellings of an
utterance.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal

Split = Literal["train", "dev", "test"]

_NOT_WORD = re.compile(r"[\W_]+")


def split_of(family: str) -> Split:
    """The part of a family: 80 % train, 10 % dev, 10 % test."""
    digest = hashlib.sha256(family.encode("utf-8", "surrogatepass")).digest()
    tenth = int.from_bytes(digest[:8], "big") * 10 >> 64
    if tenth == 8:
        return "dev"
    return "test" if tenth == 9 else "train"


def query_split(text: str) -> Split:
    """The part of a sentence when it is asked and its matter is known; `text` is normalised.

    The paper splits the matching data by query, never by pair: the knowledge is known when it serves, what customers
    ask about it is not. The question, the title of an entry, is always known: callers count it to train.
    """
    return split_of(comparison_key(text))


def comparison_key(text: str) -> str:
    """`text` reduced to its letters, digits and Chinese characters, in lower case and normal width.

    Two texts with the same key are the same sentence. A text of nothing but punctuation is its own key.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    return _NOT_WORD.sub("", folded) or text.strip()
