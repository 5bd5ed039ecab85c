"""BCNN: two sentences through one convolutional tower (Yin et al., TACL 2016, arXiv 1512.05193).

The tower reads one sentence at a time, so the knowledge side is computed once, when the index is built.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.convolution import TextConvolution
from models.layers.pooling import first_positions, masked_max, masked_mean

__all__ = ["BCNNTower", "TowerOutput", "similarities", "vector_features"]

_EPSILON = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class TowerOutput:
    """What the tower says about a batch of sentences.

    Attributes:
        levels: float (batch, sum of level widths): the all-ap vector of the input and of every block.
        peaks: float (batch, n_kernels): the maximum over the last block's convolution.
    """

    levels: Tensor
    peaks: Tensor

    def rows(self, rows: Tensor) -> "TowerOutput":
        """The outputs of some sentences; rows: int64 (n,)."""
        return TowerOutput(self.levels[rows], self.peaks[rows])


class BCNNTower(nn.Module):
    """Wide convolutions with tanh, w-ap pooling between blocks, all-ap pooling out of each.

    Attributes:
        level_widths: widths of the levels in `TowerOutput.levels`: the input, then every block.
    """

    def __init__(self, *, width: int, n_kernels: int = 50, kernel_size: int = 4, n_blocks: int = 1) -> None:
        """Make the blocks.

        Args:
            width: width of the word vectors.
            n_kernels: d1, kernels a block (the paper: 50).
            kernel_size: w, words a kernel sees.
            n_blocks: blocks, >= 1.
        """
        super().__init__()
        self._kernel_size = kernel_size
        widths = [width, *([n_kernels] * n_blocks)]
        self.level_widths: Sequence[int] = tuple(widths)
        self.blocks = nn.ModuleList(
            TextConvolution(before, after, kernel_size, before=kernel_size - 1) for before, after in pairwise(widths)
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> TowerOutput:
        """Read sentences.

        A text of n words has n + w - 1 valid convolution columns; only these are pooled. w-ap column j is the
        mean of columns j .. j + w - 1, and is zeroed beyond the text before the next block.

        Args:
            vectors: float (batch, length, width).
            mask: bool (batch, length).
        """
        lengths = mask.sum(dim=1)
        levels = [masked_mean(vectors, mask)]
        current = columns = vectors * mask.unsqueeze(-1)
        valid = mask
        for block in self.blocks:
            columns = torch.tanh(block(current))  # (batch, length + w - 1, n_kernels)
            # An empty text has no columns, not the w - 1 that only see zeros.
            counts = torch.where(lengths > 0, lengths + self._kernel_size - 1, 0)
            valid = first_positions(counts, columns.shape[1])
            levels.append(masked_mean(columns, valid))
            pooled = functional.avg_pool1d(columns.transpose(1, 2), self._kernel_size, stride=1).transpose(1, 2)
            current = pooled * mask.unsqueeze(-1)
        return TowerOutput(torch.cat(levels, dim=1), masked_max(columns, valid))


def similarities(left: TowerOutput, right: TowerOutput, level_widths: Sequence[int]) -> Tensor:
    """Cosine of the two sentences at every level, float (batch, len(level_widths)); Yin et al., section 3."""
    parts = zip(
        torch.split(left.levels, list(level_widths), dim=1),
        torch.split(right.levels, list(level_widths), dim=1),
        strict=True,
    )
    return torch.stack([functional.cosine_similarity(a, b, dim=1, eps=_EPSILON) for a, b in parts], dim=1)


def vector_features(left: TowerOutput, right: TowerOutput) -> Tensor:
    """Sum, absolute difference and product of the two peaks, float (batch, 3 x n_kernels).

    The hybrid CNN of Yu et al. (WSDM 2018) gives u, v, u - v and u * v; the symmetric sum and absolute
    difference replace the first three, because it must not matter which of two questions was asked first.
    """
    u, v = left.peaks, right.peaks
    return torch.cat((u + v, (u - v).abs(), u * v), dim=1)
