"""Building: what the folder holds, atomic, not repeated, and refused where it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.build import build_index
from indexes.content.knowledge import KnowledgeStore
from indexes.content.source import ContentError
from indexes.errors import IndexMismatchError, IndexUnavailableError
from indexes.knowledge_index import KnowledgeIndex
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from tests.indexes.sample_content import HashingEncoder, sample_entries, sample_store


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its inode and bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.read_bytes()) for path in files}


def test_rows_are_the_questions_and_paraphrases_in_order(built_index: Path, processor: TextProcessor) -> None:
    index = KnowledgeIndex.open(built_index, segmenter=processor.version)
    entries = sample_entries()
    assert list(index.entries) == entries
    texts = [text for entry in entries for text in entry.surfaces]
    assert list(index.sentences) == [processor.process(text) for text in texts]
    assert index.rows_of("no_shipment-02") == (4, 5, 6)
    assert [index.entry_of(row).id for row in (3, 4, 18)] == [
        "no_shipment-01",
        "no_shipment-02",
        "urge_refund-02",
    ]
    assert index.rows_of("nobody-01") == ()
    assert (index.manifest.n_entries, index.manifest.n_surfaces) == (6, 19)
    assert index.manifest.knowledge == sample_store().digest


def test_unchanged_inputs_are_not_built_again(
    own_index: Path, processor: TextProcessor, encoder: HashingEncoder
) -> None:
    before = contents(own_index)
    build_index(own_index, knowledge=sample_store(), segmenter=processor, encoder=encoder)
    assert contents(own_index) == before


def _other_knowledge() -> KnowledgeStore:
    return KnowledgeStore(sample_entries()[1:])


@pytest.mark.parametrize(
    ("knowledge", "version", "k1"),
    [
        (_other_knowledge, "hashing-1", 0.9),
        (sample_store, "hashing-2", 0.9),
        (sample_store, "hashing-1", 1.2),
    ],
)
def test_a_changed_input_is_built_again(
    own_index: Path,
    processor: TextProcessor,
    knowledge: Callable[[], KnowledgeStore],
    version: str,
    k1: float,
) -> None:
    before = json.loads((own_index / "manifest.json").read_text(encoding="utf-8"))
    manifest = build_index(
        own_index, knowledge=knowledge(), segmenter=processor, encoder=HashingEncoder(version=version), k1=k1
    )
    after = json.loads((own_index / "manifest.json").read_text(encoding="utf-8"))
    assert before != after
    assert (after["knowledge"], after["encoder"], after["k1"]) == (knowledge().digest, version, k1)
    assert manifest == KnowledgeIndex.open(own_index, segmenter=processor.version).manifest
    assert [path.name for path in own_index.parent.iterdir()] == ["index"]


def test_a_damaged_index_is_built_again(own_index: Path, processor: TextProcessor, encoder: HashingEncoder) -> None:
    (own_index / "dense" / "vectors.faiss").write_bytes(b"broken")
    manifest = build_index(own_index, knowledge=sample_store(), segmenter=processor, encoder=encoder)
    manifest.verify(own_index, "dense")


class InterruptedEncoder(HashingEncoder):
    """Stops in the middle, as an interrupted build does."""

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Never comes back with vectors."""
        raise KeyboardInterrupt


def test_an_interrupted_build_leaves_everything_as_it_was(own_index: Path, processor: TextProcessor) -> None:
    before = contents(own_index)
    encoder = InterruptedEncoder(version="hashing-2")
    with pytest.raises(KeyboardInterrupt):
        build_index(own_index, knowledge=sample_store(), segmenter=processor, encoder=encoder)
    assert contents(own_index) == before
    assert [path.name for path in own_index.parent.iterdir()] == ["index"]


def test_progress_reaches_the_end(tmp_path: Path, processor: TextProcessor, encoder: HashingEncoder) -> None:
    told: list[tuple[str, int, int]] = []
    build_index(
        tmp_path / "deep" / "index",
        knowledge=sample_store(),
        segmenter=processor,
        encoder=encoder,
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert told == [("index", 19, 19)]


def test_mismatches_are_refused(built_index: Path, processor: TextProcessor) -> None:
    with pytest.raises(IndexMismatchError, match=r"built with segmenter .*, in use is other"):
        KnowledgeIndex.open(built_index, segmenter="other")
    with pytest.raises(IndexMismatchError, match="built with encoder hashing-1, in use is hashing-2"):
        KnowledgeIndex.open(built_index, segmenter=processor.version, encoder="hashing-2")
    with pytest.raises(IndexMismatchError, match=r"built with knowledge .*, in use is abc"):
        KnowledgeIndex.open(built_index, segmenter=processor.version, knowledge="abc")


def test_another_format_is_refused(own_index: Path, processor: TextProcessor) -> None:
    path = own_index / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "format": 99}), encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="format 99"):
        KnowledgeIndex.open(own_index, segmenter=processor.version)


@pytest.mark.parametrize("name", ["manifest.json", "entries.jsonl", "surfaces.jsonl"])
@pytest.mark.parametrize("damage", ["absent", "changed"])
def test_missing_and_damaged_files_are_refused(
    own_index: Path, processor: TextProcessor, name: str, damage: str
) -> None:
    if damage == "absent":
        (own_index / name).unlink()
    else:
        (own_index / name).write_text("{}\n", encoding="utf-8")
    with pytest.raises(IndexUnavailableError, match="build the index"):
        KnowledgeIndex.open(own_index, segmenter=processor.version)


def test_knowledge_that_cannot_be_indexed_is_refused(
    tmp_path: Path, processor: TextProcessor, encoder: HashingEncoder
) -> None:
    with pytest.raises(ContentError, match="no entries"):
        build_index(tmp_path / "index", knowledge=KnowledgeStore([]), segmenter=processor, encoder=encoder)
    with pytest.raises(ValueError, match="save it before"):
        build_index(
            tmp_path / "index",
            knowledge=sample_store(),
            segmenter=processor,
            encoder=HashingEncoder(version=""),
        )
    blank = sample_entries()[0].model_copy(update={"question": "\u200b"})
    with pytest.raises(ContentError, match="no_shipment-01: sentence ''"):
        build_index(tmp_path / "index", knowledge=KnowledgeStore([blank]), segmenter=processor, encoder=encoder)
    assert list(tmp_path.iterdir()) == []
