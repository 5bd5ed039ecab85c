"""What travels between the composer and a node: work with its deadline, and for each item a value or a failure.

Failures are values, not exceptions, so that one bad or late item never fails the others of its batch and
nothing unpicklable crosses a process.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

Reason: TypeAlias = Literal["expired", "overloaded", "not_held", "error"]


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
    """Why an item has no result.

    It came too late, the queue was full, the node does not hold the version asked for, or the node raised.
    """

    reason: Reason
    detail: str


Outcome: TypeAlias = Result | Failure


@dataclass(frozen=True, slots=True)
class Description:
    """What a node computes with, and the threshold its scores are compared with (None where there is none)."""

    version: str
    threshold: float | None


class Versioned(Protocol):
    """An item about one version of the index."""

    @property
    def index(self) -> str:
        """The version."""
        ...


VersionedItem = TypeVar("VersionedItem", bound=Versioned)
Edition = TypeVar("Edition")


def by_version(
    items: Sequence[VersionedItem],
    edition_of: Callable[[str], Edition | None],
    compute: Callable[[Edition, list[VersionedItem]], Sequence[Result]],
) -> list[Result | Failure]:
    """The results of items about several versions, in their order; a failure for a version that is not held.

    Args:
        items: Any number.
        edition_of: What a version is computed with; None if it is not held.
        compute: Results of items of one version, in their order.
    """
    outcomes: dict[int, Result | Failure] = {}
    for version in dict.fromkeys(item.index for item in items):
        places = [place for place, item in enumerate(items) if item.index == version]
        edition = edition_of(version)
        results: Sequence[Result | Failure] = (
            [Failure("not_held", f"index {version} is not held here")] * len(places)
            if edition is None
            else compute(edition, [items[place] for place in places])
        )
        outcomes |= zip(places, results, strict=True)
    return [outcomes[place] for place in range(len(items))]


class Node(Protocol[ItemIn, ResultOut]):
    """A plain, synchronous node: a list in, a list of the same length and order out."""

    @property
    def version(self) -> str:
        """Names what it computes with; asking lets a node look for a newer edition. Raises if it cannot work now."""
        ...

    @property
    def threshold(self) -> float | None:
        """What its scores are compared with; None where they are compared with nothing."""
        ...

    def many(self, items: Sequence[ItemIn]) -> Sequence[ResultOut | Failure]:
        """Results in the order of `items`; raises if any item cannot be computed."""
        ...
