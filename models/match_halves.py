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
    CompileError,
    Compute,
    columns,
    compile_network,
    compile_reader,
    compiled_or_plain,
    example_rows,
)
from models.layers.bcnn import TowerOutput
from models.pbmatch import PBmatch
from models.readings import Reading, Side
from models.text.ragged import Ragged

__all__ = ["CompareHalf", "Flat", "Halves", "ReadHalf", "compile_halves"]

Flat: TypeAlias = tuple[Tensor, ...]
"""A side as plain tensors: the keys of each channel, levels and peaks of each channel, then the sentence vectors."""
_READ, _COMPARE = "matcher-read", "matcher-compare"


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
    def of(cls, model: PBmatch, folder: Path) -> "Halves | PBmatch":
        """The halves that `compile_halves` left in `folder`; the model itself if it cannot be halved."""
        if not _can_be_halved(model):
            return model
        read, compare = ReadHalf(model), CompareHalf(model)
        return cls(
            n_channels=len(model.channels),
            read=compiled_or_plain(read, folder, _READ),
            compare=compiled_or_plain(compare, folder, _COMPARE),
        )

    def read(self, words: Tensor, chars: Tensor) -> Side:
        """As `PBmatch.read`."""
        keys = (words, chars)[: self._n_channels]
        return _side((*keys, *self._read(words, chars)), self._n_channels)

    def compare(self, left: Side, right: Side) -> Tensor:
        """As `PBmatch.compare`."""
        logits: Tensor = self._compare(_flat(left), _flat(right))
        return logits


def compile_halves(model: PBmatch, folder: Path, *, words: Ragged, chars: Ragged) -> list[Path]:
    """Compile both halves for this processor.

    Args:
        model: in evaluation mode, on a processor.
        folder: as for `compile_network`.
        words: keys of real sentences, as for `compile_reader`.
        chars: likewise.

    Raises:
        CompileError: it cannot be compiled here.
    """
    if not _can_be_halved(model):
        raise CompileError("a matcher with soft alignment, or without BCNN, is not compiled")
    read = compile_reader(ReadHalf(model), folder, _READ, words=words, chars=chars)
    compare = CompareHalf(model)
    with torch.no_grad():
        side = model.read(*(torch.from_numpy(part.padded(example_rows(len(part))[0])) for part in (words, chars)))
        picked = [torch.from_numpy(rows) for rows in example_rows(len(side.readings[0].keys))]
        examples = [(_flat(side.rows(rows)), _flat(side.rows(rows.flip(0)))) for rows in picked]
    shapes = [_shapes(model, which, n_tensors=len(examples[0][0])) for which in ("asked", "known")]
    return [read, compile_network(compare, folder, _COMPARE, shapes=shapes, examples=examples)]


def _shapes(model: PBmatch, which: str, *, n_tensors: int) -> tuple[dict[int, object], ...]:
    keys = [{0: ROWS, 1: columns(f"{which}_{n}", channel.longest)} for n, channel in enumerate(model.channels)]
    return (*keys, *[{0: ROWS}] * (n_tensors - len(keys)))


def _can_be_halved(model: PBmatch) -> bool:
    return all(channel.tower is not None and channel.alignment is None for channel in model.channels)


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
