"""Fixed shapes for a GPU: a network recorded once as CUDA graphs, then replayed for every request.

PBmatch and MLC are many small kernels, and a GPU is quicker with one of them than the processor with its launch. A
CUDA graph launches them all at once, but at shapes and addresses that were fixed before; so a request is padded to
one of a few shapes and copied through pinned memory. Without a GPU the same shapes are computed directly, which is how
the tests prove that padding changes nothing. `models.comparison` and `models.classifier` use this on a GPU.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.text.ragged import Ragged

__all__ = ["PRECISION", "FixedShapes", "Precision", "Shapes"]

Precision = Literal["float32", "bfloat16", "float16"]

PRECISION: Precision = "float16"
"""On a GPU. Probabilities stay within 1e-2 of float32's; bfloat16 has an eighth of its resolution."""
_WARM_UPS = 3


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that are recorded: every batch size with every length.

    Attributes:
        batches: sentences at once, rising.
        lengths: words and characters that sentences are padded to, both rising.
    """

    batches: tuple[int, ...] = (1, 4, 16, 64)
    lengths: tuple[tuple[int, int], ...] = ((10, 16), (20, 32), (48, 80))

    @classmethod
    def up_to(cls, max_words: int, max_chars: int) -> "Shapes":
        """The usual shapes for sentences cut to so many words and characters."""
        shorter = [(words, chars) for words, chars in cls().lengths if words < max_words and chars < max_chars]
        return cls(lengths=(*shorter, (max_words, max_chars)))

    def groups(self, needed: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int, tuple[int, int]]]:
        """Sentences of one shape together.

        Args:
            needed: int64 (n, 2), words and characters of each sentence, at most the longest of `lengths`.

        Yields:
            Row numbers, int64 (<= batch,), with the batch size and the lengths to pad them to; each row once.

        Raises:
            ValueError: a sentence is longer than the longest shape.
        """
        fits: NDArray[np.bool_] = np.all(needed[:, None, :] <= np.array(self.lengths), axis=2)
        outside = np.flatnonzero(~fits[:, -1])
        if len(outside):
            words, chars = needed[outside[0]].tolist()
            longest = f"the longest shape holds {self.lengths[-1][0]} and {self.lengths[-1][1]}"
            raise ValueError(f"a sentence of {words} words and {chars} characters: {longest}; record longer shapes")
        shortest = fits.argmax(axis=1)
        for place, lengths in enumerate(self.lengths):
            rows = np.flatnonzero(shortest == place)
            for start in range(0, len(rows), self.batches[-1]):
                part = rows[start : start + self.batches[-1]]
                yield part, next(batch for batch in self.batches if batch >= len(part)), lengths


class FixedShapes:
    """A network at fixed shapes; on a GPU recorded, elsewhere computed directly. Safe to call from several threads.

    Attributes:
        precision: what the layers compute in; sums, norms and softmax stay in float32.
        n_candidates: width of the rows that come with every sentence; 0 without.
    """

    def __init__(
        self,
        forward: Callable[..., Tensor],
        *,
        shapes: Shapes,
        device: torch.device,
        precision: Precision = PRECISION,
        n_candidates: int = 0,
        record: bool = True,
    ) -> None:
        """Record every shape, so that no request waits for it.

        Args:
            forward: from int64 words (batch, n_words), characters (batch, n_chars) and, if there are candidates, rows
                (batch, n_candidates) to float (batch, ...). It must not look at values on the host.
            shapes: the shapes.
            device: of the network.
            precision: of matrix products and convolutions.
            n_candidates: rows a sentence.
            record: False computes directly on a GPU too.

        Raises:
            ValueError: `precision` is unknown.
        """
        if precision not in get_args(Precision):
            raise ValueError(f"precision={precision!r}: must be one of {get_args(Precision)}")
        self.precision, self.n_candidates = precision, n_candidates
        self._shapes, self._device, self._forward = shapes, device, forward
        self._lock = threading.Lock()
        recorded = record and device.type == "cuda"
        pool = torch.cuda.graph_pool_handle() if recorded else None
        # The largest first: the others find room in its memory.
        every = sorted(product(shapes.batches, shapes.lengths), reverse=True)
        with torch.inference_mode():
            self._at = {shape: _Shape(self._computed, self._sizes(*shape), device=device, pool=pool) for shape in every}

    def run(
        self, words: Ragged, chars: Ragged, *, needed: NDArray[np.int64], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """What the network says of each sentence.

        Args:
            words: n sentences.
            chars: likewise.
            needed: int64 (n, 2), words and characters that a sentence, or the longest of its candidates, has.
            rows: int64 (n, n_candidates), each a row that exists; only with candidates.

        Returns:
            float32 (n, ...).
        """
        results: NDArray[np.float32] | None = None
        for members, batch, lengths in self._shapes.groups(needed):
            inputs = [words.padded(members), chars.padded(members)]
            inputs += [] if rows is None else [rows[members]]
            with self._lock, torch.inference_mode():
                found = self._at[batch, lengths](inputs)
            if results is None:
                results = np.zeros((len(words), *found.shape[1:]), dtype=np.float32)
            results[members] = found
        return np.zeros((0,), dtype=np.float32) if results is None else results

    def _computed(self, *inputs: Tensor) -> Tensor:
        precision = getattr(torch, self.precision)
        # Without autocast's own cache of weights, which must not be filled while a graph is recorded.
        with torch.autocast(
            self._device.type, dtype=precision, enabled=precision is not torch.float32, cache_enabled=False
        ):
            return self._forward(*inputs).float()

    def _sizes(self, batch: int, lengths: tuple[int, int]) -> list[tuple[int, int]]:
        widths = [*lengths, self.n_candidates] if self.n_candidates else [*lengths]
        return [(batch, width) for width in widths]


class _Shape:
    """A function at one shape, with buffers of its own."""

    def __init__(
        self,
        forward: Callable[..., Tensor],
        sizes: Sequence[tuple[int, int]],
        *,
        device: torch.device,
        pool: Any | None,
    ) -> None:
        self._forward, self._device = forward, device
        pinned = device.type == "cuda"
        self._host = [torch.zeros(size, dtype=torch.int64, pin_memory=pinned) for size in sizes]
        self._inputs = [torch.zeros(size, dtype=torch.int64, device=device) for size in sizes]
        self._graph: torch.cuda.CUDAGraph | None = None
        if pool is not None:
            self._record(pool)

    def __call__(self, arrays: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """The results for arrays of at most this shape; what is missing counts as padding."""
        for host, static, array in zip(self._host, self._inputs, arrays, strict=True):
            host.zero_()
            host[: array.shape[0], : array.shape[1]] = torch.from_numpy(array)
            static.copy_(host, non_blocking=True)
        if self._graph is None:
            return self._forward(*self._inputs)[: len(arrays[0])].cpu().numpy()
        self._graph.replay()
        self._result.copy_(self._output, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()
        results: NDArray[np.float32] = self._result[: len(arrays[0])].numpy().copy()
        return results

    def _record(self, pool: Any) -> None:
        aside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):  # libraries choose their kernels and memory before the recording
            for _ in range(_WARM_UPS):
                self._forward(*self._inputs)
        torch.cuda.current_stream(self._device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may go on using the GPU: an index is swapped while the old one serves.
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._output = self._forward(*self._inputs)
        self._result = torch.empty(self._output.shape, dtype=torch.float32, pin_memory=True)
