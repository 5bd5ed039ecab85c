"""What may stand in a log: no personal data, and no customer's text unless it is asked for.

The service logs no text itself, but the message of an exception may quote one. Called once by every replica,
after Serve has set up its log files.
"""

import logging
import traceback

from models.text.personal import mask_personal

_SERVE = "ray.serve"
_OURS = ("graph", "deployments", "indexes", "models")


class Private(logging.Filter):
    """Rewrites every record: personal data is masked, and of an exception only its type and place are kept.

    Args:
        keep_text: Keep the messages of exceptions, masked.
    """

    def __init__(self, *, keep_text: bool) -> None:
        super().__init__()
        self._keep_text = keep_text

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; nothing is held back."""
        said = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            said = f"{said}\n{self._told(record.exc_info[1])}"
        record.exc_info = record.exc_text = None
        record.msg, record.args = mask_personal(said), ()
        return True

    def _told(self, error: BaseException) -> str:
        if self._keep_text:
            return "".join(traceback.format_exception(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        before = f"{self._told(cause)}\n" if cause is not None else ""
        return f"{before}{frames}{type(error).__name__}"


class ToServe(logging.Handler):
    """Passes records on to Serve's logger, whichever files it writes to at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one on."""
        serve = logging.getLogger(_SERVE)
        if serve.isEnabledFor(record.levelno):
            serve.handle(record)


def join_serve_logs(*, keep_text: bool) -> None:
    """Let this project's own records go where Serve's do: into the replica's log file, as JSON with the request's id.

    Without it they would go to the process' standard error, which Serve drops while it logs warnings only.
    """
    for package in _OURS:
        logger = logging.getLogger(package)
        if not any(isinstance(handler, ToServe) for handler in logger.handlers):
            handler = ToServe()
            handler.addFilter(Private(keep_text=keep_text))
            logger.addHandler(handler)
        logger.propagate = False


def protect_logs(*, keep_text: bool) -> None:
    """Put the filter before every log file and stream of this process."""
    handlers = [*logging.getLogger().handlers, *logging.getLogger(_SERVE).handlers, logging.lastResort]
    for handler in handlers:
        if handler is not None and not any(isinstance(each, Private) for each in handler.filters):
            handler.addFilter(Private(keep_text=keep_text))
