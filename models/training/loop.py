"""The one training loop: seeded, with early stopping on a development score and the best state restored.

What differs between classifier, matcher and encoder (batches, loss, score) is handed in as functions.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = ["FitReport", "Progress", "fit", "parameter_groups", "seeded"]

Batch = TypeVar("Batch")
Progress = Callable[[str, int, int], None]
"""Called as (what, done, total) while something long goes on."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a training went.

    Attributes:
        best_epoch: the epoch whose weights were kept, from 1.
        best_score: its score on the development set.
        scores: the score after every epoch.
        losses: the mean training loss of every epoch.
        seconds: wall time of all.
    """

    best_epoch: int
    best_score: float
    scores: tuple[float, ...]
    losses: tuple[float, ...]
    seconds: float


@contextmanager
def seeded(seed: int, *, n_threads: int) -> Iterator[None]:
    """Fixed randomness and a number of torch threads inside, both as before outside."""
    threads_before = torch.get_num_threads()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads_before)


def parameter_groups(
    module: nn.Module,
    *,
    tables: Sequence[nn.Parameter],
    learning_rate: float,
    embedding_rate: float,
    weight_decay: float,
) -> list[dict[str, object]]:
    """Groups for the optimiser: the vectors with their own rate and no decay, the rest with both."""
    known = {id(table) for table in tables}
    rest = [parameter for parameter in module.parameters() if parameter.requires_grad and id(parameter) not in known]
    return [
        {"params": list(tables), "lr": embedding_rate, "weight_decay": 0.0},
        {"params": rest, "lr": learning_rate, "weight_decay": weight_decay},
    ]


def fit(
    module: nn.Module,
    *,
    parameter_groups: Sequence[dict[str, object]],
    batches: Callable[[int], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    score: Callable[[], float],
    n_batches: int,
    n_epochs: int,
    patience: int,
    what: str,
    progress: Progress | None = None,
) -> FitReport:
    """Train until the score has not risen for `patience` epochs, then restore the best weights.

    AdamW; the learning rates fall linearly to a tenth over `n_epochs`; gradients are clipped to norm 5.

    Args:
        module: what is trained; in evaluation mode afterwards.
        parameter_groups: for the optimiser: params, lr, weight_decay.
        batches: the batches of an epoch (from 0).
        loss: the loss of a batch, a scalar.
        score: quality on the development set, higher is better; the module is in evaluation mode.
        n_batches: batches an epoch, for the schedule.
        n_epochs: at most so many.
        patience: epochs without a rise before stopping.
        what: name for progress.
        progress: told after every epoch.
    """
    started = perf_counter()
    optimiser = torch.optim.AdamW(parameter_groups, fused=True)
    n_steps = max(n_batches * n_epochs, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0 - 0.9 * min(step / n_steps, 1.0))
    scores: list[float] = []
    losses: list[float] = []
    best = -float("inf")
    best_state = copy.deepcopy(module.state_dict())
    for epoch in range(n_epochs):
        losses.append(_run_epoch(module, batches(epoch), loss, optimiser, schedule))
        module.eval()
        with torch.inference_mode():
            scores.append(score())
        if scores[-1] > best:
            best, best_state = scores[-1], copy.deepcopy(module.state_dict())
        if progress is not None:
            progress(what, epoch + 1, n_epochs)
        if epoch - scores.index(max(scores)) >= patience:
            break
    module.load_state_dict(best_state)
    if progress is not None:
        progress(what, n_epochs, n_epochs)
    best_epoch = scores.index(max(scores)) + 1 if scores else 0
    return FitReport(best_epoch, best, tuple(scores), tuple(losses), perf_counter() - started)


def _run_epoch(
    module: nn.Module,
    batches: Iterable[Batch],
    loss: Callable[[Batch], Tensor],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> float:
    module.train()
    total, count = 0.0, 0
    for batch in batches:
        optimiser.zero_grad(set_to_none=True)
        value = loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        total, count = total + float(value.detach()), count + 1
    return total / max(count, 1)
