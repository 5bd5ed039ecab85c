"""Training of vectors: reproducible, started from published vectors, with their unseen words kept."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.text.vocabulary import PAD, UNK
from models.training.embeddings import (
    EmbeddingParams,
    Pretrained,
    load_pretrained,
    pretrained_file,
    train_embeddings,
)

PARAMS = EmbeddingParams(width=8, n_epochs=3, n_pretrained=3)


def unit(generator: np.random.Generator, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vectors = generator.normal(size=(n, 8)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def pretrained() -> Pretrained:
    words = ["快递", "家电", "退款", "显卡"]
    return Pretrained({word: row for row, word in enumerate(words)}, unit(np.random.default_rng(1), 4))


def train(delivery: list[Sentence], pretrained: Pretrained | None, **changes: Any) -> Embeddings:
    params = replace(PARAMS, **changes)
    return train_embeddings(delivery, segmenter="s", pretrained=pretrained, params=params)


def cosine(embeddings: Embeddings, word: str, pretrained: Pretrained) -> float:
    return float(embeddings.unit_vectors([word])[0] @ pretrained.vectors[pretrained.rows[word]])


def test_vocabulary_holds_the_texts_first_then_frequent_pretrained_words(
    delivery: list[Sentence], pretrained: Pretrained
) -> None:
    embeddings = train(delivery, pretrained)
    seen = {word for sentence in delivery for word in sentence.words}
    assert set(embeddings.words.tokens[2 : 2 + len(seen)]) == seen
    assert embeddings.words.tokens[2 + len(seen) :] == ("家电", "退款")  # 显卡 is the fourth, 快递 is in the texts
    assert set(embeddings.chars.tokens[2:]) == {char for sentence in delivery for char in sentence.chars}


def test_pretrained_words_keep_their_direction_as_far_as_asked(
    delivery: list[Sentence], pretrained: Pretrained
) -> None:
    free, half, kept = (train(delivery, pretrained, n_epochs=100, pretrained_share=s) for s in (0.0, 0.5, 1.0))
    assert cosine(half, "退款", pretrained) == pytest.approx(1.0, abs=1e-5)  # in no text
    assert cosine(kept, "快递", pretrained) == pytest.approx(1.0, abs=1e-5)
    assert cosine(free, "快递", pretrained) < cosine(half, "快递", pretrained) < 0.999


def test_training_is_reproducible(delivery: list[Sentence]) -> None:
    first, second = train(delivery, None), train(delivery, None)
    assert np.array_equal(first.word_vectors, second.word_vectors)
    assert np.array_equal(first.char_vectors, second.char_vectors)


def test_tables(delivery: list[Sentence]) -> None:
    embeddings = train(delivery, None)
    for table in (embeddings.word_vectors, embeddings.char_vectors):
        assert table.dtype == np.float32
        assert not table[[PAD, UNK]].any()
        assert np.isfinite(table).all()
    assert np.sqrt((embeddings.word_vectors**2).sum(axis=1).mean()) == pytest.approx(8**0.5 / 3, rel=0.1)


def test_idf_by_hand(delivery: list[Sentence]) -> None:
    embeddings = train(delivery, None)
    n_with = sum("快递" in sentence.words for sentence in delivery)
    weights = embeddings.weights(["快递", "从未见过"])
    assert weights.tolist() == pytest.approx([np.log(17 / (1 + n_with)) + 1, np.log(17) + 1])
    assert embeddings.idf[PAD] == 0.0
    assert embeddings.idf.max() == embeddings.idf[UNK]


def test_other_texts_have_another_digest(delivery: list[Sentence], refund: list[Sentence]) -> None:
    assert train(delivery, None).data_digest != train(refund, None).data_digest
    assert train(delivery, None).data_digest != train(delivery, None, seed=2).data_digest


def test_bad_input_is_refused(delivery: list[Sentence], pretrained: Pretrained, processor: TextProcessor) -> None:
    with pytest.raises(ValueError, match="no sentence has a word"):
        train_embeddings([processor.process("")], segmenter="s")
    with pytest.raises(ValueError, match="width 8, params.width is 100"):
        train_embeddings(delivery, segmenter="s", pretrained=pretrained)


def test_the_published_vectors_are_read() -> None:
    path = pretrained_file()
    assert path is not None
    published = load_pretrained(path)
    assert published.vectors.shape == (len(published.rows), 100)
    assert len(published.rows) > 100_000
    assert np.allclose(np.linalg.norm(published.vectors, axis=1), 1.0, atol=1e-4)
    similar = [float(published.vectors[published.rows["生气"]] @ published.vectors[published.rows[word]])
               for word in ("愤怒", "冰箱")]  # fmt: skip
    assert similar[0] > 0.6 > similar[1]
