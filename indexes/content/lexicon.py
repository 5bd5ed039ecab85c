"""The emotion lexicon: the understudy of the emotion classifier, and the pre-filter of annotation.

A word list with negation and degree. It answers inside the composer when the classifier is down, so it must
be fast, need nothing but the segmented text, and prefer silence to a wrong guess.

Source of the scheme: lexicon scoring with shifters and intensifiers (Taboada et al., 2011, "Lexicon-Based
Methods for Sentiment Analysis", sections 2.2-2.3), with one difference: a negated word says nothing (不生气
is not a sign of another emotion).
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from indexes.content.source import ContentError, Text, Written, read_table, validated
from indexes.content.taxonomy import Taxonomy

INSULTS = "abuse"
"""Wins over every other emotion: the labelling rule for insults."""
_FILLERS = frozenset((*"是有会要用必再让我的得地", "觉得", "感到", "感觉", "那么", "这么", "怎么"))
"""What may stand between a negation or degree word and the word it changes (不会生气, 没有那么着急)."""
_FREE_MATCH_CHARS = 3
"""Words this long match anywhere; shorter ones only where the segmenter also sees their edges (not 急 in
紧急联系人)."""
_HALF_CONFIDENCE_SCORE = 1.0
"""The score at which the confidence is one half, if no other emotion shows."""


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


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    word: str


class Lexicon:
    """Emotion words, topic words and modifiers."""

    def __init__(
        self,
        *,
        emotion_words: Sequence[EmotionWord],
        topic_words: Sequence[TopicWord],
        modifiers: Sequence[Modifier],
    ) -> None:
        self._emotions: dict[str, list[EmotionWord]] = defaultdict(list)
        for entry in emotion_words:
            self._emotions[_folded(entry.word)].append(entry)
        self._topics: dict[str, list[str]] = defaultdict(list)
        for topic_word in topic_words:
            self._topics[_folded(topic_word.word)].append(topic_word.topic)
        self._modifiers = {_folded(modifier.word): modifier for modifier in modifiers}
        self._emotion_lengths = _lengths(self._emotions)
        self._topic_lengths = _lengths(self._topics)
        self._modifier_lengths = _lengths(self._modifiers)

    @classmethod
    def read(cls, folder: Path, taxonomy: Taxonomy) -> Lexicon:
        """Reads `emotion_words.tsv`, `topic_words.tsv` and `modifiers.tsv` of `folder`.

        Raises:
            ContentError: a rule is broken.
        """
        return cls(
            emotion_words=_read_emotion_words(folder / "emotion_words.tsv", taxonomy),
            topic_words=_read_topic_words(folder / "topic_words.tsv", taxonomy),
            modifiers=_read_modifiers(folder / "modifiers.tsv"),
        )

    def emotion(self, words: Sequence[str], text: str) -> tuple[str, float] | None:
        """The emotion that the words show.

        Every emotion word found counts with its strength, multiplied by the degree words beside it; under a
        negation it counts nothing. Insults win; otherwise the largest sum.

        Args:
            words: the segmented text.
            text: the normalised text.

        Returns:
            (emotion id, confidence in (0, 1]) or None if no emotion shows. The confidence is the emotion's
            share of all emotion found, times s / (s + 1) for its sum s.
        """
        compact, edges = _compact(words, text)
        scores: dict[str, float] = defaultdict(float)
        for match in _matches(compact, edges, self._emotions, self._emotion_lengths):
            factor = self._factor(compact, edges, match)
            for entry in self._emotions[match.word]:
                scores[entry.emotion] += entry.strength * factor
        shown = {emotion: score for emotion, score in scores.items() if score > 0}
        if not shown:
            return None
        best = INSULTS if INSULTS in shown else min(shown, key=lambda emotion: (-shown[emotion], emotion))
        share = 1.0 if best == INSULTS else shown[best] / math.fsum(shown.values())
        return best, share * shown[best] / (shown[best] + _HALF_CONFIDENCE_SCORE)

    def topic(self, words: Sequence[str], text: str) -> tuple[str, float] | None:
        """The topic that most topic words name.

        Returns:
            (topic id, its share in (0, 1] of the topic words found) or None if there is none, or no clear
            first.
        """
        compact, edges = _compact(words, text)
        counts: dict[str, int] = defaultdict(int)
        for match in _matches(compact, edges, self._topics, self._topic_lengths):
            for topic in self._topics[match.word]:
                counts[topic] += 1
        ranked = sorted(counts.items(), key=lambda item: -item[1])
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            return None
        return ranked[0][0], ranked[0][1] / sum(counts.values())

    def _factor(self, compact: str, edges: Sequence[int], match: _Match) -> float:
        """The product of the modifiers around `match`; 0 under a negation."""
        factor, negated = 1.0, False
        position = match.start
        while (before := self._before(compact, edges, position)) is not None:
            word, position = before
            modifier = self._modifiers.get(word)
            if modifier is None:
                continue
            if modifier.kind == "negation":
                negated = not negated
            else:
                factor *= modifier.factor
        after = self._after(compact, match.end)
        return 0.0 if negated else factor * after

    def _before(self, compact: str, edges: Sequence[int], end: int) -> tuple[str, int] | None:
        """The modifier or filler that ends at `end`, the longest one, and where it starts."""
        for length in self._modifier_lengths:
            start = end - length
            if start >= 0 and compact[start:end] in self._modifiers and start in edges:
                return compact[start:end], start
        place = bisect.bisect_left(edges, end)
        if (
            place
            and place < len(edges)
            and edges[place] == end
            and compact[edges[place - 1] : end] in _FILLERS
        ):
            return compact[edges[place - 1] : end], edges[place - 1]
        return None

    def _after(self, compact: str, start: int) -> float:
        """The factor of a degree word that follows directly (生气极了)."""
        for length in self._modifier_lengths:
            modifier = self._modifiers.get(compact[start : start + length])
            if modifier is not None and modifier.kind == "degree" and length > 1:
                return modifier.factor
        return 1.0


def _folded(word: str) -> str:
    return word.lower().replace(" ", "")


def _lengths(
    words: dict[str, list[EmotionWord]] | dict[str, list[str]] | dict[str, Modifier],
) -> tuple[int, ...]:
    """The lengths that occur, longest first."""
    return tuple(sorted({len(word) for word in words}, reverse=True))


def _compact(words: Sequence[str], text: str) -> tuple[str, list[int]]:
    """`text` in lower case without spaces, and the positions at which a word begins or ends, ascending."""
    compact = "".join(text.lower().split())
    edges = {0, len(compact)}
    position = 0
    for word in words:
        folded = _folded(word)
        start = compact.find(folded, position)
        if start < 0:
            continue
        position = start + len(folded)
        edges |= {start, position}
    return compact, sorted(edges)


def _matches(
    compact: str,
    edges: Sequence[int],
    table: dict[str, list[EmotionWord]] | dict[str, list[str]],
    lengths: Sequence[int],
) -> list[_Match]:
    """The words of `table` in the text, from left to right, longest first, without overlap."""
    known_edges = frozenset(edges)
    found = []
    position = 0
    while position < len(compact):
        match = _match_at(compact, position, known_edges, table, lengths)
        if match is None:
            position += 1
        else:
            found.append(match)
            position = match.end
    return found


def _match_at(
    compact: str,
    start: int,
    edges: frozenset[int],
    table: dict[str, list[EmotionWord]] | dict[str, list[str]],
    lengths: Sequence[int],
) -> _Match | None:
    for length in lengths:
        end = start + length
        word = compact[start:end]
        aligned = length >= _FREE_MATCH_CHARS or (start in edges and end in edges)
        if end <= len(compact) and aligned and word in table:
            return _Match(start, end, word)
    return None


def _read_emotion_words(path: Path, taxonomy: Taxonomy) -> list[EmotionWord]:
    words: list[EmotionWord] = []
    seen: set[tuple[str, str]] = set()
    for row in read_table(path, ("word", "emotion", "strength")):
        cell = row.cells["strength"]
        strength = int(cell) if cell.isascii() and cell.isdigit() else cell
        word = validated(EmotionWord, {**row.cells, "strength": strength}, row.where)
        taxonomy.check_emotion(word.emotion, row.where, comfort=True)
        _once(seen, (_folded(word.word), word.emotion), row.where)
        words.append(word)
    return words


def _read_topic_words(path: Path, taxonomy: Taxonomy) -> list[TopicWord]:
    words: list[TopicWord] = []
    seen: set[tuple[str, str]] = set()
    for row in read_table(path, ("word", "topic")):
        word = validated(TopicWord, dict(row.cells), row.where)
        taxonomy.check_topic(word.topic, row.where)
        _once(seen, (_folded(word.word), word.topic), row.where)
        words.append(word)
    return words


def _read_modifiers(path: Path) -> list[Modifier]:
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
        _once(seen, (_folded(modifier.word), ""), row.where)
        modifiers.append(modifier)
    return modifiers


def _once(seen: set[tuple[str, str]], key: tuple[str, str], where: str) -> None:
    if key in seen:
        raise ContentError(f"{where}: word {key[0]!r}: is given twice; each may be given once")
    seen.add(key)
