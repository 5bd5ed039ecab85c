"""Runs are made once, found again, and made anew when anything that decides them changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graph.evaluation.contenders import Contender, Trained, Trial
from graph.evaluation.data import Data, Labelled
from graph.evaluation.runs import run_all
from graph.evaluation.store import RunStore
from models.text.sentence import Sentence
from models.training.loop import FitReport

ROWS: list[Labelled] = [(Sentence("a", ("a",)), "x"), (Sentence("b", ("b",)), "y")]
DATA: Data[Labelled] = Data(
    train=ROWS,
    dev=ROWS,
    test=ROWS,
    tested_on="test",
    dev_from="file",
    new=[True, True],
    texts=[],
    segmenter="by hand",
    digest="data",
    notes={},
)


class Counting:
    """A contender whose scores are its seed, and that notes when it is trained."""

    def __init__(self) -> None:
        self.trained: list[int] = []

    def contender(self, *, seeded: bool = True, **settings: Any) -> Contender[Labelled]:
        def train(rows: Sequence[Labelled], dev: Sequence[Labelled], trial: Trial) -> Trained[Labelled]:
            del rows, dev
            self.trained.append(trial.seed)
            fit = FitReport(best_epoch=1, best_score=0.5, scores=(0.5,), losses=(1.0,), seconds=0.1)
            return Trained(lambda items: np.full((len(items), 2), trial.seed, dtype=np.float32), 7, fit)

        return Contender("counting", settings, seeded=seeded, probabilities=True, train=train)


def run(contender: Contender[Labelled], folder: Path, *, data: Data[Labelled] = DATA, again: bool = False) -> Any:
    return run_all(
        [contender],
        data,
        vectors="vectors",
        seeds=(1, 2),
        store=RunStore(folder),
        again=again,
        progress=lambda *_: None,
    )["counting"]


def test_finished_runs_are_not_made_again(tmp_path: Path) -> None:
    counting = Counting()
    first = run(counting.contender(dropout=0.1), tmp_path)
    second = run(counting.contender(dropout=0.1), tmp_path)
    assert counting.trained == [1, 2]
    assert [own.seed for own in second] == [1, 2]
    assert [own.test.tolist() for own in second] == [[[1.0, 1.0]] * 2, [[2.0, 2.0]] * 2]
    assert [(a.train_seconds, a.n_parameters, a.fit.best_epoch) for a in first] == [
        (b.train_seconds, b.n_parameters, b.fit.best_epoch) for b in second
    ]


def test_an_interrupted_line_is_made_again_and_hurts_no_other(tmp_path: Path) -> None:
    counting = Counting()
    run(counting.contender(), tmp_path)
    file = tmp_path / "runs.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    run(counting.contender(), tmp_path)
    run(counting.contender(), tmp_path)
    assert counting.trained == [1, 2, 2]


def test_lost_scores_are_made_again(tmp_path: Path) -> None:
    counting = Counting()
    run(counting.contender(), tmp_path)
    next(tmp_path.glob("scores-*.npz")).unlink()
    run(counting.contender(), tmp_path)
    assert len(counting.trained) == 3


def test_other_settings_data_or_a_wish_make_new_runs(tmp_path: Path) -> None:
    counting = Counting()
    run(counting.contender(dropout=0.1), tmp_path)
    run(counting.contender(dropout=0.2), tmp_path)
    run(counting.contender(dropout=0.2), tmp_path, data=replace(DATA, digest="other"))
    run(counting.contender(dropout=0.2), tmp_path, again=True)
    assert counting.trained == [1, 2] * 4


def test_a_model_without_chance_runs_once(tmp_path: Path) -> None:
    counting = Counting()
    run(counting.contender(seeded=False), tmp_path)
    assert counting.trained == [1]
