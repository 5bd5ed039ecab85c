"""A linear model over character n-grams: the wide part beside MLC's deep one.

A linear model remembers exact strings, which averaged vectors blur; support vector machines on short texts live from
that ("wide and deep": Cheng et al., DLRS 2016). A gram is packed into one number and found by bisection inside the
network, so nothing is looked up in Python, and no two grams share a weight, but for those of characters outside the
table, which are one. `models.training.grams` fits the weights by a solver of their own; they take no part in the
network's training.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["LONGEST_GRAM", "MOST_CHARS", "CharGrams", "distinct_grams"]

_BITS = 16
MOST_CHARS = 2**_BITS
"""Characters of the table at most, so that each fits into its part of the number."""
LONGEST_GRAM = 64 // _BITS
"""Characters of the longest gram that fits into 64 bits."""
_UNSAID = 2000.0
"""Squared length of what every text is taken to say besides its grams: that of some forty grams of usual importance.
Without it a text of one gram would be as sure as one of fifty, in whose company the gram's weight was learned."""


def distinct_grams(rows: Tensor, *, longest: int) -> Tensor:
    """Every gram of each text once, as a number.

    Args:
        rows: int64 (batch, length), rows of the character table below `MOST_CHARS`, `PAD` on the right.
        longest: characters of the longest gram, at most `LONGEST_GRAM`.

    Returns:
        int64 (batch, n_grams), ascending but for zeros, which stand for grams that reach into the padding and for
        repetitions. Numbers of different lengths differ, as the last character of a gram is never `PAD`, which is 0.
    """
    grams = []
    for size in range(1, min(longest, rows.shape[1]) + 1):
        windows = rows.unfold(1, size, 1)
        packed = windows[:, :, 0]
        for place in range(1, size):
            packed = packed | (windows[:, :, place] << (_BITS * place))
        grams.append(torch.where(windows[:, :, -1] != 0, packed, 0))
    every = torch.cat(grams, dim=1).sort(dim=1).values
    repeated = torch.zeros_like(every, dtype=torch.bool)
    repeated[:, 1:] = every[:, 1:] == every[:, :-1]
    return every.masked_fill(repeated, 0)


class CharGrams(nn.Module):
    """A weight for every known gram and label, summed over the grams of a text, each counted once.

    Attributes:
        longest: characters of the longest gram.
        known: int64 (n_grams,), the grams as numbers, ascending.
        weights: float (n_grams + 1, n_labels); the last row, for grams that are not known, is 0.
        idf: float (n_grams + 1,), importance; the last is 0.
        bias: float (n_labels,).
        scale: float (), what the sum is multiplied by beside the deep logits.
    """

    known: Tensor
    weights: Tensor
    idf: Tensor
    bias: Tensor
    scale: Tensor

    def __init__(self, *, n_labels: int, n_grams: int, longest: int) -> None:
        """Start at zero.

        Args:
            n_labels: classes.
            n_grams: known grams, at least 1.
            longest: characters of the longest gram, 1 to `LONGEST_GRAM`.

        Raises:
            ValueError: a length that does not fit.
        """
        super().__init__()
        if not 1 <= longest <= LONGEST_GRAM:
            raise ValueError(f"longest={longest}: must be 1 to {LONGEST_GRAM} characters")
        self.longest, self._n_grams = longest, n_grams
        self.register_buffer("known", torch.zeros(n_grams, dtype=torch.int64))
        self.register_buffer("weights", torch.zeros(n_grams + 1, n_labels))
        self.register_buffer("idf", torch.zeros(n_grams + 1))
        self.register_buffer("bias", torch.zeros(n_labels))
        self.register_buffer("scale", torch.ones(()))

    def places(self, rows: Tensor) -> Tensor:
        """The row of every gram in `weights`, int64 (batch, n); the last row for what does not count.

        Args:
            rows: int64 (batch, length), `PAD` on the right; length at least 1.
        """
        grams = distinct_grams(rows, longest=self.longest)
        found = torch.searchsorted(self.known, grams).clamp(max=self._n_grams - 1)
        return torch.where(self.known[found] == grams, found, self._n_grams)

    def shares(self, places: Tensor) -> Tensor:
        """How much each gram counts: its importance, over the length of all and `_UNSAID`; float (batch, n)."""
        importance = self.idf[places]
        return importance * torch.rsqrt(importance.square().sum(dim=1, keepdim=True) + _UNSAID)

    def forward(self, rows: Tensor) -> Tensor:
        """Scaled distances from the planes, float (batch, n_labels)."""
        places = self.places(rows)
        sums = functional.embedding_bag(places, self.weights, per_sample_weights=self.shares(places), mode="sum")
        return self.scale * (sums + self.bias)
