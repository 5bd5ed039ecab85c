"""The sentence encoder: unit vectors, no company effects, it learns, it survives its artifact."""

from pathlib import Path

import numpy as np
import pytest

from models.artifact import ArtifactError
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.encoder import EncoderParams, train_encoder
from models.training.loop import FitReport


@pytest.fixture(scope="module")
def groups(delivery: list[Sentence], refund: list[Sentence]) -> list[list[Sentence]]:
    """16 groups of two sentences."""
    return [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]


@pytest.fixture(scope="module")
def trained(groups: list[list[Sentence]], embeddings: Embeddings) -> tuple[SentenceEncoder, FitReport]:
    report: list[FitReport] = []
    params = EncoderParams(
        n_epochs=40, patience=40, batch_size=8, output_width=32, n_threads=1, device="cpu",
        learning_rate=1e-2, embedding_rate=1e-2,
    )  # fmt: skip
    negatives = [[groups[(i + 1) % 16][0]] if i % 2 else [] for i in range(16)]
    encoder = train_encoder(
        train=groups, dev=groups, negatives=negatives, embeddings=embeddings, params=params, report=report
    )
    return encoder, report[0]


def test_overfits_32_sentences(trained: tuple[SentenceEncoder, FitReport]) -> None:
    assert trained[1].scores[0] < 0.9
    assert trained[1].best_score > 0.98


def test_vectors(trained: tuple[SentenceEncoder, FitReport], delivery: list[Sentence]) -> None:
    vectors = trained[0].encode(delivery)
    assert vectors.dtype == np.float32
    assert vectors.shape == (16, trained[0].width) == (16, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert trained[0].encode([]).shape == (0, 32)


def test_a_text_without_known_tokens_is_zero(
    trained: tuple[SentenceEncoder, FitReport], processor: TextProcessor
) -> None:
    assert not trained[0].encode([processor.process(""), processor.process("囧")]).any()


def test_one_alone_is_encoded_as_in_company(
    trained: tuple[SentenceEncoder, FitReport], delivery: list[Sentence], processor: TextProcessor
) -> None:
    sentences = [*delivery, processor.process("急"), processor.process("退款怎么还没到账，" * 12)]
    together = trained[0].encode(sentences)
    alone = np.concatenate([trained[0].encode([sentence]) for sentence in sentences])
    assert np.allclose(together, alone, atol=1e-6)


def test_saved_is_loaded_to_the_bit(
    tmp_path: Path, trained: tuple[SentenceEncoder, FitReport], refund: list[Sentence], processor: TextProcessor
) -> None:
    version = trained[0].save(tmp_path / "encoder")
    loaded = SentenceEncoder.load(tmp_path / "encoder", segmenter=processor.version, device="cpu")
    assert np.array_equal(loaded.encode(refund), trained[0].encode(refund))
    assert (loaded.version, loaded.width) == (version, 32)
    with pytest.raises(ArtifactError, match="segmenter"):
        SentenceEncoder.load(tmp_path / "encoder", segmenter="another")


def test_bad_data_is_refused(groups: list[list[Sentence]], embeddings: Embeddings) -> None:
    with pytest.raises(ValueError, match="two sentences"):
        train_encoder(train=[group[:1] for group in groups], dev=groups, embeddings=embeddings)
    with pytest.raises(ValueError, match="do not fit"):
        train_encoder(train=groups, dev=groups, negatives=[[]], embeddings=embeddings)
