"""What customers asked: each distinct question once, masked, with how often and what people replied.

The first half of mining, from log lines to items that can be clustered; annotation selects from the same items.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexes.build import Segmenter
from indexes.content.splits import comparison_key
from indexes.mining.logs import UNMATCHED, LogLine
from models.text.personal import mask_personal
from models.text.sentence import Sentence

Progress = Callable[[str, int, int], None]
"""What is going on, how many are done, of how many."""

Asked = tuple[str, str]
"""What a customer typed and what an agent replied, "" for nothing."""
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
    counts: Counter[Asked] = Counter()
    for number, (text, answer) in enumerate(asked_lines(lines), start=1):
        counts.update(masked([(text, answer)]))
        if progress is not None and (number % 1000 == 0 or number == len(lines)):
            progress("masking", number, len(lines))
    return distinct_questions(counts, segmenter)


def asked_lines(lines: Sequence[LogLine]) -> Iterable[Asked]:
    """The text of each customer line worth mining, with the text of the reply it got, "" for none."""
    return ((line.text, answer) for line, answer in _with_answers(lines))


def masked(asked: Iterable[Asked]) -> Counter[Asked]:
    """How often each text, masked, got each reply, masked; texts too short or too long are left out."""
    counts: Counter[Asked] = Counter()
    for raw, answer in asked:
        text = _clean(raw)
        if len(text) <= MAX_CHARS and sum(char.isalnum() for char in comparison_key(text)) >= _MIN_CHARS:
            counts[text, _clean(answer)] += 1
    return counts


def distinct_questions(counts: Mapping[Asked, int], segmenter: Segmenter) -> list[Question]:
    """The distinct questions among masked texts with their replies, as `collect_questions` orders them."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    replies: dict[str, Counter[str]] = defaultdict(Counter)
    for (text, answer), count in counts.items():
        key = comparison_key(text)
        spellings[key][text] += count
        if answer:
            replies[key][answer] += count
    # In the order of the texts, so that how the counts came together does not matter.
    questions = [
        _question(spelt, replies[key], segmenter) for key, spelt in sorted(spellings.items(), key=lambda item: item[0])
    ]
    found = [question for question in questions if question.sentence.words]
    return sorted(found, key=lambda question: (-question.frequency, len(question.text), question.text))


def _question(spelt: Counter[str], replies: Counter[str], segmenter: Segmenter) -> Question:
    text = min(spelt, key=lambda text: (-spelt[text], text))
    return Question(
        text=text,
        sentence=segmenter.process(text),
        frequency=spelt.total(),
        replies=tuple(sorted(replies.items(), key=lambda item: (-item[1], item[0]))),
    )


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
