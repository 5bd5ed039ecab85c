"""The paper's decisions (sections 3 and 5) as pure functions: which strategy answers, given what the nodes said.

No ray, no clock, no randomness: everything a decision depends on is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.schema import Strategy


@dataclass(frozen=True, slots=True)
class Recognised:
    """A label with its probability and whether that is enough to act on."""

    label: str
    probability: float
    sure: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A knowledge entry with its similarity to the sentence and the emotions its reply is written for."""

    entry: str
    similarity: float
    emotions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy, and the entry that answers if it is `knowledge`."""

    strategy: Strategy
    entry: str | None = None


def best_match(candidates: Sequence[Candidate], *, emotion: str, threshold: float) -> Candidate | None:
    """The most similar candidate whose similarity is above `threshold` and whose reply is written for `emotion`.

    Strictly above, as in the paper. Equal similarities are decided by the entry's id, so that the choice does not
    depend on the order of recall.
    """
    fitting = [c for c in candidates if c.similarity > threshold and emotion in c.emotions]
    return min(fitting, key=lambda c: (-c.similarity, c.entry), default=None)


def decide(emotion: Recognised, topic: Recognised | None, match: Candidate | None) -> Decision:
    """The most specific comfort that is sure: knowledge, else emotion + topic, else emotion, else none.

    Args:
        emotion: What the Emotion node, or its understudy, recognised.
        topic: What the Topic node recognised; None if it gave no answer.
        match: What `best_match` returned; None if nothing fits or nothing was recalled in time.
    """
    if not emotion.sure:
        return Decision("none")
    if match is not None:
        return Decision("knowledge", match.entry)
    if topic is not None and topic.sure:
        return Decision("emotion_topic")
    return Decision("emotion")
