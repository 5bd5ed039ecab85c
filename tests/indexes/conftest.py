"""What the tests of this folder share: one text processor and one built index per session."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from indexes.build import build_index
from indexes.content.taxonomy import Taxonomy
from models.text.segment import TextProcessor
from tests.indexes.sample_content import HashingEncoder, sample_store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def processor() -> TextProcessor:
    return TextProcessor()


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy.read(ROOT / "data" / "taxonomy.yaml")


@pytest.fixture(scope="session")
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture(scope="session")
def built_index(tmp_path_factory: pytest.TempPathFactory, processor: TextProcessor, encoder: HashingEncoder) -> Path:
    """An index of the sample knowledge; do not change it."""
    folder = tmp_path_factory.mktemp("built") / "index"
    build_index(folder, knowledge=sample_store(), segmenter=processor, encoder=encoder)
    return folder


@pytest.fixture
def own_index(built_index: Path, tmp_path: Path) -> Path:
    """A copy of the built index, to be broken."""
    return Path(shutil.copytree(built_index, tmp_path / "index"))
