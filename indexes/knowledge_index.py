"""What a built index folder says: surfaces by row, their entries, and the manifest that guards them.

A surface is one sentence by which an entry is found: its question or a paraphrase. Rows number the surfaces;
the Lucene and the dense index use the same rows. The folder holds the entries as well, so that a swap to
another folder changes candidates and replies together. `indexes/build.py` writes such folders; recall, the
reranker and the composer read them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from indexes.content.knowledge import KnowledgeEntry
from indexes.content.source import Written
from indexes.errors import IndexMismatchError, IndexUnavailableError
from models.artifact import digest_of
from models.text.sentence import Sentence

FORMAT = 1
"""Of the folder; another one is refused."""
MANIFEST_FILE = "manifest.json"
ENTRIES_FILE = "entries.jsonl"
SURFACES_FILE = "surfaces.jsonl"
LUCENE_FOLDER = "lucene"
DENSE_FOLDER = "dense"


class Manifest(Written):
    """What an index was built from, and the digests of its files.

    Attributes:
        format: of the folder.
        knowledge: digest of the knowledge.
        segmenter: version of the text processor that cut the surfaces.
        encoder: version of the encoder of the dense vectors.
        k1: of BM25.
        b: of BM25.
        n_entries: entries.
        n_surfaces: surfaces, the rows of both indexes.
        files: SHA-256 of each file by its path in the folder, without the manifest itself.
    """

    format: int
    knowledge: str
    segmenter: str
    encoder: str
    k1: float
    b: float
    n_entries: int
    n_surfaces: int
    files: Mapping[str, str]

    @cached_property
    def version(self) -> str:
        """Names what the index was built from: equal inputs, equal versions."""
        inputs = (self.format, self.knowledge, self.segmenter, self.encoder, self.k1, self.b)
        return digest_of(str(value) for value in inputs)[:12]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of `folder`.

        Raises:
            IndexUnavailableError: missing or unreadable.
            IndexMismatchError: of another format.
        """
        path = folder / MANIFEST_FILE
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            found = value.get("format") if isinstance(value, dict) else None
            if found is not None and found != FORMAT:
                raise IndexMismatchError(
                    f"{folder}: index of format {found}, this program reads {FORMAT}; build it again"
                )
            return cls.model_validate(value)
        except FileNotFoundError:
            raise IndexUnavailableError(f"{folder}: no {MANIFEST_FILE} there; build the index") from None
        except (OSError, ValidationError, ValueError):
            raise IndexUnavailableError(f"{path}: cannot be read; build the index again") from None

    def verify(self, folder: Path, part: str) -> None:
        """Compares the files of `folder` below `part` (a file or a sub-folder) with their digests.

        Raises:
            IndexUnavailableError: a file is missing, or not the one that was written.
        """
        names = [name for name in self.files if name == part or name.startswith(f"{part}/")]
        if not names:
            raise IndexUnavailableError(f"{folder / part}: not in the manifest; build the index again")
        for name in names:
            try:
                digest = file_digest(folder / name)
            except OSError:
                raise IndexUnavailableError(f"{folder / name}: missing; build the index again") from None
            if digest != self.files[name]:
                raise IndexUnavailableError(f"{folder / name}: not the file that was written; build the index again")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Surface:
    """One sentence by which an entry is found.

    Attributes:
        entry: number of the entry in `KnowledgeIndex.entries`.
        sentence: normalised and segmented.
    """

    entry: int
    sentence: Sentence


class KnowledgeIndex:
    """Surfaces and entries.

    Attributes:
        entries: in the order of the knowledge.
        surfaces: by row; those of one entry stand together, its question first.
        manifest: what it was built from.
    """

    def __init__(self, *, entries: Sequence[KnowledgeEntry], surfaces: Sequence[Surface], manifest: Manifest) -> None:
        self.entries = tuple(entries)
        self.surfaces = tuple(surfaces)
        self.manifest = manifest
        rows: list[list[int]] = [[] for _ in self.entries]
        for row, surface in enumerate(self.surfaces):
            rows[surface.entry].append(row)
        self._rows = {entry.id: tuple(own) for entry, own in zip(self.entries, rows, strict=True)}

    @classmethod
    def open(
        cls, folder: Path, *, segmenter: str, encoder: str | None = None, knowledge: str | None = None
    ) -> KnowledgeIndex:
        """Reads the surfaces and entries of an index folder.

        Args:
            folder: what `build_index` wrote.
            segmenter: version of the text processor in use.
            encoder: version of the encoder in use; None if there is none.
            knowledge: digest of the knowledge it must have been built from; None for any.

        Raises:
            IndexMismatchError: built with another segmenter or encoder, or from other knowledge.
            IndexUnavailableError: a file is missing or damaged.
        """
        manifest = Manifest.read(folder)
        wanted = {"segmenter": segmenter, "encoder": encoder, "knowledge": knowledge}
        for name, value in wanted.items():
            built = getattr(manifest, name)
            if value is not None and value != built:
                raise IndexMismatchError(
                    f"{folder}: built with {name} {built}, in use is {value}; build the index again"
                )
        manifest.verify(folder, ENTRIES_FILE)
        manifest.verify(folder, SURFACES_FILE)
        entries = [_entry(line) for line in _lines(folder / ENTRIES_FILE)]
        surfaces = [_surface(line) for line in _lines(folder / SURFACES_FILE)]
        return cls(entries=entries, surfaces=surfaces, manifest=manifest)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentence of each row, e.g. for the reranker to prepare."""
        return tuple(surface.sentence for surface in self.surfaces)

    def entry_of(self, row: int) -> KnowledgeEntry:
        """The entry that the surface in `row` belongs to."""
        return self.entries[self.surfaces[row].entry]

    def entry(self, entry_id: str) -> KnowledgeEntry:
        """The entry of an id.

        Raises:
            KeyError: there is none.
        """
        return self.entry_of(self._rows[entry_id][0])

    def rows_of(self, entry_id: str) -> tuple[int, ...]:
        """The rows of an entry's surfaces, its question first; none for an unknown id."""
        return self._rows.get(entry_id, ())


def surface_line(surface: Surface) -> str:
    """A surface as a line of `surfaces.jsonl`."""
    values = {"entry": surface.entry, "text": surface.sentence.text, "words": surface.sentence.words}
    return json.dumps(values, ensure_ascii=False)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _entry(line: str) -> KnowledgeEntry:
    return KnowledgeEntry.model_validate_json(line)


def _surface(line: str) -> Surface:
    values = json.loads(line)
    return Surface(values["entry"], Sentence(text=values["text"], words=tuple(values["words"])))
