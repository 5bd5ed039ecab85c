"""The limits of the data check, and what a written reply may not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NUMERAL = r"(?:\d+(?:\.\d+)?|[一二两三四五六七八九十百千半几]+)"
_AMOUNT_OR_SPAN = re.compile(
    rf"{_NUMERAL}\s*(?:个)?(?:小时|工作日|星期|礼拜)|{_NUMERAL}\s*(?:天|日|周|分钟|个月)(?:之内|以内|内)"
    rf"|\d+\s*(?:天|日|周|个月|分钟|元|块|%|倍|折)|{_NUMERAL}\s*(?:元|倍)|百分之"
)
_PROMISE = re.compile(r"马上到账|立即到账|立刻到账|一定(?:会)?赔|全额|包赔|保证退")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRules:
    """The limits.

    Attributes:
        min_utterances: labelled messages in all.
        min_utterances_per_emotion: of every emotion.
        min_utterances_per_topic: of every topic.
        min_entries: knowledge entries in all.
        min_entries_per_topic: of every topic.
        min_paraphrases: of every knowledge entry.
        min_hard_negatives: of every knowledge entry.
        min_replies_per_combination: of every emotion (but `other`) with every topic.
        min_general_replies: of every emotion (but `other`) without topic.
        reply_chars: least and most characters of a reply.
        knowledge_reply_chars: the same for the reply of a knowledge entry.
        similarity_chars: characters per gram when texts are compared.
        max_similarity: largest Jaccard similarity of two utterances, or two replies.
        max_surface_similarity: the same for sentences of one knowledge entry, on runs of two characters.
        opening_chars: how many characters make an opening.
        max_opening_share: largest share of a label's utterances that may open alike.
        max_reply_opening_share: the same for an emotion's replies.
        min_opening_rows: so many may always open alike.
    """

    min_utterances: int = 1
    min_utterances_per_emotion: int = 1
    min_utterances_per_topic: int = 1
    min_entries: int = 1
    min_entries_per_topic: int = 1
    min_paraphrases: int = 4
    min_hard_negatives: int = 2
    min_replies_per_combination: int = 1
    min_general_replies: int = 1
    reply_chars: tuple[int, int] = (25, 119)
    knowledge_reply_chars: tuple[int, int] = (40, 119)
    similarity_chars: int = 3
    max_similarity: float = 0.75
    max_surface_similarity: float = 0.5
    opening_chars: int = 5
    max_opening_share: float = 0.01
    max_reply_opening_share: float = 0.05
    min_opening_rows: int = 3


PROMISED = CheckRules(
    min_utterances=12_000,
    min_utterances_per_emotion=700,
    min_utterances_per_topic=200,
    min_entries=649,
    min_entries_per_topic=10,
    min_replies_per_combination=4,
    min_general_replies=12,
)
"""What data/README.md promises of the content that this project ships (649 entries: the paper, section 6.1)."""


def reply_problems(text: str, place: str, *, chars: tuple[int, int]) -> Iterator[str]:
    """The problems of one reply: its length, amounts, time spans and promises that a shop may not keep."""
    least, most = chars
    if not least <= len(text) <= most:
        yield f"{place}: reply of {len(text)} characters; must be {least} to {most}"
    for rule, pattern in (("amount or time span", _AMOUNT_OR_SPAN), ("promise", _PROMISE)):
        match = pattern.search(text)
        if match:
            yield f"{place}: {rule} {match.group()!r} in a reply; say it without"
