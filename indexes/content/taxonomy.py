"""The labels of the system: emotions and topics, each with its id, Chinese name and labelling rule.

The ids are part of the HTTP API and of every data file. All other readers check their labels against this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from indexes.content.source import ContentError, Text, Written, read_yaml, validated

NO_EMOTION = "other"
"""The emotion id of a text that asks for no comfort."""
NO_TOPIC = "none"
"""What stands in a topic column when there is no topic."""

LabelId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*$")]


class Label(Written):
    """A label: its id, the name people see, and the rule by which a text gets it."""

    id: LabelId
    zh: Text
    definition: Text


class Taxonomy:
    """All labels, in the order of the file.

    Attributes:
        emotions: the last one is `other`.
        topics: without "none".
        emotion_ids: ids of `emotions`.
        topic_ids: ids of `topics`.
        comfort_emotion_ids: ids of the emotions that ask for comfort, i.e. all but `other`.
    """

    def __init__(self, *, emotions: tuple[Label, ...], topics: tuple[Label, ...]) -> None:
        self.emotions = emotions
        self.topics = topics
        self.emotion_ids = tuple(label.id for label in emotions)
        self.topic_ids = tuple(label.id for label in topics)
        for kind, labels in (("emotion", emotions), ("topic", topics)):
            for what in ("id", "zh"):
                values = [getattr(label, what) for label in labels]
                twice = next((value for value in values if values.count(value) > 1), None)
                if twice is not None:
                    raise ContentError(f"{kind} {what} {twice!r}: is given twice; each must be unique")
        if not self.emotion_ids or self.emotion_ids[-1] != NO_EMOTION:
            raise ContentError(f"emotions {list(self.emotion_ids)}: the last must be {NO_EMOTION!r}")
        if NO_TOPIC in self.topic_ids:
            raise ContentError(f"topic {NO_TOPIC!r}: is reserved for 'no topic'")
        self.comfort_emotion_ids = self.emotion_ids[:-1]
        self._emotions = frozenset(self.emotion_ids)
        self._topics = frozenset(self.topic_ids)

    @classmethod
    def read(cls, path: Path) -> Taxonomy:
        """Reads `taxonomy.yaml`.

        Raises:
            ContentError: a rule is broken.
        """
        value = read_yaml(path)
        if not isinstance(value, dict) or set(value) != {"emotions", "topics"}:
            raise ContentError(f"{path}: must be a mapping with exactly the keys emotions and topics")
        try:
            return cls(emotions=_labels(value["emotions"], path), topics=_labels(value["topics"], path))
        except ContentError as error:
            message = str(error)
            raise ContentError(message if message.startswith(str(path)) else f"{path}: {message}") from None

    def check_emotion(self, emotion: str, where: str, *, comfort: bool = False) -> None:
        """Refuses an unknown emotion id, and with `comfort` also `other`.

        Raises:
            ContentError: as said.
        """
        known = self.comfort_emotion_ids if comfort else self.emotion_ids
        if emotion not in self._emotions or emotion not in known:
            raise ContentError(f"{where}: emotion {emotion!r}: must be one of {', '.join(known)}")

    def check_topic(self, topic: str | None, where: str) -> None:
        """Refuses an unknown topic id; None, no topic, is fine.

        Raises:
            ContentError: as said.
        """
        if topic is not None and topic not in self._topics:
            raise ContentError(f"{where}: topic {topic!r}: must be an id of the taxonomy, or {NO_TOPIC!r}")


def topic_or_none(cell: str) -> str | None:
    """The topic a column names; None for "none"."""
    return None if cell == NO_TOPIC else cell


def _labels(value: object, path: Path) -> tuple[Label, ...]:
    if not isinstance(value, dict) or not value:
        raise ContentError(f"{path}: emotions and topics must be mappings from ids to {{zh, definition}}")
    labels = []
    for key, fields in value.items():
        where = f"{path}: {key}"
        if not isinstance(fields, dict):
            raise ContentError(f"{where}: {fields!r}: must be a mapping {{zh, definition}}")
        labels.append(validated(Label, {"id": key, **fields}, where))
    return tuple(labels)
