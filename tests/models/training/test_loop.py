"""The training loop: early stopping, the best state, the seed, the caller's state left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.training.checkpoint import Checkpoint, Course
from models.training.loop import FitParams, FitReport, fit, seeded


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
        params=FitParams(n_epochs=10, patience=2),
        what="line",
        progress=lambda *state: told.append(state),
    )
    assert report.scores == (0.2, 0.9, 0.5, 0.4)
    assert (report.best_epoch, report.best_score) == (2, 0.9)
    assert module.weight.item() == weights[1] != weights[3]
    assert len(report.losses) == 4
    assert not module.training
    assert told == [
        ("line", 0, 10),
        ("line", 1, 10),
        ("line", 2, 10),
        ("line", 3, 10),
        ("line", 4, 10),
        ("line", 10, 10),
    ]


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
        params=FitParams(n_epochs=30, patience=30),
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


def noisy_fit(
    module: nn.Module, params: FitParams, checkpoint: Checkpoint | None = None, stop_after: int = 99
) -> FitReport:
    """A training whose batches and dropout depend on chance; stops with an error after some scores."""
    scored = 0

    def score() -> float:
        nonlocal scored
        scored += 1
        if scored > stop_after:
            raise KeyboardInterrupt
        return -float((module(torch.ones(1, 2)) - 3).square().item())

    return fit(
        module,
        parameter_groups=[{"params": list(module.parameters()), "lr": 0.05, "weight_decay": 0.0}],
        batches=lambda epoch: torch.rand(4, 8, 2, generator=torch.Generator().manual_seed(epoch)),
        loss=lambda batch: (nn.functional.dropout(module(batch), 0.3) - 3).square().mean(),
        score=score,
        n_batches=4,
        params=params,
        what="noise",
        checkpoint=checkpoint,
    )


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path: Path, average: float) -> None:
    params = FitParams(n_epochs=6, patience=6, average=average)
    torch.manual_seed(3)
    start = nn.Linear(2, 1).state_dict()
    whole, parted = nn.Linear(2, 1), nn.Linear(2, 1)
    whole.load_state_dict(start)
    parted.load_state_dict(start)
    with seeded(1, n_threads=1):
        expected = noisy_fit(whole, params)
    place = Checkpoint(tmp_path / "state.safetensors", "digest")
    with seeded(1, n_threads=1), pytest.raises(KeyboardInterrupt):
        noisy_fit(parted, params, place, stop_after=2)
    with seeded(7, n_threads=1):  # chance, too, goes on from the checkpoint
        report = noisy_fit(parted, params, place)
    assert report.scores == expected.scores
    assert report.losses == expected.losses
    assert torch.equal(parted.weight, whole.weight)
    assert not place.path.exists()


def test_a_checkpoint_of_other_data_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    Checkpoint(path, "one").save({"now": {"weight": torch.ones(1)}}, Course((0.5,), (0.1,)))
    assert Checkpoint(path, "two").load() is None
    found = Checkpoint(path, "one").load()
    assert found is not None
    assert found[1] == Course((0.5,), (0.1,))
    path.write_bytes(path.read_bytes()[:20])
    assert Checkpoint(path, "one").load() is None


def test_averaged_weights_follow_the_trained_ones_slowly() -> None:
    # A step of AdamW at rate 0.1 moves the weight by 0.1; the average with decay 0.75 starts at the first weight.
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    fit(
        module,
        parameter_groups=[{"params": list(module.parameters()), "lr": 0.1, "weight_decay": 0.0}],
        batches=lambda _: torch.ones(2, 1),
        loss=lambda batch: -module(batch).sum(),
        score=lambda: 0.0,
        n_batches=10**9,  # so that the rate does not fall
        params=FitParams(n_epochs=1, patience=1, average=0.75),
        what="line",
    )
    assert module.weight.item() == pytest.approx(0.75 * 0.1 + 0.25 * 0.2, abs=1e-5)


def test_the_adversary_moves_the_table_where_the_loss_grows_and_puts_it_back() -> None:
    table = nn.Parameter(torch.tensor([3.0, 4.0]))
    module = nn.Module()
    module.table = table
    seen: list[list[float]] = []

    def loss(_: Tensor) -> Tensor:
        seen.append([round(value, 5) for value in table.tolist()])
        return table.square().sum() / 2  # its gradient is the table itself: direction (0.6, 0.8)

    fit(
        module,
        parameter_groups=[{"params": [table], "lr": 0.0, "weight_decay": 0.0}],
        batches=lambda _: torch.ones(1),
        loss=loss,
        score=lambda: 0.0,
        n_batches=1,
        params=FitParams(n_epochs=1, patience=1, adversary=0.5),
        what="table",
        tables=[table],
    )
    assert seen == [[3.0, 4.0], [3.3, 4.4]]
    assert table.tolist() == [3.0, 4.0]
