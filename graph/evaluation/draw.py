"""From a finished evaluation to its plots, beside the report; of several seeds the first is drawn."""

from pathlib import Path

import numpy as np

from graph.evaluation.evaluate import Evaluation
from graph.evaluation.plots import plot_confusion, plot_coverage, plot_precision_recall, plot_reliability


def draw_plots(evaluation: Evaluation, out: Path) -> list[Path]:
    """Write the plots of a report.

    Args:
        evaluation: the report and its runs.
        out: where the report is; `report.json` has `report.reliability.png` and so on.

    Returns:
        The files, in the order they are worth looking at.
    """
    if evaluation.report["task"] == "matching":
        return _matching(evaluation, out)
    return _classification(evaluation, out)


def _matching(evaluation: Evaluation, out: Path) -> list[Path]:
    scores = {name: runs[0].test for name, runs in evaluation.runs.items()}
    curves = out.with_suffix(".precision-recall.png")
    plot_precision_recall(scores, evaluation.truth, curves)
    # An untrained score is no probability: nothing says how often it should be right.
    trained = {name: own for name, own in scores.items() if evaluation.runs[name][0].fit is not None}
    if not trained:
        return [curves]
    reliability = out.with_suffix(".reliability.png")
    plot_reliability(trained, dict.fromkeys(trained, np.array(evaluation.truth)), reliability)
    return [curves, reliability]


def _classification(evaluation: Evaluation, out: Path) -> list[Path]:
    names, truth = np.array(evaluation.labels), np.array(evaluation.truth)
    scores = {name: runs[0].test for name, runs in evaluation.runs.items()}
    given = {name: names[own.argmax(axis=1)] for name, own in scores.items()}
    confidence = {name: own.max(axis=1) for name, own in scores.items()}
    right = {name: own == truth for name, own in given.items()}
    models = evaluation.report["models"]
    best = max(models, key=lambda name: models[name]["dev"]["macro_f1"]["mean"])
    labels = [*evaluation.labels, *sorted(set(evaluation.truth) - set(evaluation.labels))]
    paths = [out.with_suffix(f".{kind}.png") for kind in ("confusion", "reliability", "precision-coverage")]
    plot_confusion(evaluation.truth, given[best].tolist(), labels, paths[0], title=best)
    plot_reliability(confidence, right, paths[1])
    plot_coverage(confidence, right, paths[2])
    return paths
