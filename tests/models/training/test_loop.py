"""The training loop: early stopping, the best state, the seed, the caller's state left alone."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from models.training.loop import fit, seeded


def batches(_: int) -> Iterator[Tensor]:
    yield from torch.ones(3, 1)


def test_stops_early_and_restores_the_best_weights() -> None:
    module = nn.Linear(1, 1)
    planned = iter([0.2, 0.9, 0.5, 0.4, 1.0])
    weights: list[float] = []
    told: list[tuple[str, int, int]] = []

    def score() -> float:
        assert not module.training
        weights.append(module.weight.item())
        return next(planned)

    report = fit(
        module,
        parameter_groups=[{"params": list(module.parameters()), "lr": 0.1, "weight_decay": 0.0}],
        batches=batches,
        loss=lambda batch: module(batch).square().mean(),
        score=score,
        n_batches=3,
        n_epochs=10,
        patience=2,
        what="line",
        progress=lambda *state: told.append(state),
    )
    assert report.scores == (0.2, 0.9, 0.5, 0.4)
    assert (report.best_epoch, report.best_score) == (2, 0.9)
    assert module.weight.item() == weights[1] != weights[3]
    assert len(report.losses) == 4
    assert not module.training
    assert told == [("line", 1, 10), ("line", 2, 10), ("line", 3, 10), ("line", 4, 10), ("line", 10, 10)]


def test_learning_lowers_the_loss() -> None:
    torch.manual_seed(1)
    module = nn.Linear(1, 1)
    report = fit(
        module,
        parameter_groups=[{"params": list(module.parameters()), "lr": 0.1, "weight_decay": 0.0}],
        batches=batches,
        loss=lambda batch: (module(batch) - 5).square().mean(),
        score=lambda: -float((module(torch.ones(1, 1)) - 5).square().item()),
        n_batches=3,
        n_epochs=30,
        patience=30,
        what="line",
    )
    assert report.losses[-1] < 0.1 * report.losses[0]


def test_seeded_fixes_chance_inside_and_leaves_it_alone_outside() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    n_threads = torch.get_num_threads()
    with seeded(9, n_threads=2):
        first = torch.rand(2)
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == n_threads
    assert torch.equal(torch.rand(2), expected)
    with seeded(9, n_threads=1):
        assert torch.equal(torch.rand(2), first)


def test_threads_return_after_an_error() -> None:
    n_threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="stop"), seeded(9, n_threads=2):
        raise RuntimeError("stop")
    assert torch.get_num_threads() == n_threads
