"""ABCNN-1, -2 and -3: BCNN whose convolution or pooling pays attention to the other sentence (Yin et al., TACL 2016).

Because every sentence is read with the other in view, nothing can be computed ahead; for evaluation beside BCNN.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.pooling import first_positions, masked_max, masked_mean

__all__ = ["ABCNN"]

_EPSILON = 1e-8


class ABCNN(nn.Module):
    """Wide convolutions with attention on their input (1), on their output (2) or on both (3).

    Attributes:
        output_width: a cosine for the input and for every block, and 3 x n_kernels for the last block's maxima.
    """

    def __init__(
        self,
        *,
        variant: Literal[1, 2, 3],
        width: int,
        max_length: int,
        n_kernels: int = 50,
        kernel_size: int = 3,
        n_blocks: int = 2,
    ) -> None:
        """Make the blocks.

        Args:
            variant: 1, 2 or 3. Attention on the output acts on what the next block reads, so 2 needs two blocks.
            width: width of the word vectors.
            max_length: s, longest sentence, which the attention features of variant 1 depend on.
            n_kernels: d1, kernels a block (the paper: 50).
            kernel_size: w, words a kernel sees.
            n_blocks: blocks, >= 1.
        """
        super().__init__()
        self._kernel_size = kernel_size
        self._on_input, self._on_output = variant in {1, 3}, variant in {2, 3}
        widths = [width, *([n_kernels] * n_blocks)]
        channels = 2 if self._on_input else 1
        self.blocks = nn.ModuleList(
            nn.Conv1d(channels * before, after, kernel_size, padding=kernel_size - 1)
            for before, after in pairwise(widths)
        )
        scale = max_length**-0.5
        self.attention = nn.ParameterList(
            nn.Parameter(scale * torch.randn(max_length, before)) for before, _ in pairwise(widths) if self._on_input
        )
        self.output_width = n_blocks + 1 + 3 * n_kernels

    def forward(self, left: Tensor, right: Tensor, left_mask: Tensor, right_mask: Tensor) -> Tensor:
        """Features of pairs, the same for (a, b) and (b, a).

        Args:
            left: float (batch, n, width), zero where padded; n at most `max_length`.
            right: float (batch, m, width).
            left_mask: bool (batch, n).
            right_mask: bool (batch, m).

        Returns:
            float (batch, output_width).
        """
        sims = [_cosine(masked_mean(left, left_mask), masked_mean(right, right_mask))]
        columns, valid = [left, right], [left_mask, right_mask]
        for level, block in enumerate(self.blocks):
            left, right = self._attended(level, left, right, left_mask, right_mask)
            pairs = ((left, left_mask), (right, right_mask))
            columns = [torch.tanh(block(side.transpose(1, 2))).transpose(1, 2) for side, _ in pairs]
            valid = [self._column_mask(side, mask) for side, (_, mask) in zip(columns, pairs, strict=True)]
            columns = [side * mask.unsqueeze(-1) for side, mask in zip(columns, valid, strict=True)]
            sims.append(_cosine(masked_mean(columns[0], valid[0]), masked_mean(columns[1], valid[1])))
            left, right = self._pooled(columns, valid, left_mask, right_mask)
        u, v = (masked_max(side, mask) for side, mask in zip(columns, valid, strict=True))
        return torch.cat((torch.stack(sims, dim=1), u + v, (u - v).abs(), u * v), dim=1)

    def _attended(
        self, level: int, left: Tensor, right: Tensor, left_mask: Tensor, right_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Section 4.1: the other sentence, as attention weights turned into features, is a second channel."""
        if not self._on_input:
            return left, right
        weights = self.attention[level]
        match = _match(left, right, left_mask, right_mask)
        there = match @ weights[: right.shape[1]] * left_mask.unsqueeze(-1)
        back = match.transpose(1, 2) @ weights[: left.shape[1]] * right_mask.unsqueeze(-1)
        return torch.cat((left, there), dim=2), torch.cat((right, back), dim=2)

    def _pooled(
        self, columns: list[Tensor], valid: list[Tensor], left_mask: Tensor, right_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """w-ap: means of w columns (section 3), or sums weighted by attention (section 4.2); back to word positions."""
        sides = columns
        if self._on_output:
            match = _match(columns[0], columns[1], valid[0], valid[1])
            weights = (match.sum(dim=2), match.sum(dim=1))
            sides = [self._kernel_size * side * w.unsqueeze(-1) for side, w in zip(columns, weights, strict=True)]
        left, right = (
            functional.avg_pool1d(side.transpose(1, 2), self._kernel_size, stride=1).transpose(1, 2) for side in sides
        )
        return left * left_mask.unsqueeze(-1), right * right_mask.unsqueeze(-1)

    def _column_mask(self, columns: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1)
        return first_positions(torch.where(lengths > 0, lengths + self._kernel_size - 1, 0), columns.shape[1])


def _match(left: Tensor, right: Tensor, left_mask: Tensor, right_mask: Tensor) -> Tensor:
    """1 / (1 + Euclidean distance) of every pair of columns, 0 where padded; float (batch, n, m)."""
    squares = (left**2).sum(dim=2).unsqueeze(2) + (right**2).sum(dim=2).unsqueeze(1)
    distance = (squares - 2 * torch.bmm(left, right.transpose(1, 2))).clamp(min=_EPSILON).sqrt()
    return (left_mask.unsqueeze(2) & right_mask.unsqueeze(1)) / (1.0 + distance)


def _cosine(left: Tensor, right: Tensor) -> Tensor:
    return functional.cosine_similarity(left, right, dim=1, eps=_EPSILON)
