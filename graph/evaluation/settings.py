"""`--set KEY=VALUE`: hyperparameters from the command line, for all models, for one, or for the vectors.

`dropout=0.3` goes to every trained model, `mlc.dropout=0.3` to one, `embeddings.width=128` to the vectors.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from graph.errors import UsageError

EMBEDDINGS = "embeddings"
_EVERY = ""


class Overrides:
    """What `--set` asks for."""

    def __init__(self, assignments: Sequence[str], *, models: Sequence[str], n_epochs: int | None = None) -> None:
        """Read the assignments.

        Args:
            assignments: KEY=VALUE or NAME.KEY=VALUE, the value in YAML.
            models: names that may stand before the dot, besides `embeddings`.
            n_epochs: of `--epochs`; None to leave it to the models.

        Raises:
            UsageError: not of that form, or an unknown name.
        """
        self._values: dict[str, dict[str, Any]] = {_EVERY: {} if n_epochs is None else {"n_epochs": n_epochs}}
        for assignment in assignments:
            key, equals, value = assignment.partition("=")
            owner, _, name = key.rpartition(".")
            if not equals or not name:
                raise UsageError(f"--set {assignment}: must be KEY=VALUE or NAME.KEY=VALUE")
            if owner not in {_EVERY, EMBEDDINGS, *models}:
                raise UsageError(f"--set {assignment}: {owner!r} must be one of {', '.join([EMBEDDINGS, *models])}")
            try:
                self._values.setdefault(owner, {})[name] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise UsageError(f"--set {assignment}: the value is not YAML") from None

    def of_model(self, name: str) -> dict[str, Any]:
        """For a model: what is set for all, then what is set for it."""
        return {**self._values[_EVERY], **self._values.get(name, {})}

    def only_of(self, name: str) -> dict[str, Any]:
        """For a model that shares no hyperparameters with the others: what is set for it alone."""
        return self._values.get(name, {})

    @property
    def of_embeddings(self) -> dict[str, Any]:
        """For the vectors."""
        return self._values.get(EMBEDDINGS, {})
