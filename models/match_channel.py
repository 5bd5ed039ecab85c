"""One channel of the matching network, words or characters: its table and the chosen extractors of features."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers.abcnn import ABCNN
from models.layers.alignment import Alignment
from models.layers.bcnn import BCNNTower, similarities, vector_features
from models.layers.overlap import N_OVERLAP_FEATURES, overlap_features
from models.layers.pyramid import MATCHES, MatchPyramid, match_matrices
from models.layers.table import TokenTable
from models.readings import Reading
from models.text.vocabulary import PAD

__all__ = ["MatchChannel"]


class MatchChannel(nn.Module):
    """Words or characters: their table, BCNN's tower, MatchPyramid.

    Attributes:
        table: the vectors.
        tower: BCNN; None if not chosen.
        pyramid: MatchPyramid; None if not chosen.
        alignment: soft alignment; None if not chosen.
        longest: tokens of the longest sentence.
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
        matches: Sequence[str],
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
        self.table, self.longest = table, max_length
        self.register_buffer("importance", torch.ones(n_tokens))
        self.tower: BCNNTower | None = None
        self.pyramid: MatchPyramid | None = None
        self.alignment: Alignment | None = None
        self.abcnns = nn.ModuleList()
        self._sims = bcnn_features in {"sims", "both"}
        self._vectors = bcnn_features in {"vectors", "both"}
        self._overlap = overlap
        self._matches = [MATCHES.index(name) for name in matches]
        self._group_rate = group_dropout
        self.output_width = N_OVERLAP_FEATURES if overlap else 0
        if "bcnn" in extractors:
            self.tower = BCNNTower(width=table.width, n_kernels=n_kernels, kernel_size=kernel_size, n_blocks=n_blocks)
            self.bcnn_hidden = _hidden_layer(3 * n_kernels, hidden, dropout)
            self.output_width += self._sims * (n_blocks + 1) + self._vectors * (hidden or 3 * n_kernels)
        if "pyramid" in extractors:
            self.pyramid = MatchPyramid(n_channels=len(matches), n_maps=n_maps, pool_size=pool_size, longest=max_length)
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
                pyramid = self.pyramid_hidden(self.pyramid(matches[:, self._matches], *lengths))
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
        if not self.training:
            return features
        kept = functional.dropout(features.new_ones(len(features), 1), self._group_rate)
        return features * kept

    def _weights(self, keys: Tensor) -> Tensor:
        """Importance of every token, 0 where padded; a token outside the table counts as the unknown one."""
        known = keys.masked_fill(keys >= len(self.importance), 1)
        return self.importance[known] * (keys != PAD)


def _hidden_layer(width: int, hidden: int, dropout: float) -> nn.Module:
    if not hidden:
        return nn.Identity()
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU())
