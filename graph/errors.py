"""Errors that a person can mend: the command line shows their message in one line and exits with 1."""

from configs.schema import ConfigError
from indexes.content.source import ContentError
from indexes.errors import IndexUnavailableError, StoreError
from models.artifact import ArtifactError
from models.training.dataset import DatasetError


class LaunchError(RuntimeError):
    """The service could not be started or stopped; the message says why in one line."""


class InputError(ValueError):
    """A file given to a command cannot be used; the message names file, line and rule."""


class UsageError(ValueError):
    """An option has a value it cannot have; the message names option, value and rule."""


EXPECTED = (
    ConfigError,
    ContentError,
    IndexUnavailableError,
    StoreError,
    ArtifactError,
    DatasetError,
    LaunchError,
    InputError,
    OSError,
)
