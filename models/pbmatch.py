"""PBmatch, the reranker: do two sentences mean the same? (section 5 of the paper on emotional comfort).

The features of MatchPyramid, which looks at pairs of words, and of BCNN, which looks at whole sentences, are
concatenated before one affine layer, and everything is trained together (compare the hybrid CNN of Yu et al.,
WSDM 2018). Words and characters are two channels. BCNN's reading of a sentence does not depend on the other
sentence: `read` is done once for the knowledge, `compare` for every pair.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.encoder import SWEMEncoder
from models.layers.pyramid import MATCHES
from models.layers.table import TokenTable
from models.match_channel import MatchChannel
from models.readings import Side
from models.text.vocabulary import UNK

__all__ = ["EXTRACTORS", "PBMATCH", "PBmatch"]

EXTRACTORS = ("bcnn", "abcnn1", "abcnn2", "abcnn3", "pyramid", "alignment")
PBMATCH = ("bcnn", "pyramid")
"""The paper's choice."""
_COSINE_SCALE = 10.0
"""A cosine moves little; at this scale one weight of ordinary size makes it count."""


class PBmatch(nn.Module):
    """The matching network.

    Attributes:
        words: the channel of words.
        chars: the channel of characters; None without.
        encoder: the dense index's sentence encoder, kept as it was trained; None without.
        head: the one affine layer over all features.
    """

    def __init__(
        self,
        *,
        n_words: int,
        n_chars: int,
        width: int,
        n_tuned_words: int,
        n_tuned_chars: int,
        extractors: Sequence[str] = PBMATCH,
        bcnn_features: Literal["sims", "vectors", "both"] = "both",
        overlap: bool = True,
        n_kernels: int = 50,
        kernel_size: int = 3,
        n_blocks: int = 1,
        n_maps: Sequence[int] = (8, 16),
        matches: Sequence[str] = MATCHES,
        pool_size: int = 8,
        max_lengths: Sequence[int] = (48, 80),
        hidden: int = 64,
        alignment_width: int = 128,
        alignment_dropout: float = 0.2,
        dropout: float = 0.3,
        group_dropout: float = 0.0,
        token_dropout: float = 0.05,
        encoder: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the network.

        Args:
            n_words: rows of the word table.
            n_chars: rows of the character table; 0 for no character channel.
            width: width of word and character vectors.
            n_tuned_words: first rows of the word table that are trained.
            n_tuned_chars: likewise for characters.
            extractors: some of `EXTRACTORS`; "bcnn" or "pyramid" alone is a baseline of the paper.
            bcnn_features: "sims" cosines of every level (Yin et al.), "vectors" combined vectors (Yu et al.).
            overlap: add overlap, soft alignment and length ratio as features.
            n_kernels: BCNN's kernels.
            kernel_size: words a kernel of BCNN sees.
            n_blocks: BCNN's blocks.
            n_maps: maps of MatchPyramid's two convolutions.
            matches: what it looks at, some of `MATCHES`; the paper of MatchPyramid takes one.
            pool_size: side of its grid.
            max_lengths: longest sentence in words and in characters (for ABCNN-1 and -3, and to compile).
            hidden: width of a hidden layer behind each extractor; 0 for none.
            alignment_width: width inside the soft alignment.
            alignment_dropout: before its layers.
            dropout: before the hidden layers and the head.
            group_dropout: share of pairs for which training hides all features of one kind.
            token_dropout: share of tokens that training hides.
            encoder: the numbers of a `SWEMEncoder` over the same vocabularies, whose cosine is one more feature.

        Raises:
            ValueError: no known extractor is named.
        """
        super().__init__()
        if not extractors or set(extractors) - set(EXTRACTORS):
            raise ValueError(f"extractors {tuple(extractors)} must be some of {EXTRACTORS}: correct them")

        def channel(n_tokens: int, n_tuned: int, max_length: int) -> MatchChannel:
            return MatchChannel(
                table=TokenTable(n_tokens=n_tokens, n_tuned=n_tuned, width=width, token_dropout=token_dropout),
                n_tokens=n_tokens,
                extractors=extractors,
                bcnn_features=bcnn_features,
                overlap=overlap,
                n_kernels=n_kernels,
                kernel_size=kernel_size,
                n_blocks=n_blocks,
                n_maps=(n_maps[0], n_maps[1]),
                matches=matches,
                pool_size=pool_size,
                max_length=max_length,
                hidden=hidden,
                alignment_width=alignment_width,
                alignment_dropout=alignment_dropout,
                dropout=dropout,
                group_dropout=group_dropout,
            )

        self.words = channel(n_words, n_tuned_words, max_lengths[0])
        self.chars = channel(n_chars, n_tuned_chars, max_lengths[1]) if n_chars else None
        self.dropout = nn.Dropout(dropout)
        self.encoder = SWEMEncoder(**encoder).requires_grad_(requires_grad=False) if encoder else None
        self._sizes = (encoder["n_words"], encoder["n_chars"]) if encoder else ()
        n_features = sum(part.output_width for part in self.channels) + (self.encoder is not None)
        self.head = nn.Linear(n_features, 1)

    @property
    def channels(self) -> list[MatchChannel]:
        """The channels in the order of the features."""
        return [self.words] if self.chars is None else [self.words, self.chars]

    def train(self, mode: bool = True) -> "PBmatch":
        """Switch between training and evaluation; the encoder, which is not trained, stays in evaluation."""
        super().train(mode)
        if self.encoder is not None:
            self.encoder.eval()
        return self

    def read(self, words: Tensor, chars: Tensor) -> Side:
        """Read sentences alone.

        Args:
            words: int64 (batch, n_words_padded) word keys.
            chars: int64 (batch, n_chars_padded) character keys; unused without character channel.
        """
        pairs = zip(self.channels, (words, chars), strict=False)
        return Side(tuple(channel.read(keys) for channel, keys in pairs), self._encode(words, chars))

    def compare(self, left: Side, right: Side) -> Tensor:
        """Logits that the sentences of each pair mean the same, float (batch,)."""
        parts = zip(self.channels, left.readings, right.readings, strict=True)
        features = torch.cat([channel.compare(a, b) for channel, a, b in parts], dim=1)
        features = self.dropout(features)
        if left.vectors is not None and right.vectors is not None:
            cosine = (left.vectors * right.vectors).sum(dim=1, keepdim=True)
            features = torch.cat((features, _COSINE_SCALE * cosine), dim=1)
        logits: Tensor = self.head(features).squeeze(1)
        return logits

    def _encode(self, words: Tensor, chars: Tensor) -> Tensor | None:
        if self.encoder is None:
            return None
        known = [keys.masked_fill(keys >= n, UNK) for keys, n in zip((words, chars), self._sizes, strict=True)]
        vectors: Tensor = self.encoder(*known)
        return vectors

    def forward(self, left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> Tensor:
        """Logits of pairs; each side is (word keys, character keys), result float (batch,)."""
        return self.compare(self.read(*left), self.read(*right))
