"""Word and character vectors with their inverse document frequencies: what all models start from.

numpy only, so that a process that needs WSM alone (the composer) never loads torch. Trained by
`models.training.embeddings`; read by `models.unsupervised` and, as initial weights, by the other trainers.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artifact import ArtifactError, load_artifact, save_artifact
from models.text.vocabulary import PAD, UNK, Vocabulary

__all__ = ["KIND", "Embeddings"]

KIND = "embeddings"


class Embeddings:
    """Vectors of words and characters in one space, and the weight of each word.

    Attributes:
        words: the words; row i of `word_vectors` belongs to word i.
        chars: the characters; row i of `char_vectors` belongs to character i.
        word_vectors: float32 (n_words, width); rows `PAD` and `UNK` are zero.
        char_vectors: float32 (n_chars, width); rows `PAD` and `UNK` are zero.
        idf: float32 (n_words,), inverse document frequency log((1 + N) / (1 + n_w)) + 1 of each word, 0 for
            `PAD`; a word never seen in the training texts, and `UNK`, has the highest.
        segmenter: version of the text processor that cut the words.
        data_digest: digest of the texts they were trained on.
        version: of the stored artifact; "" before it is saved.
    """

    def __init__(
        self,
        *,
        words: Vocabulary,
        chars: Vocabulary,
        word_vectors: NDArray[np.float32],
        char_vectors: NDArray[np.float32],
        idf: NDArray[np.float32],
        segmenter: str,
        data_digest: str = "",
        version: str = "",
    ) -> None:
        """Check the shapes and hold the tables.

        Raises:
            ValueError: the tables do not fit the vocabularies or each other.
        """
        shapes = (word_vectors.shape[0], char_vectors.shape[0], idf.shape[0], word_vectors.shape[1])
        wanted = (len(words), len(chars), len(words), char_vectors.shape[1])
        if shapes != wanted:
            raise ValueError(f"tables of (words, chars, idf, width) {shapes} do not fit {wanted}: use one vocabulary")
        self.words, self.chars = words, chars
        self.word_vectors, self.char_vectors, self.idf = word_vectors, char_vectors, idf
        self.segmenter, self.data_digest, self.version = segmenter, data_digest, version

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.word_vectors.shape[1])

    def vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of words, float32 (len(words), width).

        A word outside the vocabulary gets the mean of the vectors of its known characters; if none is
        known, the vector of `UNK` (zero, hence similar to nothing but itself).
        """
        return self._vectors_of(words, self.words.encode(words))

    def _vectors_of(self, words: Sequence[str], rows: Sequence[int]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self.word_vectors[rows]
        unknown = [place for place, row in enumerate(rows) if row == UNK]
        spelt = {place: [char for char in self.chars.encode(words[place]) if char != UNK] for place in unknown}
        spelt = {place: chars for place, chars in spelt.items() if chars}
        if spelt:
            lengths = np.array([len(chars) for chars in spelt.values()])
            letters = self.char_vectors[[char for chars in spelt.values() for char in chars]]
            sums = np.add.reduceat(letters, np.cumsum(lengths) - lengths, axis=0)
            vectors[list(spelt)] = sums / lengths[:, None].astype(np.float32)
        return vectors

    def unit_vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """`vectors` scaled to length 1, float32 (len(words), width); a zero vector stays zero."""
        return _unit(self.vectors(words))

    def weighed(self, words: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`unit_vectors` and `weights` for one look-up of every word."""
        rows = self.words.encode(words)
        return _unit(self._vectors_of(words, rows)), self.idf[rows]

    def weights(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Inverse document frequencies of words, float32 (len(words),), all > 0."""
        weights: NDArray[np.float32] = self.idf[self.words.encode(words)]
        return weights

    def save(self, folder: Path) -> str:
        """Store as an artifact of kind "embeddings".

        Returns:
            Its version, also set on this object.
        """
        self.version = save_artifact(
            folder,
            kind=KIND,
            config={"width": self.width},
            segmenter=self.segmenter,
            data_digest=self.data_digest,
            tensors={"word_vectors": self.word_vectors, "char_vectors": self.char_vectors, "idf": self.idf},
            vocabularies={"words": self.words, "chars": self.chars},
        )
        return self.version

    @classmethod
    def load(cls, folder: Path, *, segmenter: str) -> "Embeddings":
        """Read what `save` wrote.

        Args:
            folder: the artifact.
            segmenter: version of the text processor that will feed it.

        Raises:
            ArtifactError: the artifact is refused.
        """
        artifact = load_artifact(folder, kind=KIND, segmenter=segmenter)
        try:
            return cls(
                words=artifact.vocabularies["words"],
                chars=artifact.vocabularies["chars"],
                word_vectors=artifact.tensors["word_vectors"],
                char_vectors=artifact.tensors["char_vectors"],
                idf=artifact.tensors["idf"],
                segmenter=segmenter,
                data_digest=artifact.data_digest,
                version=artifact.version,
            )
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"{folder} is incomplete ({error}): train it again") from error


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(norms, 1e-8)
    return unit


def zero_reserved(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same table with the rows of `PAD` and `UNK` set to zero (in place)."""
    vectors[[PAD, UNK]] = 0.0
    return vectors
