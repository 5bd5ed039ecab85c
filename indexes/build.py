"""Building the index folder: from written knowledge to what recall searches.

The folder holds lucene/, dense/, surfaces.jsonl, entries.jsonl and manifest.json. It is built beside its
place and moved there when it is whole, and not built again while its inputs are the same. `index build`,
training of the matcher and the hot swap call this.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.content.knowledge import KnowledgeStore
from indexes.content.source import ContentError
from indexes.dense import DenseIndex
from indexes.errors import IndexUnavailableError
from indexes.knowledge_index import (
    DENSE_FOLDER,
    ENTRIES_FILE,
    FORMAT,
    LUCENE_FOLDER,
    MANIFEST_FILE,
    SURFACES_FILE,
    Manifest,
    Surface,
    file_digest,
    surface_line,
)
from indexes.lucene import LuceneIndex
from indexes.terms import lexical_terms
from models.text.sentence import Sentence

_ENCODE_BATCH = 256

Progress = Callable[[str, int, int], None]
"""What is going on, how many are done, of how many."""


class Encoder(Protocol):
    """Turns sentences into vectors whose inner product is their similarity."""

    @property
    def version(self) -> str:
        """Names the encoder; another version makes other vectors."""

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """The vectors, float32 (n, width), L2-normalised."""


class Segmenter(Protocol):
    """Turns raw text into sentences."""

    @property
    def version(self) -> str:
        """Names the segmenter; another version may cut other words."""

    def process(self, raw: str) -> Sentence:
        """The sentence of a raw text."""


def build_index(
    folder: Path,
    *,
    knowledge: KnowledgeStore,
    segmenter: Segmenter,
    encoder: Encoder,
    k1: float = 0.9,
    b: float = 0.4,
    progress: Progress | None = None,
) -> Manifest:
    """Builds the index of `knowledge` at `folder`, unless the one there is whole and from the same inputs.

    Readers of an older index at `folder` keep what they have open.

    Args:
        folder: where to; its parent is made if it is absent.
        knowledge: at least one entry.
        segmenter: the text processor in use.
        encoder: the sentence encoder in use.
        k1: saturation of the term frequency in BM25, recorded for the search.
        b: length normalisation of BM25, recorded for the search.
        progress: told after each batch of vectors.

    Returns:
        The manifest of the index that is now at `folder`.

    Raises:
        ContentError: there is no entry, or a sentence of one has no words.
        IndexUnavailableError: Lucene could not write.
        ValueError: the encoder has no version, because it was never saved.
    """
    if not encoder.version:
        raise ValueError("the encoder has no version: save it before an index is built with it")
    surfaces = segment_surfaces(knowledge, segmenter)
    wanted = Manifest(
        format=FORMAT,
        knowledge=knowledge.digest,
        segmenter=segmenter.version,
        encoder=encoder.version,
        k1=k1,
        b=b,
        n_entries=len(knowledge),
        n_surfaces=len(surfaces),
        files={},
    )
    present = _present(folder, wanted)
    if present is not None:
        return present
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_parts(beside, knowledge, surfaces, encoder, progress)
        manifest = wanted.model_copy(update={"files": _digests(beside)})
        (beside / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        _move_into_place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def segment_surfaces(knowledge: KnowledgeStore, segmenter: Segmenter) -> list[Surface]:
    """Every surface of every entry, in rows; sentences of one entry that normalise to the same text are one.

    Raises:
        ContentError: there is no entry, or a sentence of one has no words.
    """
    if not knowledge.entries:
        raise ContentError("knowledge: no entries; at least one is needed")
    surfaces = []
    for number, entry in enumerate(knowledge.entries):
        sentences = dict.fromkeys(segmenter.process(text) for text in entry.surfaces)
        for sentence in sentences:
            if not sentence.words:
                raise ContentError(f"{entry.id}: sentence {sentence.text!r}: must have at least one word")
            surfaces.append(Surface(number, sentence))
    return surfaces


def _present(folder: Path, wanted: Manifest) -> Manifest | None:
    """The manifest at `folder`, if that index is whole and from the wanted inputs."""
    try:
        present = Manifest.read(folder)
        if present.version != wanted.version:
            return None
        for part in (ENTRIES_FILE, SURFACES_FILE, LUCENE_FOLDER, DENSE_FOLDER):
            present.verify(folder, part)
    except IndexUnavailableError:
        return None
    return present


def _write_parts(
    folder: Path,
    knowledge: KnowledgeStore,
    surfaces: Sequence[Surface],
    encoder: Encoder,
    progress: Progress | None,
) -> None:
    entries = "".join(f"{entry.model_dump_json()}\n" for entry in knowledge.entries)
    (folder / ENTRIES_FILE).write_text(entries, encoding="utf-8", newline="\n")
    lines = "".join(f"{surface_line(surface)}\n" for surface in surfaces)
    (folder / SURFACES_FILE).write_text(lines, encoding="utf-8", newline="\n")
    sentences = [surface.sentence for surface in surfaces]
    LuceneIndex.build(folder / LUCENE_FOLDER, [lexical_terms(sentence) for sentence in sentences])
    vectors = []
    for start in range(0, len(sentences), _ENCODE_BATCH):
        vectors.append(encoder.encode(sentences[start : start + _ENCODE_BATCH]))
        if progress is not None:
            progress("index", min(start + _ENCODE_BATCH, len(sentences)), len(sentences))
    DenseIndex.build(folder / DENSE_FOLDER, np.concatenate(vectors))


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def _move_into_place(new: Path, place: Path) -> None:
    """Moves `new` to `place`; an index that is there steps aside first, and comes back if the move fails."""
    new.chmod(0o755)
    if not place.exists():
        os.replace(new, place)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    os.replace(place, aside / place.name)
    try:
        os.replace(new, place)
    except OSError:
        os.replace(aside / place.name, place)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
