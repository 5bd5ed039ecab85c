"""A linear classifier on weighted counts of words and characters: what a network has to beat.

TF-IDF of word and character n-grams and a linear support vector machine per class, by scikit-learn. For
evaluation only; it is never served.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.text.sentence import Sentence

__all__ = ["Linear", "LinearParams", "train_linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearParams:
    """Hyperparameters of the linear classifier.

    Attributes:
        c: inverse strength of its regularisation, > 0.
        word_grams: longest run of words counted.
        char_grams: longest run of characters counted.
        min_count: least number of texts an n-gram must stand in.
        seed: of the order in which the solver visits rows.
    """

    c: float = 0.5
    word_grams: int = 2
    char_grams: int = 4
    min_count: int = 2
    seed: int = 1


class Linear:
    """A trained linear classifier."""

    def __init__(self, features: Any, machine: Any, columns: NDArray[np.int64], n_labels: int) -> None:
        """Hold the parts of scikit-learn; columns: the label of each of the machine's classes."""
        self._features, self._machine, self._columns, self._n_labels = features, machine, columns, n_labels

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return int(self._machine.coef_.size + self._machine.intercept_.size)

    def scores(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Distances from the planes, float32 (n, n_labels); a label that was not in training has the lowest."""
        scores = np.full((len(sentences), self._n_labels), -10.0, dtype=np.float32)
        if sentences:
            margins = self._machine.decision_function(self._features.transform(sentences))
            both = np.stack((-margins, margins), axis=1) if margins.ndim == 1 else margins
            scores[:, self._columns] = both
        return scores


def train_linear(rows: Sequence[tuple[Sentence, str]], *, labels: Sequence[str], params: LinearParams) -> Linear:
    """Count n-grams and fit one plane a class.

    Args:
        rows: labelled sentences of at least two labels.
        labels: in the order of the answer.
        params: hyperparameters.
    """
    from sklearn.svm import LinearSVC  # noqa: PLC0415  (only who trains it pays for it)

    features = _features(params, n_rows=len(rows))
    counts = features.fit_transform([sentence for sentence, _ in rows])
    places = {label: column for column, label in enumerate(labels)}
    targets = np.array([places[label] for _, label in rows], dtype=np.int64)
    machine = LinearSVC(C=params.c, random_state=params.seed).fit(counts, targets)
    return Linear(features, machine, machine.classes_.astype(np.int64), len(labels))


def _features(params: LinearParams, *, n_rows: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.pipeline import FeatureUnion  # noqa: PLC0415

    def grams(longest: int, tokens: Any) -> Any:
        def analyse(sentence: Sentence) -> list[str]:
            parts = tokens(sentence)
            starts = range(len(parts))
            return ["\t".join(parts[i : i + n]) for n in range(1, longest + 1) for i in starts if i + n <= len(parts)]

        least = params.min_count if n_rows >= 1000 else 1
        return TfidfVectorizer(analyzer=analyse, min_df=least, sublinear_tf=True, dtype=np.float32)

    words = grams(params.word_grams, lambda sentence: sentence.words)
    chars = grams(params.char_grams, lambda sentence: tuple(sentence.text))
    return FeatureUnion([("words", words), ("chars", chars)])
