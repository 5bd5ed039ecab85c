"""PBmatch at fixed shapes: queries are read and compared with their candidates in one step, recorded on a GPU.

`models.matcher` makes one of these for the knowledge that it serves on a GPU.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.acceleration import FixedShapes, Precision, Shapes
from models.pbmatch import PBmatch
from models.readings import Side
from models.text.ragged import Ragged

__all__ = ["Comparison"]


class Comparison:
    """Queries against the rows of one knowledge.

    Attributes:
        n_candidates: candidates a query that are compared at once; more are compared in portions.
    """

    def __init__(
        self,
        model: PBmatch,
        knowledge: Side,
        lengths: NDArray[np.int64],
        *,
        shapes: Shapes,
        device: torch.device,
        precision: Precision,
        n_candidates: int,
        record: bool,
    ) -> None:
        """Record the shapes.

        Args:
            model: the network, in evaluation mode.
            knowledge: n sentences as the network has read them, n >= 1.
            lengths: int64 (n, 2), words and characters of each.
            shapes: as for `FixedShapes`; likewise device, precision and record.
            device: of the network.
            precision: of its layers.
            n_candidates: see above.
            record: False only pads, on a GPU too.
        """
        self._model, self._knowledge, self._lengths = model, knowledge, lengths
        self.n_candidates = n_candidates
        self._fixed = FixedShapes(
            self._forward, shapes=shapes, device=device, precision=precision, n_candidates=n_candidates, record=record
        )

    def logits(self, words: Ragged, chars: Ragged, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits of every query and candidate.

        Args:
            words: keys of n queries, n >= 1.
            chars: likewise.
            rows: int64 (n, k), rows of the knowledge; -1 for none.

        Returns:
            float32 (n, k), of no meaning where there is no candidate.
        """
        own = np.stack((words.lengths, chars.lengths), axis=1)
        padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % self.n_candidates)), constant_values=-1)
        portions = []
        for start in range(0, padded.shape[1], self.n_candidates):
            part = padded[:, start : start + self.n_candidates]
            theirs = np.where((part >= 0)[:, :, None], self._lengths[part], 0).max(axis=1)
            portions.append(self._fixed.run(words, chars, needed=np.maximum(own, theirs), rows=part.clip(min=0)))
        return np.concatenate(portions, axis=1)[:, : rows.shape[1]]

    def _forward(self, words: Tensor, chars: Tensor, rows: Tensor) -> Tensor:
        lengths = words.shape[1], chars.shape[1]
        asked = torch.arange(len(rows), device=rows.device).repeat_interleave(self.n_candidates)
        left = self._model.read(words, chars).rows(asked, lengths=lengths)
        right = self._knowledge.rows(rows.flatten(), lengths=lengths)
        return self._model.compare(left, right).view(rows.shape)
