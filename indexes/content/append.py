"""Adding entries to the written knowledge: the next free ids, behind what stands in the topic's file.

What people wrote stays as they wrote it, comments included. Publishing calls this on a copy of the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from indexes.content.knowledge import KnowledgeEntry, KnowledgeStore
from indexes.content.source import read_text


def next_ids(store: KnowledgeStore, topics: Sequence[str]) -> list[str]:
    """A new id for an entry of each topic, in order; numbers count on from the highest of the topic."""
    highest: dict[str, int] = {}
    for entry in store.entries:
        number = int(entry.id.rsplit("-", 1)[1])
        highest[entry.topic] = max(highest.get(entry.topic, 0), number)
    ids = []
    for topic in topics:
        highest[topic] = highest.get(topic, 0) + 1
        ids.append(f"{topic}-{highest[topic]:02d}")
    return ids


def append_entries(folder: Path, entries: Sequence[KnowledgeEntry]) -> list[Path]:
    """Writes each entry at the end of `<topic>.yaml`.

    Returns:
        The files that were changed or made, by name.
    """
    changed = set()
    for entry in entries:
        path = folder / f"{entry.topic}.yaml"
        before = read_text(path).rstrip("\n") + "\n" if path.exists() else ""
        item = yaml.safe_dump(
            [entry.model_dump(mode="json")], allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
        )
        path.write_text(before + item, encoding="utf-8", newline="\n")
        changed.add(path)
    return sorted(changed)
