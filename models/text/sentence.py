"""A sentence as every model and index sees it: normalised text and its words.

A customer's message is normalised and segmented once, by `models.text.segment.TextProcessor`, and the
result travels through the whole graph, so that no two parts of the system can disagree about what the words
are.
"""

from dataclasses import dataclass

__all__ = ["Sentence"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A normalised, segmented customer message.

    Attributes:
        text: the normalised text (a fixed point of `models.text.normalise.normalise`).
        words: its words in order, none of them blank; empty for an empty text.
    """

    text: str
    words: tuple[str, ...]

    @property
    def chars(self) -> tuple[str, ...]:
        """The characters of the text in order, without spaces."""
        return tuple(self.text.replace(" ", ""))
