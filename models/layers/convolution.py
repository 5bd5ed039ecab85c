"""Convolutions along a text as one matrix product, for the layers that read phrases.

PyTorch's general convolutions are made for images: for a short text and few filters most of their time goes into
bringing both into their own order, for one sentence as well as for a batch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["TextConvolution"]


class TextConvolution(nn.Conv1d):
    """Filters that see a few tokens in a row: the parameters of `nn.Conv1d`, computed otherwise."""

    def __init__(self, width: int, n_filters: int, size: int, *, before: int = 0) -> None:
        """Make the filters.

        Args:
            width: width of a token's vector.
            n_filters: how many.
            size: tokens that a filter sees.
            before: places before the first token.
        """
        super().__init__(width, n_filters, size)
        self._size, self._before = size, before

    def forward(self, vectors: Tensor) -> Tensor:
        """Convolve, without any activation.

        One product of every token with every tap of every filter; its sums along the text are the convolution.

        Args:
            vectors: float (batch, length, width), zero where padded.

        Returns:
            float (batch, before + length, n_filters); place i sees tokens i - before to i - before + size - 1, those
            outside the text as zeros.
        """
        taps = self.weight.permute(2, 0, 1).flatten(0, 1)
        products = functional.pad(functional.linear(vectors, taps), (0, 0, self._before, self._size - 1))
        n_places = self._before + vectors.shape[1]
        phrases = products.new_zeros(()) if self.bias is None else self.bias
        for at, part in enumerate(torch.split(products, self.out_channels, dim=2)):
            phrases = phrases + part[:, at : at + n_places]
        return phrases
