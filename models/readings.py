"""What PBmatch has read of a sentence alone: kept for the knowledge, made anew for every question.

`models.pbmatch` makes readings and compares them; `models.matcher` stores those of the knowledge and picks the rows
of the candidates.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.layers.bcnn import TowerOutput
from models.text.vocabulary import PAD, UNK, Vocabulary

__all__ = ["Reading", "Side", "join_sides", "match_keys"]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One channel's reading of a batch of sentences.

    Attributes:
        keys: int64 (batch, length), `PAD` on the right. A key below the size of the table is its row; a token
            outside the vocabulary has a larger key of its own, so that equal unknown words are seen as equal.
        tower: BCNN's output; None without BCNN.
        tokens: float (batch, length, hidden), what the alignment has read; None without alignment.
    """

    keys: Tensor
    tower: TowerOutput | None
    tokens: Tensor | None

    def rows(self, rows: Tensor, *, length: int | None = None) -> "Reading":
        """The readings of some sentences.

        Args:
            rows: int64 (n,).
            length: what to cut them to; None pads no further than they need, which waits for a GPU.
        """
        keys = self.keys[rows]
        longest = length
        if longest is None:
            longest = max(int((keys != PAD).sum(dim=1).max()), 1) if len(rows) else 1
        return Reading(
            keys[:, :longest],
            None if self.tower is None else self.tower.rows(rows),
            None if self.tokens is None else self.tokens[rows, :longest],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """All channels' readings of the same sentences.

    Attributes:
        readings: one for each channel.
        vectors: float (batch, width), the sentence encoder's vectors; None without encoder.
    """

    readings: tuple[Reading, ...]
    vectors: Tensor | None

    def rows(self, rows: Tensor, *, lengths: Sequence[int | None] = (None, None)) -> "Side":
        """The readings of some sentences; rows: int64 (n,); lengths: of each channel, as in `Reading.rows`."""
        vectors = None if self.vectors is None else self.vectors[rows]
        parts = zip(self.readings, lengths, strict=False)
        return Side(tuple(reading.rows(rows, length=length) for reading, length in parts), vectors)


def join_sides(sides: Sequence[Side]) -> Side:
    """One side of all sentences of several, in order; shorter keys are padded."""
    vectors = [side.vectors for side in sides if side.vectors is not None]
    return Side(
        tuple(_join(readings) for readings in zip(*(side.readings for side in sides), strict=True)),
        torch.cat(vectors) if vectors else None,
    )


def _join(readings: Sequence[Reading]) -> Reading:
    longest = max(reading.keys.shape[1] for reading in readings)
    keys = [functional.pad(r.keys, (0, longest - r.keys.shape[1]), value=PAD) for r in readings]
    towers = [reading.tower for reading in readings if reading.tower is not None]
    tokens = [functional.pad(r.tokens, (0, 0, 0, longest - r.keys.shape[1])) for r in readings if r.tokens is not None]
    return Reading(
        torch.cat(keys),
        TowerOutput(torch.cat([t.levels for t in towers]), torch.cat([t.peaks for t in towers])) if towers else None,
        torch.cat(tokens) if tokens else None,
    )


def match_keys(vocabulary: Vocabulary, tokens: Sequence[str]) -> list[int]:
    """Rows of known tokens; a token outside the vocabulary gets a key of its own beyond the table."""
    size = len(vocabulary)
    return [
        row if row != UNK else size + zlib.crc32(token.encode())
        for row, token in zip(vocabulary.encode(tokens), tokens, strict=True)
    ]
