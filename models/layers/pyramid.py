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
    ) -> None:
        """Make the layers.

        Args:
            n_channels: kinds of match in the input.
            n_maps: maps of the two convolutions (the paper: 8 and 16).
            kernel_sizes: their square kernels, odd (the paper: 5 and 3).
            pool_size: the grid that dynamic pooling fills, pool_size x pool_size, even.
        """
        super().__init__()
        first, second = kernel_sizes
        self._pool_size = pool_size
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
        local = functional.relu(self.first(matches))
        grid = dynamic_max_pool(local, left_lengths, right_lengths, size=self._pool_size)
        return functional.max_pool2d(functional.relu(self.second(grid)), 2).flatten(1)


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


def dynamic_max_pool(values: Tensor, left_lengths: Tensor, right_lengths: Tensor, *, size: int) -> Tensor:
    """Maximum over a size x size grid laid over every valid block (Pang et al., section 3.2).

    Equal to `adaptive_max_pool2d` on each block alone: cell i of n positions covers floor(i n / size) to
    ceil((i + 1) n / size), also for n < size.

    Args:
        values: float (batch, maps, left, right).
        left_lengths: int64 (batch,), rows of the valid block; 0 counts as 1.
        right_lengths: int64 (batch,), columns of the valid block; 0 counts as 1.
        size: cells a side.

    Returns:
        float (batch, maps, size, size).
    """
    rows_pooled = _pool_rows(values, left_lengths, size)
    return _pool_rows(rows_pooled.transpose(2, 3), right_lengths, size).transpose(2, 3)


def _pool_rows(values: Tensor, lengths: Tensor, size: int) -> Tensor:
    """Pool axis 2 of float (batch, maps, n, m) to (batch, maps, size, m): gather the cells, then maximum."""
    batch, maps, n, m = values.shape
    cells = torch.arange(size, device=values.device)
    lengths = lengths.clamp(min=1).unsqueeze(1)
    starts = cells * lengths // size
    ends = ((cells + 1) * lengths + size - 1) // size
    widest = (n + size - 1) // size + 1
    places = torch.minimum(starts.unsqueeze(2) + torch.arange(widest, device=values.device), ends.unsqueeze(2) - 1)
    index = places.view(batch, 1, size * widest, 1).expand(batch, maps, size * widest, m)
    return values.gather(2, index).view(batch, maps, size, widest, m).amax(dim=3)
