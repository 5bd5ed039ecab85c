"""PBmatch's two halves as networks over plain tensors, which can be compiled (see `models.compiled`).

Only for a matcher that reads sentences into BCNN's vectors, as the one that is served does: the soft alignment reads
token by token. Used by `models.matcher`.
"""

from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from models.compiled import (
    ROWS,
    SHORTEST,
    Compute,
    columns,
    compile_network,
    compile_reader,
    compiled_or_plain,
    example_rows,
)
from models.layers.bcnn import TowerOutput
from models.libraries import CompileError, library_place
from models.pbmatch import PBmatch
from models.readings import Reading, Side
from models.text.ragged import Ragged

__all__ = ["LIBRARIES", "CompareHalf", "Flat", "Halves", "ReadHalf", "compile_halves"]

Flat: TypeAlias = tuple[Tensor, ...]
"""A side as plain tensors: the keys of each channel, levels and peaks of each channel, then the sentence vectors."""
LIBRARIES = ("matcher_read", "matcher_compare")
"""The names of both."""


class ReadHalf(nn.Module):
    """`PBmatch.read`."""

    def __init__(self, model: PBmatch) -> None:
        """Hold the model."""
        super().__init__()
        self.model = model

    def forward(self, words: Tensor, chars: Tensor) -> Flat:
        """The flat side without the keys, which would only be passed on; words and chars as for `PBmatch.read`."""
        return _flat(self.model.read(words, chars))[len(self.model.channels) :]


class CompareHalf(nn.Module):
    """`PBmatch.compare`."""

    def __init__(self, model: PBmatch) -> None:
        """Hold the model."""
        super().__init__()
        self.model = model

    def forward(self, left: Flat, right: Flat) -> Tensor:
        """Logits of pairs of flat sides, float (batch,)."""
        n_channels = len(self.model.channels)
        return self.model.compare(_side(left, n_channels), _side(right, n_channels))


class Halves:
    """Reads and compares as `PBmatch` does, each half compiled or not."""

    def __init__(self, *, n_channels: int, read: Compute, compare: Compute) -> None:
        """Hold both halves; they compute what `ReadHalf` and `CompareHalf` of the same model do."""
        self._n_channels, self._read, self._compare = n_channels, read, compare

    @classmethod
    def of(cls, model: PBmatch, folder: Path, version: str) -> "Halves | PBmatch":
        """The halves that `compile_halves` left in `folder`; the model itself if it cannot be halved."""
        if not _can_be_halved(model):
            return model
        read, compare = (library_place(folder, name, version) for name in LIBRARIES)
        return cls(
            n_channels=len(model.channels),
            read=compiled_or_plain(ReadHalf(model), read),
            compare=compiled_or_plain(CompareHalf(model), compare),
        )

    def read(self, words: Tensor, chars: Tensor) -> Side:
        """As `PBmatch.read`."""
        keys = (words, chars)[: self._n_channels]
        return _side((*keys, *self._read(words, chars)), self._n_channels)

    def compare(self, left: Side, right: Side) -> Tensor:
        """As `PBmatch.compare`."""
        logits: Tensor = self._compare(_flat(left), _flat(right))
        return logits


def compile_halves(model: PBmatch, folder: Path, version: str, *, words: Ragged, chars: Ragged) -> None:
    """Compile both halves for this processor.

    Args:
        model: in evaluation mode, on a processor.
        folder: of libraries.
        version: of the matcher's artifact.
        words: keys of real sentences, as for `compile_reader`.
        chars: likewise.

    Raises:
        CompileError: it cannot be compiled here.
    """
    if not _can_be_halved(model):
        rule = f"no soft alignment, BCNN, and more than {SHORTEST} words and characters a sentence"
        raise CompileError(f"the matcher has other parts than what can be compiled: {rule}")
    read, compare = (library_place(folder, name, version) for name in LIBRARIES)
    compile_reader(ReadHalf(model), read, words=words, chars=chars)
    groups = example_rows(chars.lengths)
    with torch.no_grad():
        sides = [model.read(*(torch.from_numpy(part.padded(rows)) for part in (words, chars))) for rows in groups]
    turned = [side.rows(torch.arange(len(rows)).flip(0)) for side, rows in zip(sides, groups, strict=True)]
    examples = [(_flat(left), _flat(right)) for left, right in zip(sides, turned, strict=True)]
    shapes = [_shapes(model, which, n_tensors=len(examples[0][0])) for which in ("asked", "known")]
    compile_network(CompareHalf(model), compare, shapes=shapes, examples=examples)


def _shapes(model: PBmatch, which: str, *, n_tensors: int) -> tuple[dict[int, object], ...]:
    keys = [{0: ROWS, 1: columns(f"{which}_{n}", channel.longest)} for n, channel in enumerate(model.channels)]
    return (*keys, *[{0: ROWS}] * (n_tensors - len(keys)))


def _can_be_halved(model: PBmatch) -> bool:
    return all(
        channel.tower is not None and channel.alignment is None and channel.longest > SHORTEST
        for channel in model.channels
    )


def _flat(side: Side) -> Flat:
    keys = [reading.keys for reading in side.readings]
    towers = [
        part for reading in side.readings if reading.tower for part in (reading.tower.levels, reading.tower.peaks)
    ]
    return (*keys, *towers, *([] if side.vectors is None else [side.vectors]))


def _side(tensors: Flat, n_channels: int) -> Side:
    keys, towers, vectors = tensors[:n_channels], tensors[n_channels : 3 * n_channels], tensors[3 * n_channels :]
    outputs = [TowerOutput(levels, peaks) for levels, peaks in zip(towers[::2], towers[1::2], strict=True)]
    readings = tuple(Reading(own, output, None) for own, output in zip(keys, outputs, strict=True))
    return Side(readings, vectors[0] if vectors else None)
