"""What goes between the composer and the nodes.

Apart from the nodes, so that the composer, which computes nothing itself, loads neither torch nor a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from indexes.feedback.entries import Answered, Rating
from models.text.sentence import Sentence

OTHER = "other"
"""The label of a sentence without emotion, or without topic."""

Entry: TypeAlias = Answered | Rating


@dataclass(frozen=True, slots=True)
class Classified:
    """A classifier's view of one sentence.

    `probabilities` are calibrated and add up to 1 over all labels, `other` included; `label` is the most probable
    one. `certainty` is what the threshold bounds: Topic's is that of the label, Emotion's that there is an emotion at
    all. `version` names the model that said so.
    """

    label: str
    probability: float
    certainty: float
    threshold: float
    probabilities: Mapping[str, float]
    version: str

    @property
    def sure(self) -> bool:
        """The decision of the paper's section 5: not `other`, and above the threshold."""
        return self.label != OTHER and self.certainty > self.threshold


@dataclass(frozen=True, slots=True)
class Query:
    """A sentence to find candidates for, in the `index` version that the rows shall belong to."""

    sentence: Sentence
    index: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """A sentence with the index rows to compare it with; `index` is the version the rows belong to."""

    sentence: Sentence
    rows: tuple[int, ...]
    index: str


@dataclass(frozen=True, slots=True)
class Reranked:
    """Calibrated similarities in [0, 1], one per row in the order of `Candidates.rows`."""

    similarities: tuple[float, ...]
    threshold: float
    version: str


class Receipt(StrEnum):
    """What became of an entry."""

    STORED = "stored"
    """On disk."""
    UNKNOWN = "unknown"
    """A rating of an answer or session that is not recorded."""
    FULL = "full"
    """The store's disk is full."""
    UNAVAILABLE = "unavailable"
    """The store cannot be reached."""
