"""Rows of numbers of different lengths, and batches padded only as far as each batch needs.

Every network here takes padded matrices; padding a whole data set to its longest sentence would cost most of
the time. `Ragged` keeps the rows end to end and pads just the rows asked for. Used by training and by the
knowledge side of `models.matcher`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.text.vocabulary import PAD

__all__ = ["Ragged", "bucketed"]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of different lengths, stored end to end.

    Attributes:
        values: int64 (sum of lengths,).
        starts: int64 (n,), where each row begins.
        lengths: int64 (n,).
    """

    values: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], *, max_length: int) -> "Ragged":
        """Store the first `max_length` numbers of every row."""
        kept = [row[:max_length] for row in rows]
        lengths = np.array([len(row) for row in kept], dtype=np.int64)
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        flat = [value for row in kept for value in row]
        return cls(np.array(flat, dtype=np.int64), starts, lengths)

    def padded(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The given rows, right-padded with `PAD` to the longest of them; int64 (len(rows), >= 1)."""
        lengths = self.lengths[rows]
        columns = np.arange(max(int(lengths.max(initial=0)), 1))
        inside = columns < lengths[:, None]
        places = np.where(inside, self.starts[rows][:, None] + columns, 0)
        if not len(self.values):
            return np.full(places.shape, PAD, dtype=np.int64)
        return np.where(inside, self.values[places], PAD)

    def __len__(self) -> int:
        return len(self.lengths)


def bucketed(
    lengths: NDArray[np.int64], *, batch_size: int, generator: np.random.Generator | None = None
) -> Iterator[NDArray[np.int64]]:
    """Batches of row numbers of similar length, so that little is padded.

    Args:
        lengths: int64 (n,).
        batch_size: rows a batch, >= 1.
        generator: shuffles rows within windows of about 50 batches, and the batches; None sorts by length.

    Yields:
        int64 (<= batch_size,); together every row once.
    """
    if generator is None:
        order = np.argsort(lengths, kind="stable")
        yield from (order[start : start + batch_size] for start in range(0, len(order), batch_size))
        return
    order = generator.permutation(len(lengths))
    window = 50 * batch_size
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), window):
        rows = order[start : start + window]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[place : place + batch_size] for place in range(0, len(rows), batch_size)]
    for index in generator.permutation(len(batches)):
        yield batches[index]
