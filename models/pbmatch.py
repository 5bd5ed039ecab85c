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
from torch.nn import functional

from models.encoder import SWEMEncoder
from models.layers.abcnn import ABCNN
from models.layers.alignment import Alignment
from models.layers.bcnn import BCNNTower, similarities, vector_features
from models.layers.overlap import N_OVERLAP_FEATURES, overlap_features
from models.layers.pyramid import MatchPyramid, match_matrices
from models.layers.table import TokenTable
from models.readings import Reading, Side
from models.text.vocabulary import PAD, UNK

__all__ = ["EXTRACTORS", "PBMATCH", "MatchChannel", "PBmatch"]

EXTRACTORS = ("bcnn", "abcnn1", "abcnn2", "abcnn3", "pyramid", "alignment")
PBMATCH = ("bcnn", "pyramid")
"""The paper's choice."""
_COSINE_SCALE = 10.0
"""A cosine moves little; at this scale one weight of ordinary size makes it count."""


class MatchChannel(nn.Module):
    """Words or characters: their table, BCNN's tower, MatchPyramid.

    Attributes:
        table: the vectors.
        tower: BCNN; None if not chosen.
        pyramid: MatchPyramid; None if not chosen.
        alignment: soft alignment; None if not chosen.
        output_width: width of the features.
    """

    importance: Tensor

    def __init__(
        self,
        *,
        table: TokenTable,
        n_tokens: int,
        extractors: Sequence[str],
        bcnn_features: Literal["sims", "vectors", "both"],
        overlap: bool,
        n_kernels: int,
        kernel_size: int,
        n_blocks: int,
        n_maps: tuple[int, int],
        pool_size: int,
        max_length: int,
        hidden: int,
        alignment_width: int,
        alignment_dropout: float,
        dropout: float,
        group_dropout: float,
    ) -> None:
        """Make the extractors; the numbers are those of `PBmatch`."""
        super().__init__()
        self.table = table
        self.register_buffer("importance", torch.ones(n_tokens))
        self.tower: BCNNTower | None = None
        self.pyramid: MatchPyramid | None = None
        self.alignment: Alignment | None = None
        self.abcnns = nn.ModuleList()
        self._sims = bcnn_features in {"sims", "both"}
        self._vectors = bcnn_features in {"vectors", "both"}
        self._overlap = overlap
        self._group_rate = group_dropout
        self.output_width = N_OVERLAP_FEATURES if overlap else 0
        if "bcnn" in extractors:
            self.tower = BCNNTower(width=table.width, n_kernels=n_kernels, kernel_size=kernel_size, n_blocks=n_blocks)
            self.bcnn_hidden = _hidden_layer(3 * n_kernels, hidden, dropout)
            self.output_width += self._sims * (n_blocks + 1) + self._vectors * (hidden or 3 * n_kernels)
        if "pyramid" in extractors:
            self.pyramid = MatchPyramid(n_maps=n_maps, pool_size=pool_size)
            self.pyramid_hidden = _hidden_layer(self.pyramid.output_width, hidden, dropout)
            self.output_width += hidden or self.pyramid.output_width
        for variant in (1, 2, 3):
            if f"abcnn{variant}" in extractors:
                abcnn = ABCNN(
                    variant=variant,
                    width=table.width,
                    max_length=max_length,
                    n_kernels=n_kernels,
                    kernel_size=kernel_size,
                    n_blocks=max(n_blocks, 2),
                )
                self.abcnns.append(abcnn)
                self.output_width += abcnn.output_width
        if "alignment" in extractors:
            self.alignment = Alignment(width=table.width, hidden=alignment_width, dropout=alignment_dropout)
            self.alignment_hidden = _hidden_layer(self.alignment.output_width, hidden, dropout)
            self.output_width += hidden or self.alignment.output_width

    def read(self, keys: Tensor) -> Reading:
        """Read sentences alone; keys: int64 (batch, length)."""
        keys = self.table.drop(keys)
        vectors, mask = self.table(keys), keys != PAD
        tower = None if self.tower is None else self.tower(vectors, mask)
        tokens = None if self.alignment is None else self.alignment.read(vectors, mask)
        return Reading(keys, tower, tokens)

    def compare(self, left: Reading, right: Reading) -> Tensor:
        """Features of pairs, float (batch, output_width); both readings hold one sentence of every pair."""
        features = []
        if self.tower is not None and left.tower is not None and right.tower is not None:
            if self._sims:
                sims = similarities(left.tower, right.tower, self.tower.level_widths)
                features.append(self._group_dropout(sims))
            if self._vectors:
                vectors = self.bcnn_hidden(vector_features(left.tower, right.tower))
                features.append(self._group_dropout(vectors))
        if self.pyramid is not None or self._overlap or self.abcnns:
            words = self.table(left.keys), self.table(right.keys)
            matches = match_matrices(words[0], words[1], left.keys, right.keys)
            masks = left.keys != PAD, right.keys != PAD
            features += [self._group_dropout(abcnn(*words, *masks)) for abcnn in self.abcnns]
            lengths = [(reading.keys != PAD).sum(dim=1) for reading in (left, right)]
            if self.pyramid is not None:
                pyramid = self.pyramid_hidden(self.pyramid(matches, *lengths))
                features.append(self._group_dropout(pyramid))
            if self._overlap:
                weights = [self._weights(reading.keys) for reading in (left, right)]
                overlap = overlap_features(matches[:, 0], matches[:, 1], *weights)
                features.append(self._group_dropout(overlap))
        if self.alignment is not None and left.tokens is not None and right.tokens is not None:
            aligned = self.alignment.compare(left.tokens, right.tokens, left.keys != PAD, right.keys != PAD)
            features.append(self._group_dropout(self.alignment_hidden(aligned)))
        return torch.cat(features, dim=1)

    def _group_dropout(self, features: Tensor) -> Tensor:
        """In training, all of a group of features of some pairs at once, so that no group leans on another."""
        kept = functional.dropout(features.new_ones(len(features), 1), self._group_rate, self.training)
        return features * kept

    def _weights(self, keys: Tensor) -> Tensor:
        """Importance of every token, 0 where padded; a token outside the table counts as the unknown one."""
        known = keys.masked_fill(keys >= len(self.importance), 1)
        return self.importance[known] * (keys != PAD)


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
            pool_size: side of its grid.
            max_lengths: longest sentence in words and in characters (for ABCNN-1 and -3).
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


def _hidden_layer(width: int, hidden: int, dropout: float) -> nn.Module:
    if not hidden:
        return nn.Identity()
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU())
