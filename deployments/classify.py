"""The Emotion and the Topic node: one classifier (MLC) with its threshold, bound twice with different artifacts."""

from collections.abc import Sequence
from pathlib import Path

from deployments.messages import Classified
from models.classifier import Classifier
from models.text.sentence import Sentence


class Classify:
    """Classifies sentences.

    Args:
        folder: The classifier's artifact.
        segmenter: Version of the text processor that cuts the sentences.
        device: `auto`, `cpu` or `cuda`.
        compiled: Folder of compiled networks, where this one has its artifact's name; None for none.
    """

    def __init__(self, *, folder: Path, segmenter: str, device: str = "auto", compiled: Path | None = None) -> None:
        self._classifier = Classifier.load(folder, device=device, segmenter=segmenter)
        self._classifier.prepare_service(compiled=compiled, name=folder.name)
        self.threshold = self._classifier.threshold
        self.version = self._classifier.version

    def many(self, items: Sequence[Sentence]) -> list[Classified]:
        """One `Classified` per sentence, in order."""
        probabilities = self._classifier.classify(items)
        certainty = self._classifier.certainty(probabilities)
        return list(map(self._view, probabilities.tolist(), certainty.tolist()))

    def _view(self, row: list[float], certainty: float) -> Classified:
        probabilities = dict(zip(self._classifier.labels, row, strict=True))
        label = max(probabilities, key=probabilities.__getitem__)
        return Classified(label, probabilities[label], certainty, self.threshold, probabilities, self.version)
