"""The classifier: learns, answers the same in any company, survives its artifact, refuses a wrong one."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.artifact import ArtifactError
from models.classifier import Classifier
from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.classification import ClassifierParams, train_classifier
from models.training.loop import FitReport

PARAMS = ClassifierParams(
    n_epochs=25, patience=25, batch_size=8, n_threads=1, device="cpu", embedding_rate=2e-3, longest_gram=2
)
LABELS = ("slow_delivery", "other")
Labelled = list[tuple[Sentence, str]]


@pytest.fixture(scope="module")
def classifier(labelled: Labelled, embeddings: Embeddings) -> Classifier:
    trained = train_classifier(
        train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=PARAMS,
        descriptions={"slow_delivery": ["快递", "物流", "着急"]},
    )  # fmt: skip
    assert trained.model.grams is not None
    trained.model.grams.scale.fill_(1.0)  # 32 sentences are learnt without them; here they shall take part
    return trained


def test_overfits_32_sentences(classifier: Classifier, labelled: Labelled) -> None:
    probabilities = classifier.classify([sentence for sentence, _ in labelled])
    given = [LABELS[column] for column in probabilities.argmax(axis=1)]
    assert given == [label for _, label in labelled]


@pytest.mark.parametrize("branch", ["swem", "cnn", "leam"])
def test_every_branch_alone_overfits_32_sentences(branch: str, labelled: Labelled, embeddings: Embeddings) -> None:
    params = ClassifierParams(
        branches=(branch,), n_epochs=40, patience=40, batch_size=8, n_threads=1, device="cpu",
        learning_rate=1e-2, embedding_rate=1e-2, use_chars=False, dropout=0.0, token_dropout=0.0,
    )  # fmt: skip
    report: list[FitReport] = []
    train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params, report=report)
    assert report[0].best_score == 1.0


def test_vectors_behind_the_last_word_of_enough_texts_are_not_trained(
    labelled: Labelled, embeddings: Embeddings
) -> None:
    texts = Counter(word for sentence, _ in labelled for word in set(sentence.words))
    (last,) = max(embeddings.words.encode([word]) for word, n in texts.items() if n >= 3)
    params = replace(PARAMS, n_epochs=1, least_texts=3)
    trained = train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params)
    table = trained.model.words.table
    assert len(table.tuned) == last + 1 < len(embeddings.words)
    assert np.array_equal(table.fixed.numpy(), embeddings.word_vectors[last + 1 :])


def test_probabilities(classifier: Classifier, labelled: Labelled) -> None:
    probabilities = classifier.classify([sentence for sentence, _ in labelled])
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (32, 2)
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert classifier.classify([]).shape == (0, 2)


def test_one_alone_is_answered_as_in_company(
    classifier: Classifier, labelled: Labelled, processor: TextProcessor
) -> None:
    sentences = [sentence for sentence, _ in labelled]
    sentences += [processor.process(text) for text in ("", "急", "退" * 3, "生词" + "很长的一句话，" * 20)]
    together = classifier.classify(sentences)
    alone = np.concatenate([classifier.classify([sentence]) for sentence in sentences])
    assert np.allclose(together, alone, atol=1e-6)
    assert np.allclose(classifier.classify(sentences[::-1])[::-1], together, atol=1e-6)


def test_temperature_keeps_the_order_and_softens(classifier: Classifier, labelled: Labelled) -> None:
    sentences = [sentence for sentence, _ in labelled]
    before, logits = classifier.classify(sentences), classifier.logits(sentences)
    expected = np.exp(logits / classifier.temperature)
    assert np.allclose(before, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_saved_is_loaded_to_the_bit(
    tmp_path: Path, classifier: Classifier, labelled: Labelled, processor: TextProcessor
) -> None:
    version = classifier.save(tmp_path / "emotion")
    loaded = Classifier.load(tmp_path / "emotion", segmenter=processor.version, device="cpu")
    sentences = [sentence for sentence, _ in labelled]
    assert np.array_equal(loaded.classify(sentences), classifier.classify(sentences))
    assert (loaded.version, loaded.labels) == (version, LABELS)
    assert (loaded.threshold, loaded.temperature) == (classifier.threshold, classifier.temperature)
    assert loaded.gate == classifier.gate
    assert loaded.save(tmp_path / "again") == version


def test_refusals(tmp_path: Path, classifier: Classifier, embeddings: Embeddings) -> None:
    classifier.save(tmp_path / "emotion")
    with pytest.raises(ArtifactError, match="segmenter"):
        Classifier.load(tmp_path / "emotion", segmenter="another")
    embeddings.save(tmp_path / "embeddings")
    with pytest.raises(ArtifactError, match="kind"):
        Classifier.load(tmp_path / "embeddings", segmenter=embeddings.segmenter)


def test_training_is_reproducible(labelled: Labelled, embeddings: Embeddings) -> None:
    params = ClassifierParams(n_epochs=2, n_threads=1, device="cpu")
    sentences = [sentence for sentence, _ in labelled]
    first, second = (
        train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params)
        for _ in range(2)
    )
    assert np.array_equal(first.classify(sentences), second.classify(sentences))


def test_frozen_vectors_stay(labelled: Labelled, embeddings: Embeddings) -> None:
    params = ClassifierParams(n_epochs=1, n_threads=1, device="cpu", embedding_rate=0.0)
    trained = train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params)
    assert np.array_equal(trained.model.words.table.fixed.numpy(), embeddings.word_vectors[2:])


def test_bad_data_is_refused(labelled: Labelled, embeddings: Embeddings) -> None:
    with pytest.raises(ValueError, match="outside"):
        train_classifier(train=labelled, dev=labelled, labels=["other"], embeddings=embeddings)
    with pytest.raises(ValueError, match="dev has no sentences"):
        train_classifier(train=labelled, dev=[], labels=LABELS, embeddings=embeddings)


def test_what_the_threshold_bounds(labelled: Labelled, embeddings: Embeddings) -> None:
    probabilities = np.array([[0.3, 0.5, 0.2], [0.1, 0.2, 0.7]], dtype=np.float32)
    params = replace(PARAMS, n_epochs=1)
    by_label = train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params)
    assert by_label.certainty(probabilities) == pytest.approx([0.5, 0.7])
    params = replace(params, false_alarms=0.1)
    by_any = train_classifier(train=labelled, dev=labelled, labels=LABELS, embeddings=embeddings, params=params)
    assert by_any.certainty(probabilities) == pytest.approx([0.8, 0.3])
