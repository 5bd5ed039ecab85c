"""Finished runs, kept so that an interrupted evaluation goes on where it stopped.

One line of runs.jsonl for each finished (model, seed), and the scores it gave in a file of their own; measures,
plots and reports are made from these, so that they can be made again without training.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graph.evaluation.contenders import Scores
from models.training.loop import FitReport


@dataclass(frozen=True, slots=True)
class Run:
    """One training and its scores.

    Attributes:
        model: name of the contender.
        seed: of every random choice.
        dev: scores of the dev rows.
        test: scores of the test rows.
        train_seconds: wall time of training and calibration; of the last part, if it was resumed.
        test_seconds: wall time of scoring the test rows, from segmented text.
        n_parameters: trained numbers.
        resumed: whether the training went on from an interrupted one.
        fit: course of the training; None without epochs.
    """

    model: str
    seed: int
    dev: Scores
    test: Scores
    train_seconds: float
    test_seconds: float
    n_parameters: int
    resumed: bool
    fit: FitReport | None


_NUMBERS = ("model", "seed", "train_seconds", "test_seconds", "n_parameters", "resumed")


class RunStore:
    """The runs of a folder, by digest of all that decides their result."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; a line that was cut off by a crash counts as not written."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "runs.jsonl"
        self._lines: dict[str, dict[str, Any]] = {}
        for line in self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []:
            try:
                values = json.loads(line)
            except json.JSONDecodeError:
                continue
            self._lines[values["digest"]] = values

    def find(self, digest: str) -> Run | None:
        """The run with this digest, if it is finished and its scores are there."""
        values, scores = self._lines.get(digest), self._scores(digest)
        if values is None or not scores.exists():
            return None
        with np.load(scores) as arrays:
            dev, test = arrays["dev"], arrays["test"]
        fit = None if values["fit"] is None else FitReport(**values["fit"])
        return Run(**{name: values[name] for name in _NUMBERS}, dev=dev, test=test, fit=fit)

    def keep(self, digest: str, run: Run) -> None:
        """Store a finished run: first its scores, then the line that says so."""
        beside = self.folder / f".{digest[:16]}.new.npz"
        np.savez_compressed(beside, dev=run.dev, test=run.test)
        os.replace(beside, self._scores(digest))
        values = {name: getattr(run, name) for name in _NUMBERS}
        values |= {"digest": digest, "fit": None if run.fit is None else asdict(run.fit)}
        torn = self._file.exists() and not self._file.read_bytes().endswith(b"\n")
        with self._file.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(values, ensure_ascii=False) + "\n")
        self._lines[digest] = values

    def checkpoint(self, digest: str) -> Path:
        """Where the state of a training with this digest is kept while it goes on."""
        return self.folder / f"checkpoint-{digest[:16]}.safetensors"

    def _scores(self, digest: str) -> Path:
        return self.folder / f"scores-{digest[:16]}.npz"
