"""A linear model over character n-grams: the wide part beside MLC's deep one.

A linear model remembers exact strings, which averaged vectors blur; support vector machines on short texts live from
that ("wide and deep": Cheng et al., DLRS 2016). The grams are hashed into buckets (Weinberger et al., ICML 2009)
inside the network, from the rows of the characters, so nothing is looked up in Python. `models.training.grams` fits
the weights by a solver of their own; they take no part in the network's training.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.text.vocabulary import PAD

__all__ = ["HashedGrams"]

_MULTIPLIER = 0x9E3779B1
"""Knuth's multiplicative hashing: 2^32 over the golden ratio."""


class HashedGrams(nn.Module):
    """A weight for every bucket and label, summed over the grams of a text.

    Attributes:
        weights: float (n_buckets, n_labels).
        bias: float (n_labels,).
        idf: float (n_buckets,), importance of a bucket.
        scale: float (), what the sum is multiplied by beside the deep logits.
    """

    weights: Tensor
    bias: Tensor
    idf: Tensor
    scale: Tensor

    def __init__(self, *, n_labels: int, n_buckets: int = 2**16, sizes: Sequence[int] = (1, 2, 3, 4)) -> None:
        """Start at zero.

        Args:
            n_labels: classes.
            n_buckets: different weights; grams that fall into one share it.
            sizes: characters of a gram.
        """
        super().__init__()
        self._sizes, self.n_buckets = tuple(sizes), n_buckets
        self.register_buffer("weights", torch.zeros(n_buckets, n_labels))
        self.register_buffer("bias", torch.zeros(n_labels))
        self.register_buffer("idf", torch.ones(n_buckets))
        self.register_buffer("scale", torch.zeros(()))

    def buckets(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The bucket of every gram.

        Args:
            rows: int64 (batch, length), `PAD` on the right; length at least 1.

        Returns:
            int64 (batch, n_grams), and bool (batch, n_grams), false where a gram reaches into the padding.
        """
        buckets, valid = [], []
        for size in self._sizes:
            if rows.shape[1] < size:
                continue
            windows = rows.unfold(1, size, 1)
            mixed = torch.full(windows.shape[:2], size, dtype=torch.int64, device=rows.device)
            for place in range(size):
                mixed = ((mixed ^ windows[:, :, place]) * _MULTIPLIER) & 0xFFFFFFFF
            buckets.append((mixed >> 8) % self.n_buckets)
            valid.append(windows[:, :, -1] != PAD)
        return torch.cat(buckets, dim=1), torch.cat(valid, dim=1)

    def shares(self, buckets: Tensor, valid: Tensor) -> Tensor:
        """How much each gram counts: its importance, over the length of all; float (batch, n_grams)."""
        return functional.normalize(self.idf[buckets] * valid, dim=1)

    def forward(self, rows: Tensor) -> Tensor:
        """Scaled distances from the planes, float (batch, n_labels)."""
        buckets, valid = self.buckets(rows)
        shares = self.shares(buckets, valid)
        sums = functional.embedding_bag(buckets, self.weights, per_sample_weights=shares, mode="sum")
        return self.scale * (sums + self.bias)
