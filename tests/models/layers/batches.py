"""Batches for layer tests: the same sentence alone, and among others in a longer padded batch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LENGTHS = (1, 2, 3, 4, 5, 9)


def sentences(width: int = 6) -> list[NDArray[np.float32]]:
    """Word vectors of one sentence of each length, all coordinates negative in the first.

    All-negative coordinates show a maximum that padding takes part in.
    """
    generator = np.random.default_rng(3)
    made = [generator.normal(size=(length, width)).astype(np.float32) for length in LENGTHS]
    made[0] = -np.abs(made[0])
    made[4] = -np.abs(made[4])
    return made


def padded(rows: list[NDArray[np.float32]], length: int, *, rubbish: bool = True) -> tuple[Tensor, Tensor]:
    """Vectors (batch, length, width) with rubbish where padded, and their mask (batch, length)."""
    generator = np.random.default_rng(4)
    width = rows[0].shape[1]
    vectors = generator.normal(size=(len(rows), length, width)).astype(np.float32) * (50 if rubbish else 0)
    mask = np.zeros((len(rows), length), dtype=bool)
    for place, row in enumerate(rows):
        vectors[place, : len(row)] = row
        mask[place, : len(row)] = True
    return torch.from_numpy(vectors), torch.from_numpy(mask)
