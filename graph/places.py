"""Where every artifact lies under `artifacts/`; the one list of their names."""

from dataclasses import dataclass
from pathlib import Path

LOCK = ".lock"
"""Held under `AppConfig.artifacts` by whoever changes them (`graph.journal.alone`)."""
MANIFEST = "manifest.json"
"""The digest of each step's inputs, beside the artifacts."""


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of trained models and of the index.

    Args:
        root: `AppConfig.artifacts`.
    """

    root: Path

    @property
    def embeddings(self) -> Path:
        """Word and character vectors."""
        return self.root / "models" / "embeddings"

    @property
    def encoder(self) -> Path:
        """The sentence encoder of the dense index."""
        return self.root / "models" / "encoder"

    @property
    def emotion(self) -> Path:
        """The emotion classifier."""
        return self.root / "models" / "emotion"

    @property
    def topic(self) -> Path:
        """The topic classifier."""
        return self.root / "models" / "topic"

    @property
    def matcher(self) -> Path:
        """PBmatch."""
        return self.root / "models" / "matcher"

    @property
    def wsm(self) -> Path:
        """WSM's settings and tuned threshold."""
        return self.root / "models" / "wsm"

    @property
    def compiled(self) -> Path:
        """Networks compiled for a processor."""
        return self.root / "compiled"

    @property
    def index(self) -> Path:
        """Lucene, FAISS and the knowledge surfaces."""
        return self.root / "index"
