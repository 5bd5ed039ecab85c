"""Training of the classifiers of emotions and topics, from labelled sentences to calibrated thresholds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.artifact import digest_of
from models.classifier import Classifier
from models.embeddings import Embeddings
from models.layers.device import resolve_device
from models.layers.grams import LONGEST_GRAM, MOST_CHARS
from models.metrics import classification_report
from models.mlc import MLC
from models.text.ragged import Ragged, bucketed
from models.text.sentence import Sentence
from models.training.calibrate import (
    softmax_temperature,
    threshold_for_false_alarms,
    threshold_for_macro_precision,
)
from models.training.checkpoint import Checkpoint
from models.training.classifier_params import ClassifierParams
from models.training.grams import choose_scale, fit_grams
from models.training.label_start import start_classifier
from models.training.loop import FitParams, FitReport, Progress, fit, parameter_groups, seeded

__all__ = ["ClassifierParams", "train_classifier"]

Labelled = tuple[Sentence, str]
"""A sentence and its label."""


def train_classifier(
    *,
    train: Sequence[Labelled],
    dev: Sequence[Labelled],
    labels: Sequence[str],
    embeddings: Embeddings,
    descriptions: Mapping[str, Sequence[str]] | None = None,
    params: ClassifierParams | None = None,
    what: str = "classifier",
    progress: Progress | None = None,
    report: list[FitReport] | None = None,
    checkpoint: Path | None = None,
) -> Classifier:
    """Train, calibrate on the development set, and set the threshold there.

    Args:
        train: labelled sentences.
        dev: labelled sentences for early stopping, temperature and threshold.
        labels: all labels in the order of the answer; "other", if present, is the last and has no embedding.
        embeddings: first vectors of words and characters.
        descriptions: words that describe each label, for LEAM; a label without them is described by its
            texts.
        params: hyperparameters.
        what: name for progress.
        progress: told after every epoch.
        report: a list to which the course of the training is appended.
        checkpoint: file in which the state is kept while training, so that an interrupted run goes on; None for
            none.

    Returns:
        The classifier, its threshold the lowest that reaches `params.precision` on `dev`.

    Raises:
        ValueError: no training or development sentence, one with a label outside `labels`, or n-grams of an impossible
            length.
    """
    params = params or ClassifierParams()
    _check(train, dev, labels)
    _check_grams(params, n_chars=len(embeddings.chars))
    digest = _digest(train, dev, labels, embeddings, descriptions or {}, params)
    place = Checkpoint(checkpoint, digest) if checkpoint else None
    with seeded(params.seed, n_threads=params.n_threads):
        config = _model_config(train, labels, embeddings, params)
        model = MLC(**config)
        start_classifier(model, train, labels, embeddings, descriptions or {})
        classifier = Classifier(
            model=model,
            model_config=config,
            labels=labels,
            words=embeddings.words,
            chars=embeddings.chars,
            segmenter=embeddings.segmenter,
            max_words=params.max_words,
            max_chars=params.max_chars,
            data_digest=digest,
            device=params.device,
        )
        fitting = _Fitting(classifier, train, dev, embeddings, params)
        fitted = fitting.run(what, progress, place)
        fitting.widen()
        if report is not None:
            report.append(fitted)
        _calibrate(classifier, dev, params)
    return classifier


def _check(train: Sequence[Labelled], dev: Sequence[Labelled], labels: Sequence[str]) -> None:
    for name, items in (("train", train), ("dev", dev)):
        if not items:
            raise ValueError(f"{name} has no sentences: give labelled sentences")
        unknown = {label for _, label in items} - set(labels)
        if unknown:
            raise ValueError(f"{name} has labels {sorted(unknown)} outside {list(labels)}: correct them")


def _check_grams(params: ClassifierParams, *, n_chars: int) -> None:
    # Before the network is trained, not after.
    if not 0 <= params.longest_gram <= LONGEST_GRAM:
        raise ValueError(f"longest_gram={params.longest_gram}: must be 0 to {LONGEST_GRAM}; 0 does without n-grams")
    if params.longest_gram and not params.use_chars:
        raise ValueError(f"longest_gram={params.longest_gram} without use_chars: n-grams are made of characters")
    if params.longest_gram and n_chars > MOST_CHARS:
        raise ValueError(f"{n_chars} characters: n-grams take at most {MOST_CHARS}; set longest_gram to 0")


def _model_config(
    train: Sequence[Labelled], labels: Sequence[str], embeddings: Embeddings, params: ClassifierParams
) -> dict[str, Any]:
    n_texts = np.zeros(len(embeddings.words), dtype=np.int64)
    for sentence, _ in train:
        n_texts[list(set(embeddings.words.encode(sentence.words)))] += 1
    frequent = np.flatnonzero(n_texts >= params.least_texts)
    tuned = params.embedding_rate > 0
    return {
        "n_labels": len(labels),
        "described": [column for column, label in enumerate(labels) if label != "other"],
        "n_words": len(embeddings.words),
        "n_chars": len(embeddings.chars) if params.use_chars else 0,
        "width": embeddings.width,
        "n_tuned_words": int(frequent.max(initial=-1)) + 1 if tuned else 0,
        "n_tuned_chars": len(embeddings.chars) if tuned else 0,
        "branches": list(params.branches),
        "n_filters": params.n_filters,
        "kernel_sizes": list(params.kernel_sizes),
        "radius": params.radius,
        "window": params.window,
        "dropout": params.dropout,
        "token_dropout": params.token_dropout,
    }


class _Fitting:
    """One training run: the data as numbers, the loss of a batch, the score on the development set."""

    def __init__(
        self,
        classifier: Classifier,
        train: Sequence[Labelled],
        dev: Sequence[Labelled],
        embeddings: Embeddings,
        params: ClassifierParams,
    ) -> None:
        self._classifier, self._dev, self._params = classifier, dev, params
        self._model = classifier.model
        self._device = resolve_device(params.device)
        sentences = [sentence for sentence, _ in train]
        self._words = Ragged.of([embeddings.words.encode(s.words) for s in sentences], max_length=params.max_words)
        self._chars = Ragged.of([embeddings.chars.encode(s.chars) for s in sentences], max_length=params.max_chars)
        columns = {label: column for column, label in enumerate(classifier.labels)}
        self._targets = np.array([columns[label] for _, label in train], dtype=np.int64)
        self._class_weights = self._weights(len(columns)) if params.class_weights else None

    def run(self, what: str, progress: Progress | None, checkpoint: Checkpoint | None) -> FitReport:
        tables = [channel.table.tuned for channel in self._model.channels]
        return fit(
            self._model,
            parameter_groups=parameter_groups(
                self._model,
                own_rates=[(tables, self._params.embedding_rate)],
                learning_rate=self._params.learning_rate,
                weight_decay=self._params.weight_decay,
            ),
            batches=self._batches,
            loss=self._loss,
            score=self._score,
            n_batches=-(-len(self._targets) // self._params.batch_size),
            params=FitParams(
                n_epochs=self._params.n_epochs,
                patience=self._params.patience,
                adversary=self._params.adversary,
                average=self._params.average,
            ),
            tables=tables,
            checkpoint=checkpoint,
            what=what,
            progress=progress,
        )

    def widen(self) -> None:
        """Fit the linear model over n-grams, if one is wanted, and weigh it against the network on the dev set."""
        longest = self._params.longest_gram
        if not longest or len(set(self._targets.tolist())) < 2:
            return
        sentences = [sentence for sentence, _ in self._dev]
        deep = self._classifier.logits(sentences)
        labels = self._classifier.labels
        grams = fit_grams(
            self._chars,
            self._targets,
            n_labels=len(labels),
            longest=longest,
            c=self._params.gram_c,
            seed=self._params.seed,
        )
        if grams is None:
            return
        self._classifier.add_grams(grams)
        columns = {label: column for column, label in enumerate(labels)}
        truth = np.array([columns[label] for _, label in self._dev], dtype=np.int64)
        choose_scale(grams, deep, self._classifier.logits(sentences) - deep, truth)

    def _weights(self, n_labels: int) -> Tensor:
        counts = np.maximum(np.bincount(self._targets, minlength=n_labels), 1)
        weights = torch.tensor((counts.mean() / counts) ** 0.5, dtype=torch.float32)
        return weights.to(self._device)

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        generator = np.random.default_rng((self._params.seed, epoch))
        for rows in bucketed(self._chars.lengths, batch_size=self._params.batch_size, generator=generator):
            parts = (self._words.padded(rows), self._chars.padded(rows), self._targets[rows])
            words, chars, targets = (torch.from_numpy(part).to(self._device) for part in parts)
            yield words, chars, targets

    def _loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        words, chars, targets = batch
        loss = self._cross_entropy(self._model(words, chars), targets)
        return loss + self._params.label_weight * self._model.label_loss()

    def _cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits, targets, weight=self._class_weights, label_smoothing=self._params.label_smoothing
        )

    def _score(self) -> float:
        probabilities = self._classifier.classify([sentence for sentence, _ in self._dev])
        truth = [label for _, label in self._dev]
        return classification_report(probabilities=probabilities, truth=truth, labels=self._classifier.labels).macro_f1


def _calibrate(classifier: Classifier, dev: Sequence[Labelled], params: ClassifierParams) -> None:
    sentences = [sentence for sentence, _ in dev]
    truth = [label for _, label in dev]
    columns = np.array([classifier.labels.index(label) for label in truth], dtype=np.int64)
    classifier.temperature = softmax_temperature(classifier.logits(sentences), columns)
    probabilities = classifier.classify(sentences)
    if params.false_alarms is not None and "other" in classifier.labels:
        classifier.gate = "any"
    certainty = classifier.certainty(probabilities)
    classifier.threshold = threshold_for_macro_precision(
        probabilities, truth, classifier.labels, certainty=certainty, precision=params.precision
    )
    if params.false_alarms is not None:
        given = [classifier.labels[column] for column in probabilities.argmax(axis=1)]
        least = threshold_for_false_alarms(certainty, given, truth, rate=params.false_alarms)
        classifier.threshold = max(classifier.threshold, least)


def _digest(
    train: Sequence[Labelled],
    dev: Sequence[Labelled],
    labels: Sequence[str],
    embeddings: Embeddings,
    descriptions: Mapping[str, Sequence[str]],
    params: ClassifierParams,
) -> str:
    texts = [part for items in (train, dev) for sentence, label in items for part in (label, sentence.text)]
    described = [word for label in sorted(descriptions) for word in (label, *descriptions[label])]
    return digest_of([embeddings.data_digest, repr(params), *labels, *described, *texts])
