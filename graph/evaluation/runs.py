"""Every contender over every seed, each run once: trained, timed, kept."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from graph.evaluation.contenders import Contender, Scores, Trial
from graph.evaluation.data import Data
from graph.evaluation.store import Run, RunStore
from models.artifact import digest_of
from models.training.loop import Progress

Item = TypeVar("Item")

_PASSES, _ENOUGH_S = 3, 3.0
_FORMAT = 1
"""Raise it when stored runs no longer mean the same."""


def run_all(
    contenders: Sequence[Contender[Item]],
    data: Data[Item],
    *,
    vectors: str,
    seeds: Sequence[int],
    store: RunStore,
    again: bool,
    progress: Progress,
) -> dict[str, list[Run]]:
    """Run what is not stored yet.

    Args:
        contenders: the models.
        data: the rows.
        vectors: digest of the vectors.
        seeds: of the models that depend on them; the others are run with the first alone.
        store: finished runs.
        again: run everything even if it is stored.
        progress: told after every run, and by the models while they train.

    Returns:
        The runs of each model, by seed.
    """
    plan = [(contender, seed) for contender in contenders for seed in (seeds if contender.seeded else seeds[:1])]
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    progress("runs", 0, len(plan))
    for number, (contender, seed) in enumerate(plan, start=1):
        digest = _digest(contender, data, vectors, seed)
        run = None if again else store.find(digest)
        if run is None:
            run = _run(contender, data, seed, store.checkpoint(digest), progress)
            store.keep(digest, run)
        runs[contender.name].append(run)
        progress("runs", number, len(plan))
    return runs


def _run(contender: Contender[Item], data: Data[Item], seed: int, checkpoint: Path, progress: Progress) -> Run:
    def named(_: str, done: int, total: int) -> None:
        progress(f"{contender.name} {seed}", done, total)

    resumed = checkpoint.exists()
    started = perf_counter()
    trained = contender.train(data.train, data.dev, Trial(seed, checkpoint, named))
    train_seconds = perf_counter() - started
    dev = trained.score(data.dev)
    test, test_seconds = _timed(lambda: trained.score(data.test))
    return Run(
        model=contender.name,
        seed=seed,
        dev=dev,
        test=test,
        train_seconds=train_seconds,
        resumed=resumed,
        test_seconds=test_seconds,
        n_parameters=trained.n_parameters,
        fit=trained.fit,
    )


def _timed(score: Callable[[], Scores]) -> tuple[Scores, float]:
    """The scores, and the quickest of up to three passes: what else the machine did is no property of the model."""
    seconds: list[float] = []
    while len(seconds) < _PASSES and sum(seconds) < _ENOUGH_S:
        started = perf_counter()
        scores = score()
        seconds.append(perf_counter() - started)
    return scores, min(seconds)


def _digest(contender: Contender[Any], data: Data[Any], vectors: str, seed: int) -> str:
    settings = json.dumps(contender.settings, sort_keys=True, default=str)
    return digest_of([str(_FORMAT), data.digest, vectors, contender.name, settings, str(seed)])
