"""Character n-grams counted, as linear classifiers of texts do: the wide part beside MLC's deep one.

A linear model over n-grams remembers exact strings, which averaged vectors blur; it is what support vector machines on
short texts live from (Joulin et al., EACL 2017, hash n-grams into buckets in the same way; "wide and deep" is Cheng et
al., DLRS 2016). The grams are hashed inside the network, from the rows of the characters, so nothing is looked up in
Python.
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
    """

    def __init__(
        self, *, n_labels: int, n_buckets: int = 2**16, sizes: Sequence[int] = (1, 2, 3, 4), dropout: float = 0.3
    ) -> None:
        """Start at zero.

        Args:
            n_labels: classes.
            n_buckets: different weights; grams that fall into one share it.
            sizes: characters of a gram.
            dropout: share of grams that training hides.
        """
        super().__init__()
        self._sizes, self._n_buckets, self._dropout_rate = tuple(sizes), n_buckets, dropout
        self.weights = nn.Parameter(torch.zeros(n_buckets, n_labels))

    def buckets(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The bucket of every gram.

        Args:
            rows: int64 (batch, length), `PAD` on the right.

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
            buckets.append((mixed >> 8) % self._n_buckets)
            valid.append(windows[:, :, -1] != PAD)
        return torch.cat(buckets, dim=1), torch.cat(valid, dim=1)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits of texts, float (batch, n_labels): the sum of the weights over the root of the number of grams."""
        buckets, valid = self.buckets(rows)
        shares = valid.to(self.weights.dtype)
        shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=1.0).sqrt()
        if self.training:
            shares = functional.dropout(shares, self._dropout_rate)
        return functional.embedding_bag(buckets, self.weights, per_sample_weights=shares, mode="sum")
