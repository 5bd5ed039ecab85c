"""What is written to the feedback store and what is counted in it: plain values, without a database.

Made by `graph`, carried to the writer (`deployments.feedback`), stored by `indexes.feedback.store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NO_STRATEGY = "none"
"""The strategy of an answer to a sentence without emotion."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, as it is recorded.

    Attributes:
        request_id: names it; recording the same id again replaces the record.
        session: the session it belongs to: what is assigned to an arm, and rated once.
        at: seconds since the epoch.
        arm: `comfort` or `control`.
        emotion: the recognised label.
        probability: of that label, in [0, 1].
        topic: the recognised topic; None if there was none.
        strategy: the decided strategy. In the arm `control` it was not carried out.
        versions: of what took part, by role.
        degraded: roles whose understudy answered.
        text: the customer's sentence, where texts are kept.
    """

    request_id: str
    session: str
    at: float
    arm: str
    emotion: str
    probability: float
    topic: str | None
    strategy: str
    versions: Mapping[str, str | None]
    degraded: tuple[str, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """A customer's rating of a session, named by one of its answers, by itself, or by both.

    Attributes:
        satisfaction: the paper's labels: 1 very satisfied, 2 so-so, 3 unsatisfied.
        at: seconds since the epoch.
        request_id: an answer of the rated session.
        session: the rated session.
        comment: the customer's words, where texts are kept.
    """

    satisfaction: int
    at: float
    request_id: str | None = None
    session: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """How many answers of an arm were decided with a strategy."""

    arm: str
    strategy: str
    answers: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Rated sessions of an arm that contain an emotion and belong to a group, and how many of them gave label 1."""

    arm: str
    group: str
    rated: int
    satisfied: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """Everything the satisfaction report is computed from.

    `feelings` groups by `negative` and `grateful`. A session with several emotions or strategies is in the group of
    each. `mixed` counts rated sessions that were answered in both arms, because the share or the salt was changed
    meanwhile; they are in no group.
    """

    mixes: tuple[Mix, ...]
    overall: tuple[Tally, ...]
    feelings: tuple[Tally, ...]
    emotions: tuple[Tally, ...]
    strategies: tuple[Tally, ...]
    mixed: int
