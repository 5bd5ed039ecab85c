"""MLC, the multi-level classifier of emotions and topics (section 4 of the paper on emotional comfort).

Three readings of the same word vectors, of the sentence (SWEM), of its phrases (n-gram CNN) and of its fit to
the labels (LEAM), are concatenated, and one affine layer decides; everything is trained together. A second
channel reads characters in the same way, because customers' typos and new words break words, not characters.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.layers.grams import CharGrams
from models.layers.leam import LEAM
from models.layers.ngram import NGramCNN
from models.layers.swem import SWEM
from models.layers.table import TokenTable
from models.text.vocabulary import PAD

__all__ = ["BRANCHES", "MLC", "Channel"]

BRANCHES = ("swem", "cnn", "leam")
"""MLC's own."""
_KNOWN = (*BRANCHES, "swem_hier")


class Channel(nn.Module):
    """Words or characters, read by the chosen branches.

    Attributes:
        table: their vectors.
        branches: the branches by name.
        output_width: width of the features.
        z_slice: where LEAM's z lies in the features; None without LEAM.
    """

    def __init__(
        self,
        *,
        table: TokenTable,
        branches: Sequence[str],
        n_described: int,
        n_filters: int,
        kernel_sizes: Sequence[int],
        radius: int,
        window: Literal["shared", "full"],
    ) -> None:
        """Make the branches; the numbers are those of `MLC`."""
        super().__init__()
        width = table.width
        self.table = table
        self.branches = nn.ModuleDict()
        self.output_width = 0
        self.z_slice: slice | None = None
        if "swem" in branches:
            self.branches["swem"] = SWEM(width=width)
            self.output_width += 2 * width
        if "swem_hier" in branches:
            self.branches["swem_hier"] = SWEM(width=width, mode="hier")
            self.output_width += width
        if "cnn" in branches:
            cnn = NGramCNN(width=width, n_filters=n_filters, kernel_sizes=kernel_sizes)
            self.branches["cnn"] = cnn
            self.output_width += cnn.output_width
        if "leam" in branches:
            self.branches["leam"] = LEAM(n_labels=n_described, width=width, radius=radius, window=window)
            self.z_slice = slice(self.output_width, self.output_width + width)
            self.output_width += width

    @property
    def leam(self) -> LEAM | None:
        """The LEAM branch, if there is one."""
        branch = dict(self.branches.items()).get("leam")
        return branch if isinstance(branch, LEAM) else None

    def forward(self, rows: Tensor) -> Tensor:
        """Features of sentences; rows: int64 (batch, length) -> float (batch, output_width)."""
        vectors = self.table(self.table.drop(rows))
        mask = rows != PAD
        return torch.cat([branch(vectors, mask) for branch in self.branches.values()], dim=1)


class MLC(nn.Module):
    """The multi-level classifier.

    Attributes:
        words: the channel of words.
        chars: the channel of characters; None without.
        head: the one affine layer over all features.
        grams: the linear model over character n-grams; None without.
    """

    def __init__(
        self,
        *,
        n_labels: int,
        described: Sequence[int],
        n_words: int,
        n_chars: int,
        width: int,
        n_tuned_words: int,
        n_tuned_chars: int,
        branches: Sequence[str] = BRANCHES,
        n_filters: int = 16,
        kernel_sizes: Sequence[int] = (2, 3, 4),
        radius: int = 2,
        window: Literal["shared", "full"] = "shared",
        dropout: float = 0.5,
        token_dropout: float = 0.1,
        n_grams: int = 0,
        longest_gram: int = 4,
    ) -> None:
        """Make the network.

        Args:
            n_labels: classes.
            described: the labels that have an embedding in LEAM, by number ("other" has none).
            n_words: rows of the word table.
            n_chars: rows of the character table; 0 for no character channel.
            width: width of word and character vectors.
            n_tuned_words: first rows of the word table that are trained.
            n_tuned_chars: likewise for characters.
            branches: any of "swem", "cnn", "leam", and "swem_hier", SWEM's hierarchical pooling; one alone is a
                baseline of the paper.
            n_filters: filters of each size in the CNN.
            kernel_sizes: words a filter sees.
            radius: r of LEAM.
            window: LEAM's filter.
            dropout: on the features.
            token_dropout: share of tokens that training hides.
            n_grams: known character n-grams of the linear model beside the branches; 0 for none (the paper).
            longest_gram: characters of the longest.

        Raises:
            ValueError: no known branch is named.
        """
        super().__init__()
        if not branches or set(branches) - set(_KNOWN):
            raise ValueError(f"branches {tuple(branches)} must be some of {_KNOWN}: correct the configuration")

        def channel(n_tokens: int, n_tuned: int) -> Channel:
            return Channel(
                table=TokenTable(n_tokens=n_tokens, n_tuned=n_tuned, width=width, token_dropout=token_dropout),
                branches=branches,
                n_described=len(described),
                n_filters=n_filters,
                kernel_sizes=kernel_sizes,
                radius=radius,
                window=window,
            )

        self._described = tuple(described)
        self.words = channel(n_words, n_tuned_words)
        self.chars = channel(n_chars, n_tuned_chars) if n_chars else None
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sum(part.output_width for part in self.channels), n_labels)
        self.grams = CharGrams(n_labels=n_labels, n_grams=n_grams, longest=longest_gram) if n_grams else None

    @property
    def channels(self) -> list[Channel]:
        """The channels in the order of the features."""
        return [self.words] if self.chars is None else [self.words, self.chars]

    def start_labels(self, words: NDArray[np.float32], chars: NDArray[np.float32]) -> None:
        """Set LEAM's label embeddings.

        Args:
            words: float (len(described), width), from the words of the labels' descriptions.
            chars: float (len(described), width), from their characters; unused without character channel.
        """
        for channel, vectors in zip(self.channels, (words, chars), strict=False):
            if channel.leam is not None:
                with torch.no_grad():
                    channel.leam.labels.copy_(torch.as_tensor(vectors, dtype=torch.float32))

    def forward(self, words: Tensor, chars: Tensor) -> Tensor:
        """Classify.

        Args:
            words: int64 (batch, n_words_padded) rows of the word table, `PAD` on the right.
            chars: int64 (batch, n_chars_padded), likewise; unused without character channel.

        Returns:
            float (batch, n_labels), logits.
        """
        features = [channel(rows) for channel, rows in zip(self.channels, (words, chars), strict=False)]
        logits: Tensor = self.head(self.dropout(torch.cat(features, dim=1)))
        return logits if self.grams is None else logits + self.grams(chars)

    def label_loss(self) -> Tensor:
        """The label regulariser: every label embedding must be classified as its own label.

        LEAM's equation 9 with the part of the head that reads z, as the head here reads more than z; the mean
        over channels; 0 without LEAM or described labels.
        """
        targets = torch.tensor(self._described, dtype=torch.int64, device=self.head.weight.device)
        losses = []
        offset = 0
        for channel in self.channels:
            if channel.leam is not None and channel.z_slice is not None and self._described:
                start, stop = offset + channel.z_slice.start, offset + channel.z_slice.stop
                logits = functional.linear(channel.leam.labels, self.head.weight[:, start:stop], self.head.bias)
                losses.append(functional.cross_entropy(logits, targets))
            offset += channel.output_width
        return torch.stack(losses).mean() if losses else self.head.weight.new_zeros(())
