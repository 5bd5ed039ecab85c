"""Drafts of knowledge: what mining proposes and a person edits, approves or rejects.

One YAML file each, so that any editor and any review tool will do; `python -m graph drafts` changes the same files.
A draft has all of a knowledge entry but its id, and beside it what the log says.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from filelock import FileLock
from pydantic import StringConstraints

from indexes.content.check import check_knowledge
from indexes.content.check_rules import CheckRules
from indexes.content.knowledge import KnowledgeEntry, check_entry
from indexes.content.source import ContentError, Text, Written, read_yaml, validated
from indexes.content.taxonomy import Taxonomy

Status = Literal["draft", "approved", "rejected", "published"]
_RULES = CheckRules(min_entries=0, min_entries_per_topic=0)


class Draft(Written):
    """A proposed knowledge entry.

    Attributes:
        id: of the draft; the same question gets the same.
        status: only approved ones are published.
        frequency: how often the log asks this.
        sentences: in how many different ways.
        near: the knowledge entry most like it, with the similarity; for the reviewer.
        topic: a topic id, "" until one is chosen.
        emotions: emotion ids; the first is that of the question.
        question: the title.
        paraphrases: the same in other words.
        hard_negatives: similar words, another matter.
        reply: the comfort, written by a person.
        replies_found: what agents replied in the log, the most typical first; for the writer of the reply.
        entry: the knowledge entry it became.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    status: Status = "draft"
    frequency: int = 1
    sentences: int = 1
    near: str = ""
    topic: str = ""
    emotions: tuple[str, ...] = ()
    question: Text
    paraphrases: tuple[Text, ...] = ()
    hard_negatives: tuple[Text, ...] = ()
    reply: str = ""
    replies_found: tuple[str, ...] = ()
    entry: str = ""

    def as_entry(self, entry_id: str) -> KnowledgeEntry:
        """The knowledge entry it would become.

        Raises:
            ContentError: something is missing or breaks a rule of entries.
        """
        fields = ("topic", "emotions", "question", "paraphrases", "hard_negatives", "reply")
        values = {name: getattr(self, name) for name in fields}
        return validated(KnowledgeEntry, {"id": entry_id, **values}, f"draft {self.id}")


def draft_problems(draft: Draft, taxonomy: Taxonomy) -> list[str]:
    """What keeps a draft from being approved: the rules of single knowledge entries; empty if nothing does."""
    if not draft.topic:
        return [f"draft {draft.id}: topic '': choose one of the taxonomy"]
    try:
        entry = draft.as_entry(f"{draft.topic}-00")
        check_entry(entry, taxonomy, f"draft {draft.id}")
    except ContentError as error:
        return [str(error)]
    return [problem.replace(entry.id, f"draft {draft.id}") for problem in check_knowledge([entry], taxonomy, _RULES)]


class DraftFolder:
    """The drafts of one folder.

    Args:
        folder: holds `<id>.yaml` files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Whoever may write into the folder may take it.
        self._lock = FileLock(folder / ".lock", mode=0o666)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes a draft meanwhile, unless with an editor; whoever holds it may take it again."""
        with self._lock:
            yield

    def all(self) -> list[Draft]:
        """Every draft, the most frequent first.

        Raises:
            ContentError: there is no such folder, or a file is broken.
        """
        if not self.folder.is_dir():
            raise ContentError(f"{self.folder}: no such folder; `mine` writes one")
        drafts = [self._read(path) for path in sorted(self.folder.glob("*.yaml"))]
        return sorted(drafts, key=lambda draft: (-draft.frequency, draft.id))

    def get(self, draft_id: str) -> Draft:
        """The draft with this id, of which the first letters are enough.

        Raises:
            ContentError: none or several begin so, or its file is broken.
        """
        paths = sorted(self.folder.glob(f"{draft_id}*.yaml")) if draft_id.isalnum() else []
        if len(paths) != 1:
            raise ContentError(f"draft {draft_id!r}: {len(paths)} in {self.folder} begin so; give the id of one")
        return self._read(paths[0])

    def change(self, draft_id: str, **fields: Any) -> Draft:
        """Changes fields of a draft.

        Raises:
            ContentError: no such draft, or a field breaks a rule; the file stays as it was.
        """
        self.get(draft_id)  # before the lock makes a folder that is not there
        with self.locked():
            draft = self.get(draft_id)
            if draft.status == "published" and fields.get("status") != "approved":
                raise ContentError(f"draft {draft.id}: already published as {draft.entry}; edit the knowledge instead")
            changed = validated(Draft, {**draft.model_dump(), **fields}, f"draft {draft.id}")
            self.write(changed)
        return changed

    def approve(self, draft_id: str, taxonomy: Taxonomy) -> Draft:
        """Approves a draft.

        Raises:
            ContentError: no such draft, or it breaks a rule of knowledge entries.
        """
        problems = draft_problems(self.get(draft_id), taxonomy)
        if problems:
            raise ContentError("; ".join(problems))
        return self.change(draft_id, status="approved")

    def write(self, draft: Draft) -> None:
        """Writes a draft, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = draft.model_dump(mode="json")
        text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000)
        write_whole(self.folder / f"{draft.id}.yaml", text)

    def add(self, drafts: Sequence[Draft]) -> int:
        """Writes those that are not there yet: what a reviewer has touched is never overwritten.

        Returns:
            How many were new.
        """
        fresh = [draft for draft in drafts if not (self.folder / f"{draft.id}.yaml").exists()]
        for draft in fresh:
            self.write(draft)
        return len(fresh)

    def _read(self, path: Path) -> Draft:
        draft = validated(Draft, read_yaml(path), str(path))
        if draft.id != path.stem:
            raise ContentError(f"{path}: id {draft.id!r}: must be the file's name")
        return draft


def write_whole(path: Path, text: str) -> None:
    """Replaces a file, so that a reader sees the old text or the new one."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(beside, 0o644)
    os.replace(beside, path)
