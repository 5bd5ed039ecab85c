"""Embeddings: the rule for unknown words, weights, the artifact."""

from pathlib import Path

import numpy as np
import pytest

from models.artifact import ArtifactError
from models.embeddings import Embeddings
from models.text.vocabulary import Vocabulary


@pytest.fixture
def by_hand() -> Embeddings:
    return Embeddings(
        words=Vocabulary(["退款"]),
        chars=Vocabulary(["退", "货"]),
        word_vectors=np.array([[0, 0], [0, 0], [3, 4]], dtype=np.float32),
        char_vectors=np.array([[0, 0], [0, 0], [2, 0], [0, 4]], dtype=np.float32),
        idf=np.array([0, 7, 2], dtype=np.float32),
        segmenter="s",
    )


def test_an_unknown_word_is_the_mean_of_its_known_characters(by_hand: Embeddings) -> None:
    vectors = by_hand.vectors(["退款", "退货", "退换", "保价"])
    assert vectors.tolist() == [[3, 4], [1, 2], [2, 0], [0, 0]]


def test_unit_vectors(by_hand: Embeddings) -> None:
    assert np.allclose(by_hand.unit_vectors(["退款", "保价"]), np.array([[0.6, 0.8], [0.0, 0.0]]))


def test_an_unknown_word_weighs_most(by_hand: Embeddings) -> None:
    assert by_hand.weights(["退款", "保价"]).tolist() == [2, 7]


def test_no_words(by_hand: Embeddings) -> None:
    assert by_hand.vectors([]).shape == (0, 2)
    assert by_hand.unit_vectors([]).shape == (0, 2)


def test_saved_is_loaded_to_the_bit(tmp_path: Path, embeddings: Embeddings) -> None:
    version = embeddings.save(tmp_path / "embeddings")
    loaded = Embeddings.load(tmp_path / "embeddings", segmenter=embeddings.segmenter)
    assert loaded.version == version == embeddings.version
    assert loaded.words == embeddings.words
    assert loaded.chars == embeddings.chars
    assert np.array_equal(loaded.word_vectors, embeddings.word_vectors)
    assert np.array_equal(loaded.char_vectors, embeddings.char_vectors)
    assert np.array_equal(loaded.idf, embeddings.idf)
    assert loaded.data_digest == embeddings.data_digest != ""


def test_another_segmenter_is_refused(tmp_path: Path, embeddings: Embeddings) -> None:
    embeddings.save(tmp_path / "embeddings")
    with pytest.raises(ArtifactError, match="segmenter"):
        Embeddings.load(tmp_path / "embeddings", segmenter="another")


def test_tables_must_fit_the_vocabulary(by_hand: Embeddings) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Embeddings(
            words=Vocabulary([]),
            chars=by_hand.chars,
            word_vectors=by_hand.word_vectors,
            char_vectors=by_hand.char_vectors,
            idf=by_hand.idf,
            segmenter="s",
        )
