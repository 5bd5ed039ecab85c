"""What takes part in an evaluation: a model that can be trained with a seed and then scores rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from graph.errors import UsageError
from models.training.loop import FitReport, Progress

Item = TypeVar("Item")
Params = TypeVar("Params")

Scores = NDArray[np.float32]
"""Of a classifier: probabilities (n, n_labels); of a matcher: (n,), higher is more alike."""

_OWN_OPTIONS = {"seed": "--seeds", "device": "--device", "n_threads": "--threads"}


@dataclass(frozen=True, slots=True)
class Trained(Generic[Item]):
    """A model that is ready.

    Attributes:
        score: rows to scores; labels in the rows are not looked at.
        n_parameters: trained numbers; 0 for a model without training.
        fit: how the training went; None without epochs.
    """

    score: Callable[[Sequence[Item]], Scores]
    n_parameters: int = 0
    fit: FitReport | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a contender.

    Attributes:
        seed: of every random choice.
        checkpoint: file that keeps the state while training, so that an interrupted one goes on.
        progress: told while it goes on.
    """

    seed: int
    checkpoint: Path
    progress: Progress


@dataclass(frozen=True, slots=True)
class Contender(Generic[Item]):
    """A model that takes part.

    Attributes:
        name: in the report.
        settings: all that decides its result besides data, vectors and seed.
        seeded: whether the result depends on the seed; if not, one run is enough.
        probabilities: whether scores are probabilities, so that calibration means something.
        train: (train rows, dev rows, trial) -> the model.
    """

    name: str
    settings: Mapping[str, Any]
    seeded: bool
    probabilities: bool
    train: Callable[[Sequence[Item], Sequence[Item], Trial], Trained[Item]]


def settings_of(params: Any) -> dict[str, Any]:
    """Hyperparameters as the report shows them: without the seed, which differs from run to run."""
    return {name: value for name, value in asdict(params).items() if name not in {"seed", "n_threads"}}


def with_overrides(defaults: Params, overrides: Mapping[str, Any], *, where: str) -> Params:
    """Hyperparameters with some fields set, checked against their types.

    Args:
        defaults: an instance of a dataclass of hyperparameters.
        overrides: field -> value as YAML reads it.
        where: whose they are, for the error.

    Raises:
        UsageError: an unknown field, a field that has an option of its own, or an unusable value.
    """
    cls = type(defaults)
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name in overrides:
        if name not in known:
            raise UsageError(f"--set {where}{name}: no such hyperparameter; there are {', '.join(known)}")
        if name in _OWN_OPTIONS:
            raise UsageError(f"--set {where}{name}: use {_OWN_OPTIONS[name]}")
    try:
        return TypeAdapter(cls).validate_python({**_values(defaults), **overrides})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--set {where}{'.'.join(map(str, first['loc']))}={first['input']}: {first['msg']}") from None


def _values(params: Any) -> dict[str, Any]:
    return {field.name: getattr(params, field.name) for field in fields(params)}
