"""The paper's decisions (sections 3 and 5) as pure functions: which strategy answers, given what the nodes said.

No ray, no clock, no randomness: everything a decision depends on is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.schema import Strategy

SAME = 1.0
"""The similarity of a sentence with itself."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A label with its probability and whether that is enough to act on."""

    label: str
    probability: float
    sure: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A knowledge entry as a possible answer.

    Attributes:
        entry: its id.
        similarity: to the sentence, in [0, 1].
        emotions: those its reply is written for.
        topic_probability: how probable its topic is for the sentence; 1 where no topic is known.
    """

    entry: str
    similarity: float
    emotions: frozenset[str]
    topic_probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy, and the entry that answers if it is `knowledge`."""

    strategy: Strategy
    entry: str | None = None


def plausible(candidate: Candidate, *, emotion: str, topic_threshold: float) -> bool:
    """Whether a candidate may answer at all: its reply fits `emotion`, and its topic the sentence.

    A candidate whose topic is less probable than `topic_threshold` may not, unless it is the very same sentence.
    """
    fits = candidate.topic_probability >= topic_threshold or candidate.similarity >= SAME
    return fits and emotion in candidate.emotions


def best_match(
    candidates: Sequence[Candidate], *, emotion: str, threshold: float, topic_threshold: float = 0.0
) -> Candidate | None:
    """The most similar plausible candidate above `threshold`.

    Strictly above, as in the paper. Equal similarities are decided by the entry's id, so that the choice does not
    depend on the order of recall.
    """
    fitting = [
        candidate
        for candidate in candidates
        if candidate.similarity > threshold and plausible(candidate, emotion=emotion, topic_threshold=topic_threshold)
    ]
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
