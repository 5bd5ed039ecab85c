"""What a piece of torch code must move and compute, and what the device could do: the two sides of a roofline.

Needs torch alone. Called by `load_tests.gpu`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

_GATHERS = ("embedding", "index", "index_select", "gather", "_embedding_bag", "embedding_bag")
"""These read as much as they write, not all of their source."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call.

    Attributes:
        flops: of matrix products and convolutions.
        bytes: read and written if every operation reads its inputs and writes its results in memory.
        least_bytes: what even one fused kernel must read: weights, and the rows that are looked up.
    """

    flops: int
    bytes: int
    least_bytes: int


@dataclass(frozen=True, slots=True)
class Peaks:
    """What the device did in this run.

    Attributes:
        flops_per_s: of a large matrix product, by precision.
        bytes_per_s: of a large copy, read and written bytes.
    """

    flops_per_s: dict[str, float]
    bytes_per_s: float

    def least_s(self, cost: Cost, precision: str) -> tuple[float, float]:
        """The shortest time that operations and memory allow: operation by operation, and in one fused kernel."""
        computing = cost.flops / self.flops_per_s[precision]
        return max(computing, cost.bytes / self.bytes_per_s), max(computing, cost.least_bytes / self.bytes_per_s)


def cost(call: Callable[[], object], model: nn.Module) -> Cost:
    """Counts one call; `model` owns the weights."""
    moved = _Moved(model.parameters())
    with FlopCounterMode(display=False) as flops, moved:
        call()
    return Cost(int(flops.get_total_flops()), moved.bytes, moved.least_bytes)


def peaks(device: torch.device, precisions: Iterable[str], *, seconds: float) -> Peaks:
    """Measures a matrix product of each precision and a copy, for so many seconds each."""
    side, n_bytes = (8192, 2**30) if device.type == "cuda" else (768, 2**26)
    flops = {}
    for precision in precisions:
        matrix = torch.rand(side, side, device=device).to(getattr(torch, precision))
        product = torch.empty_like(matrix)
        flops[precision] = 2 * side**3 * rate(lambda m=matrix, p=product: torch.mm(m, m, out=p), device, seconds)  # type: ignore[misc]
    source = torch.ones(n_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return Peaks(flops, 2 * n_bytes * rate(lambda: target.copy_(source), device, seconds))


def rate(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Calls a second, after one to warm up; at least two are timed."""
    call()
    _wait(device)
    start, n = time.perf_counter(), 0
    while n < 2 or time.perf_counter() - start < seconds:
        call()
        n += 1
        if n % 8 == 0:  # so that no more is queued than there is time for
            _wait(device)
    _wait(device)
    return n / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class _Moved(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what operations read and write; views cost nothing."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = self.least_bytes = 0
        self._unread = {weight.untyped_storage().data_ptr(): _size(weight) for weight in weights}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        results = func(*args, **(kwargs or {}))
        read = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        written = [value for value in tree_leaves(results) if isinstance(value, Tensor)]
        places = {value.untyped_storage().data_ptr() for value in read}
        name = func.overloadpacket.__name__
        if all(value.untyped_storage().data_ptr() in places for value in written) and not name.endswith("_"):
            return results
        if name in _GATHERS:
            looked_up = sum(map(_size, written))
            self.bytes += 2 * looked_up
            self.least_bytes += looked_up
        else:
            self.bytes += sum(map(_size, read)) + sum(map(_size, written))
            self.least_bytes += sum(self._unread.pop(place, 0) for place in places)
        return results


def _size(value: Tensor) -> int:
    return value.numel() * value.element_size()
