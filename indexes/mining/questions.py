"""What customers asked: each distinct question once, masked, with how often and what people replied.

The first half of mining, from log lines to items that can be clustered; annotation selects from the same items.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from indexes.build import Segmenter
from indexes.content.splits import comparison_key
from indexes.mining.logs import UNMATCHED, LogLine
from models.text.personal import mask_personal
from models.text.sentence import Sentence

Progress = Callable[[str, int, int], None]
"""What is going on, how many are done, of how many."""

MAX_CHARS = 80
"""Longer texts tell a story or were pasted; they stand for no question of others."""
_MIN_CHARS = 2


@dataclass(frozen=True, slots=True)
class Question:
    """A distinct question.

    Attributes:
        text: its most frequent spelling, masked.
        sentence: normalised and segmented.
        frequency: how often it was asked.
        replies: what agents answered, masked, with how often; empty if the log has no agents.
    """

    text: str
    sentence: Sentence
    frequency: int
    replies: tuple[tuple[str, int], ...] = ()


def collect_questions(
    lines: Sequence[LogLine], segmenter: Segmenter, *, progress: Progress | None = None
) -> list[Question]:
    """The distinct questions of a log, the most frequent first (ties: shorter, then by text).

    Spellings that differ only in punctuation, width or case are one question. Lines of agents, lines that the service
    already matched or left to the ordinary bot, and lines that are too short or too long are left out.

    Args:
        lines: of the log, in order.
        segmenter: the text processor in use.
        progress: told every thousand lines.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    replies: dict[str, Counter[str]] = defaultdict(Counter)
    for number, (line, answer) in enumerate(_with_answers(lines), start=1):
        text = _clean(line.text)
        key = comparison_key(text)
        if sum(char.isalnum() for char in key) >= _MIN_CHARS and len(text) <= MAX_CHARS:
            spellings[key][text] += 1
            if answer:
                replies[key][_clean(answer)] += 1
        if progress is not None and (number % 1000 == 0 or number == len(lines)):
            progress("masking", number, len(lines))
    questions = [
        Question(
            text=min(spelt, key=lambda text: (-spelt[text], text)),
            sentence=segmenter.process(min(spelt, key=lambda text: (-spelt[text], text))),
            frequency=spelt.total(),
            replies=tuple(sorted(replies[key].items(), key=lambda item: (-item[1], item[0]))),
        )
        for key, spelt in spellings.items()
    ]
    found = [question for question in questions if question.sentence.words]
    return sorted(found, key=lambda question: (-question.frequency, len(question.text), question.text))


def _with_answers(lines: Sequence[LogLine]) -> Iterable[tuple[LogLine, str]]:
    """Each customer line worth mining with the first agent line that follows it in its conversation, "" for none."""
    answers = [""] * len(lines)
    next_answer: dict[str, str] = {}
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        if line.role == "agent":
            next_answer[line.session] = line.text
        else:
            answers[place] = next_answer.get(line.session, "")
    for line, answer in zip(lines, answers, strict=True):
        if line.role == "customer" and (not line.strategy or line.strategy in UNMATCHED):
            yield line, answer


def _clean(text: str) -> str:
    return " ".join(mask_personal(text).split())
