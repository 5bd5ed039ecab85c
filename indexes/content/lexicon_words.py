"""The words of the emotion lexicon and their files.

`data/lexicons/` holds emotion words, topic words and modifiers; `indexes/content/lexicon.py` scores texts
with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from indexes.content.source import ContentError, Text, Written, read_table, validated
from indexes.content.taxonomy import Taxonomy


class EmotionWord(Written):
    """A word that shows an emotion, with a strength from 1 (weak) to 3 (unmistakable)."""

    word: Text
    emotion: str
    strength: Annotated[int, Field(ge=1, le=3)]


class TopicWord(Written):
    """A word that shows a topic."""

    word: Text
    topic: str


class Modifier(Written):
    """A word that changes the strength of its neighbour.

    Attributes:
        kind: a negation takes the neighbour's meaning away (two of them restore it); a degree word
            multiplies.
        factor: multiplier of a degree word, > 0; a negation's size is not used.
    """

    word: Text
    kind: Literal["negation", "degree"]
    factor: Annotated[float, Field(allow_inf_nan=False)]


def folded(word: str) -> str:
    """A word as it is compared: in lower case, without spaces."""
    return word.lower().replace(" ", "")


def read_emotion_words(path: Path, taxonomy: Taxonomy) -> list[EmotionWord]:
    """The rows of `emotion_words.tsv` (word, emotion, strength).

    Raises:
        ContentError: a rule is broken.
    """
    words: list[EmotionWord] = []
    seen: set[tuple[str, str]] = set()
    for row in read_table(path, ("word", "emotion", "strength")):
        cell = row.cells["strength"]
        strength = int(cell) if cell.isascii() and cell.isdigit() else cell
        word = validated(EmotionWord, {**row.cells, "strength": strength}, row.where)
        taxonomy.check_emotion(word.emotion, row.where, comfort=True)
        _once(seen, (folded(word.word), word.emotion), row.where)
        words.append(word)
    return words


def read_topic_words(path: Path, taxonomy: Taxonomy) -> list[TopicWord]:
    """The rows of `topic_words.tsv` (word, topic).

    Raises:
        ContentError: a rule is broken.
    """
    words: list[TopicWord] = []
    seen: set[tuple[str, str]] = set()
    for row in read_table(path, ("word", "topic")):
        word = validated(TopicWord, dict(row.cells), row.where)
        taxonomy.check_topic(word.topic, row.where)
        _once(seen, (folded(word.word), word.topic), row.where)
        words.append(word)
    return words


def read_modifiers(path: Path) -> list[Modifier]:
    """The rows of `modifiers.tsv` (word, kind, factor).

    Raises:
        ContentError: a rule is broken.
    """
    modifiers: list[Modifier] = []
    seen: set[tuple[str, str]] = set()
    for row in read_table(path, ("word", "kind", "factor")):
        try:
            factor = float(row.cells["factor"])
        except ValueError:
            raise ContentError(f"{row.where}: factor {row.cells['factor']!r}: must be a number") from None
        modifier = validated(Modifier, {**row.cells, "factor": factor}, row.where)
        if modifier.kind == "degree" and factor <= 0:
            raise ContentError(f"{row.where}: factor {factor}: a degree word's factor must be above 0")
        _once(seen, (folded(modifier.word), ""), row.where)
        modifiers.append(modifier)
    return modifiers


def _once(seen: set[tuple[str, str]], key: tuple[str, str], where: str) -> None:
    if key in seen:
        raise ContentError(f"{where}: word {key[0]!r}: is given twice; each may be given once")
    seen.add(key)
