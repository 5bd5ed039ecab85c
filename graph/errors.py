"""Errors that a person can mend: the command line shows their message in one line and exits with 1."""

from configs.schema import ConfigError
from indexes.content.source import ContentError
from indexes.errors import IndexUnavailableError
from models.artifact import ArtifactError


class LaunchError(RuntimeError):
    """The service could not be started or stopped; the message says why in one line."""


class InputError(ValueError):
    """A file given to a command cannot be used; the message names file, line and rule."""


EXPECTED = (ConfigError, ContentError, IndexUnavailableError, ArtifactError, LaunchError, InputError, OSError)
