"""What a classifier starts from: published vectors for words, and for each label the mean of words that describe it.

LEAM's label embeddings start from descriptions (Wang et al., ACL 2018, section 4.1), never from chance. A label without
a written description is described by the words that are typical of its texts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.embeddings import Embeddings
from models.mlc import MLC
from models.text.sentence import Sentence

__all__ = ["start_classifier", "typical_words"]


def start_classifier(
    model: MLC,
    train: Sequence[tuple[Sentence, str]],
    labels: Sequence[str],
    embeddings: Embeddings,
    descriptions: Mapping[str, Sequence[str]],
) -> None:
    """Give a new model its first word, character and label vectors.

    Args:
        model: changed in place.
        train: labelled sentences, for labels without a description.
        labels: all labels; "other" has no embedding.
        embeddings: first vectors of words and characters.
        descriptions: words that describe a label.
    """
    model.words.table.start_from(embeddings.word_vectors)
    if model.chars is not None:
        model.chars.table.start_from(embeddings.char_vectors)
    described = [label for label in labels if label != "other"]
    words = {label: descriptions.get(label) or typical_words(train, label) for label in described}
    model.start_labels(
        np.stack([_mean(embeddings.vectors(words[label])) for label in described]),
        np.stack(
            [_mean(embeddings.char_vectors[embeddings.chars.encode("".join(words[label]))]) for label in described]
        ),
    )


def typical_words(train: Sequence[tuple[Sentence, str]], label: str, *, n_words: int = 20) -> list[str]:
    """The words that set a label's texts apart most: frequent there, rare elsewhere."""
    inside = Counter(word for sentence, name in train if name == label for word in set(sentence.words))
    everywhere = Counter(word for sentence, _ in train for word in set(sentence.words))
    ranked = sorted(inside, key=lambda word: (-(inside[word] ** 2) / (everywhere[word] + 5), word))
    return ranked[:n_words]


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = vectors.sum(axis=0) / np.float32(max(len(vectors), 1))
    return mean
