"""What travels between the composer and a node: work with its deadline, and for each item a value or a failure.

Failures are values, not exceptions, so that one bad or late item never fails the others of its batch and
nothing unpicklable crosses a process.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

Reason: TypeAlias = Literal["expired", "overloaded", "error"]


@dataclass(frozen=True, slots=True)
class Work(Generic[Item]):
    """One item and the moment after which nobody wants its result.

    `deadline` is absolute, in seconds since the epoch: the only clock that several machines share.
    """

    item: Item
    deadline: float

    def left_s(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.deadline - time.time()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no result: it came too late, the queue was full, or the node raised."""

    reason: Reason
    detail: str


Outcome: TypeAlias = Result | Failure


@dataclass(frozen=True, slots=True)
class Description:
    """What a node computes with, and the threshold its scores are compared with (None where there is none)."""

    version: str
    threshold: float | None


class Node(Protocol[ItemIn, ResultOut]):
    """A plain, synchronous node: a list in, a list of the same length and order out."""

    @property
    def version(self) -> str:
        """Names what it computes with."""
        ...

    @property
    def threshold(self) -> float | None:
        """What its scores are compared with; None where they are compared with nothing."""
        ...

    def many(self, items: Sequence[ItemIn]) -> Sequence[ResultOut]:
        """Results in the order of `items`; raises if any item cannot be computed."""
        ...
