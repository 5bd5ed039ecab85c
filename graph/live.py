"""What `serve deploy` changes in a running composer, without a restart: thresholds and written replies.

Serve hands a deployment its `user_config` after the constructor and whenever it changes, and starts nothing anew for
it; every other setting is part of the application's arguments, and a change of those replaces all replicas.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.schema import LiveSettings, explain
from graph.composer import Composer
from indexes.content.replies import ReplyStore
from indexes.content.source import ContentError
from indexes.content.taxonomy import Taxonomy

logger = logging.getLogger("ray.serve")


class Live:
    """Keeps one running composer to what was deployed last.

    Args:
        composer: Whom to change; it was made with the replies that are there now.
        data: The folder that holds `replies` and the taxonomy.
    """

    def __init__(self, composer: Composer, *, data: Path) -> None:
        self._composer = composer
        self._data = data
        self._started = False

    async def change(self, user_config: dict[str, Any]) -> None:
        """Decide by other thresholds, and choose among the replies that are there now; requests go on meanwhile.

        A running composer that is told nonsense says so in the log and stays as it was, so that a slip of the hand
        does not end the service; one that starts with it does not start.

        Raises:
            ConfigError: an unusable value, on the first call.
        """
        try:
            wanted = LiveSettings.model_validate(user_config)
            # Off the event loop: other requests are answered while the files are read.
            replies = await asyncio.to_thread(read_replies, self._data) if self._started else None
        except ValidationError as error:
            fault = explain(error, path="Composer", prefix="user_config.")
            if not self._started:
                raise fault from None
            logger.warning("nothing was changed: %s", fault)
            return
        except ContentError as error:
            logger.warning("nothing was changed: %s", error)
            return
        if replies is not None:
            self._composer.scribe.choose_from(replies)
        self._composer.decide_by(wanted.thresholds)
        self._started = True
        version = self._composer.scribe.replies.version
        if wanted.replies not in (None, version):
            logger.warning("replies %s were deployed, but %s are on this machine", wanted.replies, version)


def read_replies(data: Path) -> ReplyStore:
    """The written replies under `data`.

    Raises:
        ContentError: a rule is broken.
    """
    return ReplyStore.read(data / "replies", Taxonomy.read(data / "taxonomy.yaml"))
