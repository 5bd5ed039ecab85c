"""The two evaluations with training, from files to a report; the commands call these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.evaluation.classifiers import all_labels, classification_contenders, classifier_params
from graph.evaluation.contenders import Contender, with_overrides
from graph.evaluation.data import Data, Files, Labelled, Pair, load_classification, load_matching
from graph.evaluation.matchers import matcher_params, matching_contenders
from graph.evaluation.measures import (
    Measure,
    classification_measures,
    confident_measures,
    confident_threshold,
    matching_measures,
    tuned_measure,
)
from graph.evaluation.report import Measured, Report, build_report
from graph.evaluation.runs import run_all
from graph.evaluation.settings import EMBEDDINGS, Overrides
from graph.evaluation.store import Run, RunStore
from graph.evaluation.vectors import Start, evaluation_vectors
from models.embeddings import Embeddings
from models.training.embeddings import EmbeddingParams
from models.training.loop import Progress

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an evaluation is asked for.

    Attributes:
        files: labelled and unlabelled texts.
        models: names, in the order of the report.
        n_seeds: runs of every model that depends on the seed; seeds 1 .. n.
        vectors: what the vectors start from.
        n_epochs: at most so many, for trained models; None for their own.
        assignments: of `--set`.
        device: "auto", "cpu" or "cuda".
        n_threads: torch threads.
        without_duplicates: report the test rows without those that stand in train, too.
        again: run what is stored, too.
        work: folder of runs and vectors.
        words: the command line, for the report.
    """

    files: Files
    models: tuple[str, ...]
    n_seeds: int
    vectors: Start
    n_epochs: int | None
    assignments: tuple[str, ...]
    device: str
    n_threads: int
    without_duplicates: bool
    again: bool
    work: Path
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report, and what plots are drawn from.

    Attributes:
        report: see `graph.evaluation.report`.
        runs: of each model, by seed.
        truth: labels of the test rows.
        labels: of the columns of a classifier's scores; none for matching.
    """

    report: Report
    runs: dict[str, list[Run]]
    truth: list[Any]
    labels: list[str]


def evaluate_classification(request: Request, *, precision: float, progress: Progress) -> Evaluation:
    """Train and measure classifiers.

    Args:
        request: what is asked for.
        precision: macro precision wanted of the confident answers; their threshold is tuned for it on dev.
        progress: told of everything that takes long.

    Raises:
        UsageError, InputError, DatasetError, OSError: one line says what is wrong.
    """
    overrides = Overrides(request.assignments, models=request.models, n_epochs=request.n_epochs)
    embedding_params = _embedding_params(overrides)
    params = classifier_params(request.models, overrides, device=request.device, n_threads=request.n_threads)
    data = load_classification(request.files, progress)
    labels = all_labels(data.train, data.dev)
    truths = {part: [label for _, label in rows] for part, rows in (("dev", data.dev), ("test", data.test))}

    def contenders(embeddings: Embeddings) -> list[Contender[Labelled]]:
        return classification_contenders(params, labels=labels, embeddings=embeddings)

    def measure(_: Contender[Labelled], run: Run) -> Measured:
        threshold = confident_threshold(run.dev, truths["dev"], labels, precision=precision)

        def part(scores: Any, truth: list[str]) -> dict[str, Any]:
            confident = confident_measures(scores, truth, labels, threshold=threshold)
            return {**classification_measures(scores, truth, labels), "confident": confident}

        measured = {"test": part(run.test, truths["test"]), "dev": part(run.dev, truths["dev"])}
        new, kept = _new(request, data, truths["test"])
        if kept:
            measured["test_without_duplicates"] = part(run.test[new], kept)
        return measured

    notes = {"labels": labels, "wanted_precision": precision, **_duplicates(request, data)}
    return _evaluate(request, data, embedding_params, contenders, measure, "classification", notes, labels, progress)


def evaluate_matching(request: Request, *, tune: Measure | None, progress: Progress) -> Evaluation:
    """Train and measure matchers.

    Args:
        request: what is asked for.
        tune: what the main threshold is tuned for on dev; None decides by the balance of dev.
        progress: told of everything that takes long.

    Raises:
        UsageError, InputError, DatasetError, OSError: one line says what is wrong.
    """
    overrides = Overrides(request.assignments, models=request.models, n_epochs=request.n_epochs)
    embedding_params = _embedding_params(overrides)
    params = matcher_params(request.models, overrides, device=request.device, n_threads=request.n_threads)
    data = load_matching(request.files, progress)
    dev_truth, truth = ([label for _, _, label in rows] for rows in (data.dev, data.test))
    tuned = tune or tuned_measure(dev_truth)

    def contenders(embeddings: Embeddings) -> list[Contender[Pair]]:
        return matching_contenders(params, embeddings=embeddings)

    def measure(contender: Contender[Pair], run: Run) -> Measured:
        def part(scores: Any, labels: list[int]) -> dict[str, Any]:
            return matching_measures(
                run.dev, dev_truth, scores, labels, tune=tuned, probabilities=contender.probabilities
            )

        measured = {"test": part(run.test, truth), "dev": part(run.dev, dev_truth)}
        new, kept = _new(request, data, truth)
        if len(set(kept)) == 2:
            measured["test_without_duplicates"] = part(run.test[new], kept)
        return measured

    shares = {
        "train": float(np.mean([label for *_, label in data.train])),
        "dev": float(np.mean(dev_truth)),
        "test": float(np.mean(truth)),
    }
    notes = {"tuned_for": tuned, "right_share": shares, **_duplicates(request, data)}
    return _evaluate(request, data, embedding_params, contenders, measure, "matching", notes, [], progress)


def _evaluate(
    request: Request,
    data: Data[Item],
    embedding_params: EmbeddingParams,
    contenders: Callable[[Embeddings], list[Contender[Item]]],
    measure: Callable[[Contender[Any], Run], Measured],
    task: str,
    notes: dict[str, Any],
    labels: list[str],
    progress: Progress,
) -> Evaluation:
    embeddings, vectors = evaluation_vectors(
        data, start=request.vectors, params=embedding_params, folder=request.work, progress=progress
    )
    taking_part = contenders(embeddings)
    runs = run_all(
        taking_part,
        data,
        vectors=vectors["digest"],
        seeds=range(1, request.n_seeds + 1),
        store=RunStore(request.work),
        again=request.again,
        progress=progress,
    )
    report = build_report(
        task=task,
        words=request.words,
        data=data,
        vectors=vectors,
        contenders=taking_part,
        runs=runs,
        measure=measure,
        device=request.device,
        n_threads=request.n_threads,
        notes=notes,
    )
    truth: list[Any] = [row[-1] for row in data.test]  # type: ignore[index]
    return Evaluation(report, runs, truth, labels)


def _embedding_params(overrides: Overrides) -> EmbeddingParams:
    return with_overrides(EmbeddingParams(), overrides.of_embeddings, where=f"{EMBEDDINGS}.")


def _new(request: Request, data: Data[Any], truth: Sequence[Any]) -> tuple[NDArray[np.bool_], list[Any]]:
    """The test rows that do not stand in train, and their labels; none if they are not asked for."""
    new = np.array(data.new, dtype=bool) & request.without_duplicates
    return new, [label for label, kept in zip(truth, new.tolist(), strict=True) if kept]


def _duplicates(request: Request, data: Data[Any]) -> dict[str, Any]:
    return {"test_rows_in_train": len(data.new) - sum(data.new)} if request.without_duplicates else {}
