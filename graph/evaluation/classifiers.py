"""The classifiers that `evaluate classification` compares: one row a name.

All networks are MLC's own code with some of its branches and the same affine head; `svm` is a linear model on
counts of words and characters, for orientation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.evaluation.contenders import Contender, Scores, Trained, Trial, settings_of, with_overrides
from graph.evaluation.data import Labelled
from graph.evaluation.settings import Overrides
from models.embeddings import Embeddings
from models.training.calibrate import softmax_temperature
from models.training.classification import ClassifierParams, train_classifier
from models.training.linear import LinearParams, train_linear
from models.training.loop import FitReport

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "cnn": {"branches": ("cnn",)},
    "swem": {"branches": ("swem",)},
    "swem_hier": {"branches": ("swem_hier",)},
    "leam": {"branches": ("leam",)},
    "mlc": {"branches": ("swem", "cnn", "leam")},
    "mlc_wide": {"branches": ("swem", "cnn", "leam"), "longest_gram": 4, "gram_c": 2.0},
    "mlc_words": {"branches": ("swem", "cnn", "leam"), "use_chars": False},
}
"""What each network sets apart from the defaults."""

CLASSIFIERS = (*NETWORKS, "svm")
"""All names."""


def classifier_params(
    names: Sequence[str], overrides: Overrides, *, device: str, n_threads: int
) -> dict[str, ClassifierParams | LinearParams]:
    """The hyperparameters of the named classifiers, before anything is read or trained.

    Args:
        names: of `CLASSIFIERS`.
        overrides: what is set on the command line.
        device: "auto", "cpu" or "cuda".
        n_threads: torch threads.

    Raises:
        UsageError: a hyperparameter cannot be set so.
    """
    network = ClassifierParams(device=device, n_threads=n_threads)
    params: dict[str, ClassifierParams | LinearParams] = {}
    for name in names:
        if name in NETWORKS:
            params[name] = with_overrides(network, {**NETWORKS[name], **overrides.of_model(name)}, where=f"{name}.")
        else:
            params[name] = with_overrides(LinearParams(), overrides.only_of(name), where=f"{name}.")
    return params


def classification_contenders(
    params: Mapping[str, ClassifierParams | LinearParams], *, labels: Sequence[str], embeddings: Embeddings
) -> list[Contender[Labelled]]:
    """The classifiers with these hyperparameters.

    Args:
        params: by name, from `classifier_params`.
        labels: all labels, "other" last where there is one.
        embeddings: first vectors.
    """
    return [
        _linear(name, own, labels) if isinstance(own, LinearParams) else _network(name, own, labels, embeddings)
        for name, own in params.items()
    ]


def all_labels(*parts: Sequence[Labelled]) -> list[str]:
    """The labels of some rows, sorted, "other" last: there it has no embedding."""
    labels = {label for part in parts for _, label in part}
    return sorted(labels, key=lambda label: (label == "other", label))


def _network(name: str, params: ClassifierParams, labels: Sequence[str], embeddings: Embeddings) -> Contender[Labelled]:
    def train(rows: Sequence[Labelled], dev: Sequence[Labelled], trial: Trial) -> Trained[Labelled]:
        report: list[FitReport] = []
        classifier = train_classifier(
            train=rows,
            dev=dev,
            labels=labels,
            embeddings=embeddings,
            params=replace(params, seed=trial.seed),
            progress=trial.progress,
            report=report,
            checkpoint=trial.checkpoint,
        )

        def score(items: Sequence[Labelled]) -> Scores:
            return classifier.classify([sentence for sentence, _ in items])

        n_parameters = sum(p.numel() for p in classifier.model.parameters() if p.requires_grad)
        return Trained(score, n_parameters, report[0])

    return Contender(name, settings_of(params), seeded=True, probabilities=True, train=train)


def _linear(name: str, params: LinearParams, labels: Sequence[str]) -> Contender[Labelled]:
    def train(rows: Sequence[Labelled], dev: Sequence[Labelled], trial: Trial) -> Trained[Labelled]:
        model = train_linear(rows, labels=labels, params=replace(params, seed=trial.seed))
        columns = {label: column for column, label in enumerate(labels)}
        truth = np.array([columns[label] for _, label in dev], dtype=np.int64)
        temperature = softmax_temperature(model.scores([sentence for sentence, _ in dev]), truth)

        def score(items: Sequence[Labelled]) -> Scores:
            return _softmax(model.scores([sentence for sentence, _ in items]) / np.float32(temperature))

        return Trained(score, model.n_parameters)

    return Contender(name, settings_of(params), seeded=False, probabilities=True, train=train)


def _softmax(logits: NDArray[np.float32]) -> Scores:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: Scores = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities
