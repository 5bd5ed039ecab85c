"""A weighted mean of token vectors whose weights are learned: SWEM's mean for retrieval."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.layers.table import TokenTable
from models.text.vocabulary import PAD, UNK

__all__ = ["WeightedMean"]


class WeightedMean(nn.Module):
    """Means of token vectors, every token with its own weight.

    Attributes:
        table: the vectors.
        importance: float (n_tokens,), first weights, e.g. inverse document frequencies.
        change: float (n_tuned,), logarithm of the learned factor on the first weights.
    """

    importance: Tensor

    def __init__(self, *, table: TokenTable, n_tokens: int) -> None:
        """Start with equal weights.

        Args:
            table: the vectors.
            n_tokens: rows of the table.
        """
        super().__init__()
        self.table = table
        self.register_buffer("importance", torch.ones(n_tokens))
        self.change = nn.Parameter(torch.zeros(table.tuned.shape[0]))

    def start_from(self, vectors: NDArray[np.float32], importance: NDArray[np.float32]) -> None:
        """Set vectors, float (n_tokens, width), and first weights, float (n_tokens,)."""
        self.table.start_from(vectors)
        self.importance.copy_(torch.as_tensor(importance, dtype=torch.float32))

    def forward(self, rows: Tensor) -> Tensor:
        """The mean of each row's tokens; int64 (batch, length) -> float (batch, width), zero if empty."""
        rows = self.table.drop(rows)
        n_tuned = len(self.change)
        factor = functional.embedding(rows.clamp(max=n_tuned - 1), self.change.unsqueeze(1)).squeeze(2).exp()
        factor = torch.where(rows < n_tuned, factor, torch.ones_like(factor))
        weights = self.importance[rows] * factor * ((rows != PAD) & (rows != UNK))
        summed = torch.bmm(weights.unsqueeze(1), self.table(rows)).squeeze(1)
        return summed / weights.sum(dim=1, keepdim=True).clamp(min=1e-8)
