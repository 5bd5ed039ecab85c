"""The customer messages the classifiers learn from, each with its emotion and topic.

Read from `data/utterances/*.tsv` (columns emotion, topic, text) by training and by the data check.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from indexes.content.source import Text, Written, files_in, read_table, validated
from indexes.content.splits import Split, comparison_key, split_of
from indexes.content.taxonomy import Taxonomy, topic_or_none

COLUMNS = ("emotion", "topic", "text")


class Utterance(Written):
    """A labelled message.

    Attributes:
        emotion: an emotion id.
        topic: a topic id, None for no topic.
        text: as a customer would type it; not normalised.
        where: `file:line`, for messages.
    """

    emotion: str
    topic: str | None
    text: Text
    where: str

    @property
    def split(self) -> Split:
        """The part of the data it belongs to; texts that differ only in punctuation fall together."""
        return split_of(comparison_key(self.text))


class UtteranceStore:
    """All labelled messages, ordered by file name and line."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self.utterances = tuple(utterances)

    @classmethod
    def read(cls, folder: Path, taxonomy: Taxonomy) -> UtteranceStore:
        """Reads every `*.tsv` of `folder`.

        Raises:
            ContentError: a rule is broken.
        """
        rows = (row for path in files_in(folder, ".tsv") for row in read_table(path, COLUMNS))
        utterances = []
        for row in rows:
            values = {**row.cells, "topic": topic_or_none(row.cells["topic"]), "where": row.where}
            utterance = validated(Utterance, values, row.where)
            taxonomy.check_emotion(utterance.emotion, row.where)
            taxonomy.check_topic(utterance.topic, row.where)
            utterances.append(utterance)
        return cls(utterances)

    def of_split(self, split: Split) -> tuple[Utterance, ...]:
        """The messages of one part of the data."""
        return tuple(utterance for utterance in self.utterances if utterance.split == split)

    def __len__(self) -> int:
        return len(self.utterances)
