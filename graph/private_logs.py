"""What may stand in a log: no personal data, and no customer's text unless it is asked for.

The service logs no text itself, but the message of an exception may quote one. Called once by every composer
replica, after Serve has set up its log files.
"""

import logging
import traceback

from models.text.personal import mask_personal


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


def protect_logs(*, keep_text: bool) -> None:
    """Put the filter before every log file and stream of this process."""
    handlers = [*logging.getLogger().handlers, *logging.getLogger("ray.serve").handlers, logging.lastResort]
    for handler in handlers:
        if handler is not None and not any(isinstance(each, Private) for each in handler.filters):
            handler.addFilter(Private(keep_text=keep_text))
