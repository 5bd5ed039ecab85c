"""MatchPyramid: convolutions over the matrix of word matches (Pang et al., AAAI 2016, arXiv 1602.06359)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.text.vocabulary import UNK

__all__ = ["MATCHES", "MatchPyramid", "dynamic_max_pool", "match_matrices"]

MATCHES = ("indicator", "cosine", "dot")
"""The matrices that `match_matrices` makes, in this order."""
_EPSILON = 1e-8


class MatchPyramid(nn.Module):
    """Two convolutions with dynamic pooling between them.

    Attributes:
        output_width: n_maps_2 x (pool_size // 2) ** 2.
    """

    def __init__(
        self,
        *,
        n_channels: int = 3,
        n_maps: tuple[int, int] = (8, 16),
        kernel_sizes: tuple[int, int] = (5, 3),
        pool_size: int = 8,
        longest: int = 80,
    ) -> None:
        """Make the layers.

        Args:
            n_channels: kinds of match in the input.
            n_maps: maps of the two convolutions (the paper: 8 and 16).
            kernel_sizes: their square kernels, odd (the paper: 5 and 3).
            pool_size: the grid that dynamic pooling fills, pool_size x pool_size, even.
            longest: rows and columns at most when the network is exported, where lengths are free.
        """
        super().__init__()
        first, second = kernel_sizes
        self._pool_size, self._longest = pool_size, longest
        self.first = nn.Conv2d(n_channels, n_maps[0], first, padding=first // 2)
        self.second = nn.Conv2d(n_maps[0], n_maps[1], second, padding=second // 2)
        self.output_width = n_maps[1] * (pool_size // 2) ** 2

    def forward(self, matches: Tensor, left_lengths: Tensor, right_lengths: Tensor) -> Tensor:
        """Read match matrices.

        Args:
            matches: float (batch, n_channels, left, right), zero outside every valid block.
            left_lengths: int64 (batch,), rows of the valid block.
            right_lengths: int64 (batch,), columns of the valid block.

        Returns:
            float (batch, output_width).
        """
        # With the maps of a place side by side, pooling copies whole rows; relu and maximum may change places.
        local = self.first(matches.contiguous(memory_format=torch.channels_last))
        longest = self._longest if torch.compiler.is_exporting() else None
        grid = dynamic_max_pool(local, left_lengths, right_lengths, size=self._pool_size, longest=longest)
        wide = self.second(functional.relu(grid.contiguous(memory_format=torch.channels_last)))
        return functional.relu(functional.max_pool2d(wide, 2)).flatten(1)


def match_matrices(left: Tensor, right: Tensor, left_keys: Tensor, right_keys: Tensor) -> Tensor:
    """Indicator, cosine and dot product of every pair of words.

    Args:
        left: float (batch, n, width), zero where padded.
        right: float (batch, m, width), zero where padded.
        left_keys: int64 (batch, n), equal keys are equal words; `PAD` and `UNK` equal nothing.
        right_keys: int64 (batch, m).

    Returns:
        float (batch, 3, n, m), zero outside the valid block. The dot product is divided by the root of the
        width so that the three channels have similar sizes.
    """
    equal = (left_keys.unsqueeze(2) == right_keys.unsqueeze(1)) & (left_keys.unsqueeze(2) > UNK)
    dot = torch.bmm(left, right.transpose(1, 2))
    norms = left.norm(dim=-1).unsqueeze(2) * right.norm(dim=-1).unsqueeze(1)
    cosine = dot / norms.clamp(min=_EPSILON)
    return torch.stack((equal.to(dot.dtype), cosine, dot / left.shape[-1] ** 0.5), dim=1)


def dynamic_max_pool(
    values: Tensor, left_lengths: Tensor, right_lengths: Tensor, *, size: int, longest: int | None = None
) -> Tensor:
    """Maximum over a size x size grid laid over every valid block (Pang et al., section 3.2).

    Equal to `adaptive_max_pool2d` on each block alone: cell i of n positions covers floor(i n / size) to
    ceil((i + 1) n / size), also for n < size.

    Args:
        values: float (batch, maps, left, right).
        left_lengths: int64 (batch,), rows of the valid block; 0 counts as 1.
        right_lengths: int64 (batch,), columns of the valid block; 0 counts as 1.
        size: cells a side.
        longest: what left and right never exceed; None for what they are. A network that is exported for free
            lengths must know how often to repeat a step.

    Returns:
        float (batch, maps, size, size).
    """
    batch, maps, n, m = values.shape
    rows = _pool_rows(values.permute(0, 2, 3, 1).reshape(batch, n, m * maps), left_lengths, size, longest or n)
    columns = rows.view(batch, size, m, maps).transpose(1, 2).reshape(batch, m, size * maps)
    return _pool_rows(columns, right_lengths, size, longest or m).view(batch, size, size, maps).permute(0, 3, 2, 1)


def _pool_rows(values: Tensor, lengths: Tensor, size: int, longest: int) -> Tensor:
    """Pool axis 1 of float (batch, n, width) to (batch, size, width); n is at most `longest`.

    A cell's rows are taken one after the other, each in one piece: gathering them all first, number by number, takes
    three times as long.
    """
    batch, n, width = values.shape
    cells = torch.arange(size, device=values.device)
    lengths = lengths.clamp(min=1).unsqueeze(1)
    firsts = torch.arange(batch, device=values.device).unsqueeze(1) * n
    starts = firsts + cells * lengths // size
    lasts = firsts + ((cells + 1) * lengths + size - 1) // size - 1
    rows = values.reshape(batch * n, width)
    pooled = rows.index_select(0, starts.flatten())
    for step in range(1, (longest + size - 1) // size + 1):  # the most rows that a cell of the longest text has
        pooled = torch.maximum(pooled, rows.index_select(0, torch.minimum(starts + step, lasts).flatten()))
    return pooled.view(batch, size, width)
