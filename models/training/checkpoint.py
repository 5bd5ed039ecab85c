"""The state of a training after an epoch, so that an interrupted run goes on where it was and ends the same.

Weights, the optimiser's moments, averaged weights and the state of chance go into one safetensors file, the course of
the scores into its metadata; nothing is pickled. `models.training.loop` writes one after every epoch if it is given a
place, reads it at the start if it belongs to the same data and hyperparameters, and removes it at the end.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

__all__ = ["Checkpoint", "Course"]


@dataclass(frozen=True, slots=True)
class Course:
    """What a training has gone through.

    Attributes:
        scores: the score on the development set after every epoch.
        losses: the mean training loss of every epoch.
    """

    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place for the state of one training.

    Attributes:
        path: the file.
        digest: of data and hyperparameters; a file with another one is ignored.
    """

    path: Path
    digest: str

    def save(self, groups: Mapping[str, Mapping[str, Tensor]], course: Course) -> None:
        """Replace the file; groups: named groups of named tensors, among them no empty name."""
        tensors = {f"{group}/{name}": t.detach().cpu() for group, named in groups.items() for name, t in named.items()}
        tensors["chance/cpu"] = torch.get_rng_state()
        metadata = {"digest": self.digest, "scores": json.dumps(course.scores), "losses": json.dumps(course.losses)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        save_file({name: value.contiguous().clone() for name, value in tensors.items()}, beside, metadata=metadata)
        os.replace(beside, self.path)

    def load(self) -> tuple[dict[str, dict[str, Tensor]], Course] | None:
        """The groups and the course; None without a file of this digest. Restores the state of chance."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("digest") != self.digest:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        except (SafetensorError, OSError):
            return None  # a damaged checkpoint costs time, not the run
        torch.set_rng_state(tensors.pop("chance/cpu"))
        groups: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = value
        return groups, Course(tuple(json.loads(metadata["scores"])), tuple(json.loads(metadata["losses"])))

    def remove(self) -> None:
        """Delete the file if there is one."""
        self.path.unlink(missing_ok=True)
