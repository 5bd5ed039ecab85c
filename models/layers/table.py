"""The embedding table of a network: frequent tokens are tuned, the rest stays as it was trained.

Labelled texts are few and the vocabulary is large. Tokens that occur in the training texts come first in the
vocabulary and may be tuned; the words behind them, known only from the pretrained vectors, keep their
vectors, and no optimiser wastes time on them.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.text.vocabulary import PAD, UNK

__all__ = ["TokenTable"]


class TokenTable(nn.Module):
    """Token rows to vectors.

    Attributes:
        tuned: float (n_tuned, width), the trained rows, `PAD` and `UNK` included.
        fixed: float (n_tokens - n_tuned, width), the other rows.
        width: length of a vector.
    """

    fixed: Tensor

    def __init__(self, *, n_tokens: int, n_tuned: int, width: int, token_dropout: float = 0.0) -> None:
        """Make a table of zeros.

        Args:
            n_tokens: rows.
            n_tuned: how many of the first rows are trained, clipped to 2 .. n_tokens.
            width: length of a vector.
            token_dropout: share of tokens that training turns into `UNK`, so that `UNK` learns to stand for
                any word and no single word decides; in [0, 1).
        """
        super().__init__()
        n_tuned = min(max(n_tuned, UNK + 1), n_tokens)
        self.width = width
        self._token_dropout = token_dropout
        self.tuned = nn.Parameter(torch.zeros(n_tuned, width))
        self.register_buffer("fixed", torch.zeros(n_tokens - n_tuned, width))

    def start_from(self, vectors: NDArray[np.float32]) -> None:
        """Fill the table; vectors: float (n_tokens, width)."""
        rows = torch.as_tensor(vectors, dtype=torch.float32)
        n_tuned = self.tuned.shape[0]
        with torch.no_grad():
            self.tuned.copy_(rows[:n_tuned])
            self.fixed.copy_(rows[n_tuned:])

    def drop(self, rows: Tensor) -> Tensor:
        """The same rows; in training a share of them replaced by `UNK` (int64, any shape)."""
        if not self.training or self._token_dropout == 0.0:
            return rows
        dropped = torch.rand(rows.shape, device=rows.device) < self._token_dropout
        return rows.masked_fill(dropped & (rows != PAD), UNK)

    def forward(self, rows: Tensor) -> Tensor:
        """Look up.

        Args:
            rows: int64 (batch, length); a row outside the table is looked up as `UNK`.

        Returns:
            float (batch, length, width); zero where padded.
        """
        n_tuned, n_fixed = self.tuned.shape[0], self.fixed.shape[0]
        rows = rows.masked_fill(rows >= n_tuned + n_fixed, UNK)
        in_tuned = (rows < n_tuned).unsqueeze(-1)
        vectors = functional.embedding(rows.clamp(max=n_tuned - 1), self.tuned)
        if n_fixed:
            vectors = torch.where(in_tuned, vectors, functional.embedding((rows - n_tuned).clamp(min=0), self.fixed))
        return vectors * (rows != PAD).unsqueeze(-1)
