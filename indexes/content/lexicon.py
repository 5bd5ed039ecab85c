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
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexes.content.lexicon_words import (
    EmotionWord,
    Modifier,
    TopicWord,
    folded,
    read_emotion_words,
    read_modifiers,
    read_topic_words,
)
from indexes.content.taxonomy import Taxonomy

INSULTS = "abuse"
"""Wins over every other emotion: the labelling rule for insults."""
_FILLERS = frozenset((*"是有会要用必再让我的得地", "觉得", "感到", "感觉", "那么", "这么", "怎么"))
"""What may stand between a negation or degree word and the word it changes (不会生气, 没有那么着急)."""
_CHOICE_QUESTION = re.compile(r"(.+)[不没]\1")
"""是不是, 有没有: asks, does not deny."""
_FREE_MATCH_CHARS = 3
"""Words this long match anywhere; shorter ones only where the segmenter also sees their edges (not 急 in
紧急联系人)."""
_HALF_CONFIDENCE_SCORE = 1.0
"""The score at which the confidence is one half, if no other emotion shows."""


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
            self._emotions[folded(entry.word)].append(entry)
        self._topics: dict[str, list[str]] = defaultdict(list)
        for topic_word in topic_words:
            self._topics[folded(topic_word.word)].append(topic_word.topic)
        self._modifiers = {folded(modifier.word): modifier for modifier in modifiers}
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
            emotion_words=read_emotion_words(folder / "emotion_words.tsv", taxonomy),
            topic_words=read_topic_words(folder / "topic_words.tsv", taxonomy),
            modifiers=read_modifiers(folder / "modifiers.tsv"),
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
        factor, negated = self._after(compact, match.end), False
        position = match.start
        while (before := self._before(compact, edges, position)) is not None:
            pieces, position = before
            for modifier in (self._modifiers[piece] for piece in pieces if piece in self._modifiers):
                if modifier.kind == "negation":
                    negated = not negated
                else:
                    factor *= modifier.factor
        return 0.0 if negated else factor

    def _before(self, compact: str, edges: Sequence[int], end: int) -> tuple[list[str], int] | None:
        """The modifiers and fillers that end at `end`, and where they start; None if there are none."""
        for length in self._modifier_lengths:
            start = end - length
            if start >= 0 and compact[start:end] in self._modifiers and start in edges:
                return [compact[start:end]], start
        place = bisect.bisect_left(edges, end)
        if not 0 < place < len(edges) or edges[place] != end:
            return None
        start = edges[place - 1]
        pieces = self._pieces(compact[start:end])
        return (pieces, start) if pieces else None

    def _pieces(self, word: str) -> list[str]:
        """A word like 不会 cut into modifiers and fillers; nothing if that leaves a rest, or for 是不是."""
        pieces, position = [], 0
        lengths = sorted({*self._modifier_lengths, 1, 2}, reverse=True)
        while position < len(word):
            known = (word[position : position + length] for length in lengths)
            piece = next((piece for piece in known if piece in self._modifiers or piece in _FILLERS), None)
            if piece is None:
                return []
            pieces.append(piece)
            position += len(piece)
        return [] if _CHOICE_QUESTION.fullmatch(word) else pieces

    def _after(self, compact: str, start: int) -> float:
        """The factor of a degree word that follows directly (生气极了)."""
        for length in self._modifier_lengths:
            modifier = self._modifiers.get(compact[start : start + length])
            if modifier is not None and modifier.kind == "degree" and length > 1:
                return modifier.factor
        return 1.0


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
        own = folded(word)
        start = compact.find(own, position)
        if start < 0:
            continue
        position = start + len(own)
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
