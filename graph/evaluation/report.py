"""The report of an evaluation: measures of every run, their mean and spread over seeds, and how to get them again."""

import json
import math
import os
import platform
import re
import shlex
import statistics
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from graph.evaluation.contenders import Contender
from graph.evaluation.data import Data, short_name
from graph.evaluation.store import Run
from models.layers.device import resolve_device

Report = dict[str, Any]
Measured = dict[str, dict[str, Any]]
"""The measures of one run by part: dev, test, and test without duplicates if wanted."""

_PAIR = re.compile(r'\{\s+"mean": (\S+),\s+"std": (\S+)\s+\}')
"""A mean with its deviation, which reads better on one line."""
_PACKAGES = ("torch", "numpy", "scikit-learn", "gensim", "jieba", "POT")


def spread(values: Sequence[Any]) -> Any:
    """The same structure with every float as its mean and sample standard deviation over runs.

    Whole numbers and names that are the same in all runs stay as they are. A value that is undefined (None) in some
    runs has the mean of the others; in all, null. The deviation of one run is 0.

    Args:
        values: one structure of dictionaries a run, alike in shape; a key may be missing in some.
    """
    if all(isinstance(value, Mapping) for value in values):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: spread([value[key] for value in values if key in value]) for key in keys}
    if all(value == values[0] for value in values) and isinstance(values[0], (int, str)):
        return values[0]
    defined = [float(value) for value in values if value is not None]
    if not defined:
        return {"mean": None, "std": None}
    return {"mean": statistics.fmean(defined), "std": statistics.stdev(defined) if len(defined) > 1 else 0.0}


def build_report(
    *,
    task: str,
    words: Sequence[str],
    data: Data[Any],
    vectors: Mapping[str, Any],
    contenders: Sequence[Contender[Any]],
    runs: Mapping[str, Sequence[Run]],
    measure: Callable[[Contender[Any], Run], Measured],
    device: str,
    n_threads: int,
    notes: Mapping[str, Any],
) -> Report:
    """Everything in one structure of stable keys.

    Args:
        task: "classification" or "matching".
        words: the command line.
        data: the rows.
        vectors: note on the vectors.
        contenders: the models.
        runs: their runs.
        measure: the measures of a run.
        device: as asked for.
        n_threads: torch threads.
        notes: further facts of the task.
    """
    return {
        "task": task,
        "tested_on": data.tested_on,
        "dev_from": data.dev_from,
        "data": data.notes,
        **notes,
        "embeddings": dict(vectors),
        "models": {
            contender.name: _model(contender, runs[contender.name], len(data.test), measure) for contender in contenders
        },
        "command": command_line(words),
        "machine": machine(device, n_threads),
        "versions": versions(),
    }


def _model(
    contender: Contender[Any], runs: Sequence[Run], n_test: int, measure: Callable[[Contender[Any], Run], Measured]
) -> dict[str, Any]:
    measured = [measure(contender, run) for run in runs]
    return {
        **spread(measured),
        "train_seconds": spread([run.train_seconds for run in runs]),
        "items_per_second": spread([n_test / max(run.test_seconds, 1e-9) for run in runs]),
        "n_parameters": runs[0].n_parameters,
        "seeds": [run.seed for run in runs],
        "settings": dict(contender.settings),
        "runs": [
            {
                "seed": run.seed,
                "train_seconds": run.train_seconds,
                "resumed": run.resumed,
                **_course(run),
                **_headline(own["test"]),
            }
            for run, own in zip(runs, measured, strict=True)
        ],
    }


def _course(run: Run) -> dict[str, Any]:
    if run.fit is None:
        return {}
    return {"best_epoch": run.fit.best_epoch, "dev_scores": list(run.fit.scores)}


def _headline(measures: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if isinstance(value, float)}


def command_line(words: Sequence[str]) -> str:
    """The command as a person types it; a path outside the working folder is cut to folder and name."""
    return shlex.join(["python", "-m", "graph", *(_shown(word) for word in words)])


def _shown(word: str) -> str:
    path = Path(word)
    outside = path.is_absolute() or ".." in path.parts
    return short_name(path) if outside else word


def machine(device: str, n_threads: int) -> dict[str, Any]:
    """What it ran on."""
    resolved = resolve_device(device)
    name = torch.cuda.get_device_name(resolved) if resolved.type == "cuda" else platform.machine()
    return {"device": resolved.type, "name": name, "cores": os.cpu_count(), "threads": n_threads}


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide results."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write as JSON, whole or not at all; numbers to six decimals, one that is none (NaN) as null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    text = json.dumps(_finite(report), ensure_ascii=False, indent=1, allow_nan=False)
    text = _PAIR.sub(r'{"mean": \1, "std": \2}', text)
    beside.write_text(text + "\n", encoding="utf-8")
    os.replace(beside, path)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(own) for own in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
