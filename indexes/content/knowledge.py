"""The expert knowledge: matters that customers bring up, each with its written, most specific reply.

Read from `data/knowledge/<topic>.yaml`. The index is built from it, the composer answers from it, the matcher
learns from it. The rules here are those without which the system cannot work; those of good style are in the
data check.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from indexes.content.source import ContentError, Text, Written, files_in, read_entries, validated
from indexes.content.splits import Split, split_of
from indexes.content.taxonomy import Taxonomy
from models.artifact import digest_of


class KnowledgeEntry(Written):
    """One matter.

    Attributes:
        id: topic, hyphen, number.
        topic: a topic id.
        emotions: the emotions for which the reply is suitable; the first is that of the question.
        question: the representative customer sentence.
        paraphrases: the same matter in other words.
        hard_negatives: sentences of similar words for which the reply would be wrong.
        reply: the written comfort.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]*-\d{2,}$")]
    topic: str
    emotions: Annotated[tuple[str, ...], Field(min_length=1)]
    question: Text
    paraphrases: tuple[Text, ...] = ()
    hard_negatives: tuple[Text, ...] = ()
    reply: Text

    @property
    def surfaces(self) -> tuple[str, ...]:
        """Every sentence by which the entry is found: the question, then the paraphrases."""
        return (self.question, *self.paraphrases)

    @property
    def split(self) -> Split:
        """The part of the data it belongs to, with all its sentences."""
        return split_of(self.id)


class KnowledgeStore:
    """All entries, with unique ids, in the order given.

    Attributes:
        entries: the entries.
        digest: SHA-256 of their content, in hexadecimal digits.
    """

    def __init__(self, entries: Sequence[KnowledgeEntry]) -> None:
        self.entries = tuple(entries)
        self._by_id = {entry.id: entry for entry in self.entries}
        if len(self._by_id) != len(self.entries):
            ids = [entry.id for entry in self.entries]
            twice = next(entry_id for entry_id in ids if ids.count(entry_id) > 1)
            raise ContentError(f"knowledge id {twice!r}: is given twice; each must be unique")
        self.digest = digest_of(entry.model_dump_json() for entry in self.entries)

    @classmethod
    def read(cls, folder: Path, taxonomy: Taxonomy) -> KnowledgeStore:
        """Reads every `*.yaml` of `folder`; a file is named by the topic of its entries.

        Raises:
            ContentError: a rule is broken.
        """
        entries: dict[str, KnowledgeEntry] = {}
        for path in files_in(folder, ".yaml"):
            for where, value in read_entries(path):
                entry = validated(KnowledgeEntry, value, _named(where, value))
                check_entry(entry, taxonomy, where)
                if entry.topic != path.stem:
                    raise ContentError(f"{where} ({entry.id}): topic {entry.topic!r}: must be the file's name")
                if entry.id in entries:
                    raise ContentError(f"{where}: id {entry.id!r}: is given twice; each must be unique")
                entries[entry.id] = entry
        return cls(tuple(entries.values()))

    def get(self, entry_id: str) -> KnowledgeEntry | None:
        """The entry with this id."""
        return self._by_id.get(entry_id)

    def __len__(self) -> int:
        return len(self.entries)


def check_entry(entry: KnowledgeEntry, taxonomy: Taxonomy, where: str) -> None:
    """Refuses an entry that does not fit the taxonomy or itself.

    Raises:
        ContentError: an unknown topic or emotion, `other`, an emotion given twice, an id that does not begin
            with the topic.
    """
    named = f"{where} ({entry.id})"
    taxonomy.check_topic(entry.topic, named)
    for emotion in entry.emotions:
        taxonomy.check_emotion(emotion, named, comfort=True)
    if len(set(entry.emotions)) != len(entry.emotions):
        raise ContentError(f"{named}: emotions {list(entry.emotions)}: each may be given once")
    if entry.id.rsplit("-", 1)[0] != entry.topic:
        raise ContentError(f"{named}: id {entry.id!r}: must be the topic {entry.topic!r}, a hyphen and a number")


def _named(where: str, value: object) -> str:
    entry_id = value.get("id") if isinstance(value, dict) else None
    return f"{where} ({entry_id})" if isinstance(entry_id, str) else where
