"""SWEM: a sentence as a pooled bag of word vectors (Shen et al., ACL 2018, arXiv 1805.09843).

The sentence-level branch of MLC. No parameters; mean, maximum, both (the paper on emotional comfort uses
both) or the hierarchical pooling.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.pooling import first_positions, masked_max, masked_mean

__all__ = ["SWEM"]


class SWEM(nn.Module):
    """Pools word vectors over time.

    Attributes:
        output_width: width of the result: `width`, twice that for "concat".
    """

    def __init__(
        self, *, width: int, mode: Literal["aver", "max", "concat", "hier"] = "concat", window: int = 5
    ) -> None:
        """Choose the pooling.

        Args:
            width: width of the word vectors.
            mode: "aver" mean, "max" maximum, "concat" [mean; maximum], "hier" the maximum of window means.
            window: words a window of "hier" (section 3.3); a shorter text is one window.
        """
        super().__init__()
        self._mode = mode
        self._window = window
        self.output_width = 2 * width if mode == "concat" else width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Pool.

        Args:
            vectors: float (batch, length, width).
            mask: bool (batch, length).

        Returns:
            float (batch, output_width).
        """
        if self._mode == "aver":
            return masked_mean(vectors, mask)
        if self._mode == "max":
            return masked_max(vectors, mask)
        if self._mode == "concat":
            return torch.cat((masked_mean(vectors, mask), masked_max(vectors, mask)), dim=1)
        return self._hierarchical(vectors, mask)

    def _hierarchical(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Maximum over windows that lie inside the text of the mean inside the window."""
        lengths = mask.sum(dim=1)
        inside = functional.pad(vectors * mask.unsqueeze(-1), (0, 0, 0, self._window - 1))
        sums = inside.unfold(1, self._window, 1).sum(dim=-1)
        means = sums / lengths.clamp(1, self._window)[:, None, None]
        n_windows = (lengths - self._window + 1).clamp(min=1)
        return masked_max(means, first_positions(n_windows, mask.shape[1]) & mask)
