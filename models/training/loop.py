"""The one training loop: seeded, with early stopping on a development score and the best state restored.

What differs between classifier, matcher and encoder (batches, loss, score) is handed in as functions.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.training.checkpoint import Checkpoint, Course

__all__ = ["FitParams", "FitReport", "Progress", "fit", "parameter_groups", "seeded"]

Batch = TypeVar("Batch")
Progress = Callable[[str, int, int], None]
"""Called as (what, done, total) while something long goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitParams:
    """How long to train, and how to keep it from learning by heart.

    Attributes:
        n_epochs: at most so many.
        patience: epochs without a better score before stopping.
        adversary: norm by which the fast gradient method moves the vectors; 0 for none. Doubles the time.
        average: decay of an exponential moving average of the weights, which is then scored and kept; 0 for none.
        mixed_precision: compute in bfloat16 on a GPU where that is safe; on a CPU nothing changes.
    """

    n_epochs: int
    patience: int
    adversary: float = 0.0
    average: float = 0.0
    mixed_precision: bool = True


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
    own_rates: Sequence[tuple[Sequence[nn.Parameter], float]],
    learning_rate: float,
    weight_decay: float,
) -> list[dict[str, object]]:
    """Groups for the optimiser: tables with rates of their own and no decay, the rest with both."""
    known = {id(table) for tables, _ in own_rates for table in tables}
    rest = [parameter for parameter in module.parameters() if parameter.requires_grad and id(parameter) not in known]
    return [
        *({"params": list(tables), "lr": rate, "weight_decay": 0.0} for tables, rate in own_rates if tables),
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
    params: FitParams,
    what: str,
    tables: Sequence[nn.Parameter] = (),
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> FitReport:
    """Train until the score has not risen for `params.patience` epochs, then restore the best weights.

    AdamW; the learning rates fall linearly to a tenth over all epochs; gradients are clipped to norm 5.

    Args:
        module: what is trained; in evaluation mode afterwards.
        parameter_groups: for the optimiser: params, lr, weight_decay.
        batches: the batches of an epoch (from 0).
        loss: the loss of a batch, a scalar.
        score: quality on the development set, higher is better; the module is in evaluation mode.
        n_batches: batches an epoch, for the schedule.
        params: how long and with what regularisation.
        what: name for progress.
        tables: vectors that the adversary may move.
        checkpoint: where to keep the state after every epoch and to go on from it; None does not.
        progress: told at the start and after every epoch.
    """
    started = perf_counter()
    optimiser = torch.optim.AdamW(parameter_groups, fused=True)
    run = _Run(module, loss, optimiser, tables, params)
    course = run.resume(checkpoint) if checkpoint else Course()
    run.plan(n_steps=n_batches * params.n_epochs, done=n_batches * len(course.scores))
    if progress is not None:
        progress(what, len(course.scores), params.n_epochs)
    while len(course.scores) < params.n_epochs and not _worn_out(course.scores, params.patience):
        mean_loss = run.epoch(batches(len(course.scores)))
        course = Course(
            (*course.scores, run.scored(score, best=max(course.scores, default=-float("inf")))),
            (*course.losses, mean_loss),
        )
        if checkpoint is not None:
            checkpoint.save(run.state(), course)
        if progress is not None:
            progress(what, len(course.scores), params.n_epochs)
    module.load_state_dict(run.best)
    module.eval()
    if checkpoint is not None:
        checkpoint.remove()
    if progress is not None:
        progress(what, params.n_epochs, params.n_epochs)
    best = max(course.scores, default=-float("inf"))
    best_epoch = course.scores.index(best) + 1 if course.scores else 0
    return FitReport(best_epoch, best, course.scores, course.losses, perf_counter() - started)


def _worn_out(scores: Sequence[float], patience: int) -> bool:
    return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= patience


def _averaged(module: nn.Module, decay: float) -> AveragedModel:
    """A moving average of the parameters; buffers, which training leaves as they are, are the module's own.

    Otherwise they would be copied with every batch, a large table of vectors among them.
    """
    averaged = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
    for path, owner in module.named_modules():
        for name, buffer in owner.named_buffers(recurse=False):
            setattr(averaged.module.get_submodule(path), name, buffer)
    return averaged


class _Run(Generic[Batch]):
    """One training: module, optimiser, averaged weights, and the best weights so far."""

    def __init__(
        self,
        module: nn.Module,
        loss: Callable[[Batch], Tensor],
        optimiser: torch.optim.Optimizer,
        tables: Sequence[nn.Parameter],
        params: FitParams,
    ) -> None:
        self._module, self._loss, self._optimiser = module, loss, optimiser
        self._tables, self._params = tables, params
        self._averaged = _averaged(module, params.average) if params.average else None
        self._device = next(module.parameters()).device.type
        self.best = copy.deepcopy(module.state_dict())

    def plan(self, *, n_steps: int, done: int) -> None:
        """Let the learning rates fall linearly to a tenth over `n_steps`, of which `done` are behind."""
        for group in self._optimiser.param_groups:
            group["initial_lr"] = group["lr"]
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: 1.0 - 0.9 * min(step / max(n_steps, 1), 1.0), last_epoch=done - 1
        )

    def epoch(self, batches: Iterable[Batch]) -> float:
        """Train on every batch once; the mean loss."""
        self._module.train()
        total, count = 0.0, 0
        for batch in batches:
            self._optimiser.zero_grad(set_to_none=True)
            value = self._backward(batch)
            if self._params.adversary:
                self._attack(batch)
            torch.nn.utils.clip_grad_norm_(self._module.parameters(), 5.0)
            self._optimiser.step()
            self._schedule.step()
            if self._averaged is not None:
                self._averaged.update_parameters(self._module)
            total, count = total + value, count + 1
        return total / max(count, 1)

    def scored(self, score: Callable[[], float], *, best: float) -> float:
        """The development score, of the averaged weights if there are any; keeps the weights if it beats `best`."""
        trained = copy.deepcopy(self._module.state_dict()) if self._averaged is not None else None
        if self._averaged is not None:
            self._module.load_state_dict(self._averaged.module.state_dict())
        self._module.eval()
        with torch.inference_mode():
            reached = score()
        if reached > best:
            self.best = copy.deepcopy(self._module.state_dict())
        if trained is not None:
            self._module.load_state_dict(trained)
        return reached

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Everything that the next epoch depends on, as named tensors."""
        moments = {
            f"{index}/{name}": torch.as_tensor(value)
            for index, kept in self._optimiser.state_dict()["state"].items()
            for name, value in kept.items()
        }
        averaged = dict(self._averaged.state_dict()) if self._averaged is not None else {}
        return {"now": self._module.state_dict(), "best": self.best, "moments": moments, "averaged": averaged}

    def resume(self, checkpoint: Checkpoint) -> Course:
        """Go on from a checkpoint; an empty course if there is none."""
        found = checkpoint.load()
        if found is None:
            return Course()
        groups, course = found
        self._module.load_state_dict(groups["now"])
        self.best = groups["best"]
        kept: dict[int, dict[str, Tensor]] = {}
        for name, value in groups["moments"].items():
            index, _, rest = name.partition("/")
            kept.setdefault(int(index), {})[rest] = value
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": kept})
        if self._averaged is not None:
            self._averaged.load_state_dict(groups["averaged"])
        return course

    def _backward(self, batch: Batch) -> float:
        mixed = self._device == "cuda" and self._params.mixed_precision
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=mixed):
            value = self._loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    def _attack(self, batch: Batch) -> None:
        """Fast gradient method: the loss once more with the vectors moved where it grows most (Miyato et al., 2017)."""
        before = []
        with torch.no_grad():
            for table in self._tables:
                before.append(table.detach().clone())
                if table.grad is not None:
                    table.add_(table.grad, alpha=self._params.adversary / max(float(table.grad.norm()), 1e-12))
        self._backward(batch)
        with torch.no_grad():
            for table, kept in zip(self._tables, before, strict=True):
                table.copy_(kept)
