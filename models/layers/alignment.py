"""Soft alignment: every token looks for its counterpart in the other sentence, and the two are compared.

In the manner of ESIM (Chen et al., ACL 2017, arXiv 1609.06038) and RE2 (Yang et al., ACL 2019, arXiv 1908.00300), with
convolutions instead of recurrences. What a token is in its own sentence does not depend on the other one, so `read` is
done once for the knowledge; only alignment, comparison and pooling are done for every pair.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.pooling import masked_max, masked_mean, masked_softmax

__all__ = ["Alignment"]


class Alignment(nn.Module):
    """Convolutional encoder, soft alignment, comparison, composition, pooling.

    Attributes:
        output_width: 3 x 2 x hidden.
    """

    def __init__(self, *, width: int, hidden: int = 128, kernel_size: int = 3, dropout: float = 0.2) -> None:
        """Make the layers.

        Args:
            width: width of the token vectors.
            hidden: width of everything inside.
            kernel_size: tokens a convolution sees, odd.
            dropout: before every layer, of the same features at all positions of a sentence (Gal and Ghahramani,
                2016): as good a regulariser as per position, and far fewer random numbers.
        """
        super().__init__()
        same = kernel_size // 2
        self.first = nn.Conv1d(width, hidden, kernel_size, padding=same)
        self.second = nn.Conv1d(hidden, hidden, kernel_size, padding=same)
        self.project = nn.Linear(width, hidden)
        self.temperature = nn.Parameter(torch.tensor(hidden**-0.5))
        self.fuse = nn.Linear(4 * hidden, hidden)
        self.compose = nn.Conv1d(hidden, hidden, kernel_size, padding=same)
        self._dropout_rate = dropout
        self.output_width = 6 * hidden

    def read(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Tokens in their sentence.

        Args:
            vectors: float (batch, length, width), zero where padded.
            mask: bool (batch, length).

        Returns:
            float (batch, length, hidden), zero where padded.
        """
        vectors = self._dropout(vectors)
        local = functional.gelu(self._convolve(self.first, vectors)) * mask.unsqueeze(-1)
        context = functional.gelu(self._convolve(self.second, self._dropout(local)))
        tokens: Tensor = (self.project(vectors) + context) * mask.unsqueeze(-1)
        return tokens

    def compare(self, left: Tensor, right: Tensor, left_mask: Tensor, right_mask: Tensor) -> Tensor:
        """Features of pairs, the same for (a, b) and (b, a).

        Args:
            left: float (batch, n, hidden), from `read`.
            right: float (batch, m, hidden).
            left_mask: bool (batch, n).
            right_mask: bool (batch, m).

        Returns:
            float (batch, output_width): sum, absolute difference and product of the two sentences' vectors.
        """
        scores = torch.bmm(left, right.transpose(1, 2)) * self.temperature
        there = masked_softmax(scores, right_mask.unsqueeze(1), dim=2)
        back = masked_softmax(scores, left_mask.unsqueeze(2), dim=1)
        u = self._compose(left, torch.bmm(there, right), left_mask)
        v = self._compose(right, torch.bmm(back.transpose(1, 2), left), right_mask)
        return torch.cat((u + v, (u - v).abs(), u * v), dim=1)

    def _compose(self, tokens: Tensor, aligned: Tensor, mask: Tensor) -> Tensor:
        """One sentence's vector, float (batch, 2 x hidden), from its tokens and their counterparts."""
        parts = torch.cat((tokens, aligned, tokens - aligned, tokens * aligned), dim=2)
        fused = functional.gelu(self.fuse(self._dropout(parts))) * mask.unsqueeze(-1)
        composed = fused + functional.gelu(self._convolve(self.compose, self._dropout(fused)))
        return torch.cat((masked_max(composed, mask), masked_mean(composed, mask)), dim=1)

    def _dropout(self, values: Tensor) -> Tensor:
        if not self.training or self._dropout_rate == 0.0:
            return values
        return values * functional.dropout(values.new_ones(len(values), 1, values.shape[2]), self._dropout_rate)

    @staticmethod
    def _convolve(layer: nn.Module, values: Tensor) -> Tensor:
        convolved: Tensor = layer(values.transpose(1, 2)).transpose(1, 2)
        return convolved
