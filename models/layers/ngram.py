"""Convolutions over n-grams with pooling over time (Kim, EMNLP 2014): the phrase-level branch of MLC."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.convolution import TextConvolution
from models.layers.pooling import first_positions, masked_max, masked_mean

__all__ = ["NGramCNN"]


class NGramCNN(nn.Module):
    """Filters of several widths, ReLU, then the maximum and the mean over time.

    The text is padded on the right with n - 1 zeros; exactly max(text length - n + 1, 1) positions count, so
    that a text shorter than n keeps one position and padding never takes part.

    Attributes:
        output_width: len(kernel_sizes) x n_filters x 2.
    """

    def __init__(self, *, width: int, n_filters: int = 16, kernel_sizes: Sequence[int] = (2, 3, 4)) -> None:
        """Make the filters.

        Args:
            width: width of the word vectors.
            n_filters: filters of each size (the paper: 16).
            kernel_sizes: words a filter sees (the paper: 2, 3, 4).
        """
        super().__init__()
        self._kernel_sizes = tuple(kernel_sizes)
        self.convolutions = nn.ModuleList(TextConvolution(width, n_filters, size) for size in kernel_sizes)
        self.output_width = len(self._kernel_sizes) * n_filters * 2

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Convolve and pool.

        Args:
            vectors: float (batch, length, width).
            mask: bool (batch, length).

        Returns:
            float (batch, output_width): for each size the maxima, then the means, of its filters.
        """
        tokens = vectors * mask.unsqueeze(-1)
        lengths = mask.sum(dim=1)
        pooled = []
        for size, convolution in zip(self._kernel_sizes, self.convolutions, strict=True):
            phrases = functional.relu(convolution(tokens))
            valid = first_positions((lengths - size + 1).clamp(min=1), phrases.shape[1])
            pooled += [masked_max(phrases, valid), masked_mean(phrases, valid)]
        return torch.cat(pooled, dim=1)
