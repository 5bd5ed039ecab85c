"""Plots of an evaluation as PNG files: confusion, reliability, precision against recall.

matplotlib is imported only here, with the backend that needs no display.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_curve

from graph.evaluation.contenders import Scores

__all__ = ["plot_confusion", "plot_coverage", "plot_precision_recall", "plot_reliability"]

_DOTS_PER_INCH = 110
_COLOURS = 10
"""Of matplotlib's cycle; further lines are dashed."""
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "SimHei",
    "PingFang SC",
)
"""Fonts that have Chinese characters; the first that is installed is used."""
_MOST_NAMED, _MOST_NUMBERED = 40, 12
"""Classes; with more, a confusion matrix has no names along its sides, or no numbers in its cells."""

Curve = tuple[NDArray[Any], NDArray[Any]]


def plot_precision_recall(scores: Mapping[str, Scores], truth: Sequence[int], path: Path) -> None:
    """Precision against recall of the class "right", a line a model.

    Args:
        scores: of the same pairs by model, float (n,).
        truth: 1 for a right pair, else 0.
        path: the PNG file.
    """
    curves = {}
    for name, own in scores.items():
        precision, recall, _ = precision_recall_curve(np.array(truth), own)
        curves[name] = (recall, precision)
    base = float(np.mean(truth))
    _draw(curves, path, title=f"right pairs: {base:.1%}", labels=("recall", "precision"), diagonal=False)


def plot_reliability(confidence: Mapping[str, Scores], right: Mapping[str, NDArray[Any]], path: Path) -> None:
    """How often answers of a confidence are right, a line a model; on the diagonal they are as often as they say.

    Args:
        confidence: in [0, 1] by model, float (n,).
        right: whether the answer was right, (n,).
        path: the PNG file.
    """
    curves = {name: _reliability(own, right[name]) for name, own in confidence.items()}
    _draw(curves, path, title="reliability", labels=("probability", "share right"), diagonal=True)


def plot_coverage(confidence: Mapping[str, Scores], right: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Precision against the share of rows answered, as the threshold falls, a line a model; arguments as above."""
    curves = {}
    for name, own in confidence.items():
        hits = right[name][np.argsort(-own, kind="stable")]
        answered = np.arange(1, len(own) + 1)
        curves[name] = (answered / len(own), np.cumsum(hits) / answered)
    _draw(curves, path, title="confident answers", labels=("share answered", "precision"), diagonal=False)


def plot_confusion(
    truth: Sequence[str], given: Sequence[str], labels: Sequence[str], path: Path, *, title: str
) -> None:
    """Share of each right label (row) that was given each label (column).

    Args:
        truth: right labels.
        given: answers.
        labels: in the order of rows and columns.
        path: the PNG file.
        title: above the matrix.
    """
    counts = confusion_matrix(np.array(truth), np.array(given), labels=list(labels)).astype(np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    side = min(max(4.0, 0.45 * len(labels) + 2.5), 14.0)
    figure, axes = _figure((side, side))
    axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="Blues")
    axes.set(title=title, xlabel="answer", ylabel="right label")
    if len(labels) <= _MOST_NAMED:
        families = _families()
        names = [_drawable(label, number, families) for number, label in enumerate(labels, start=1)]
        axes.set_xticks(range(len(labels)), names, rotation=90, fontfamily=families)
        axes.set_yticks(range(len(labels)), names, fontfamily=families)
    if len(labels) <= _MOST_NUMBERED:
        for row, column in np.ndindex(shares.shape):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{shares[row, column]:.2f}", ha="center", va="center", color=color, fontsize=8)
    _save(figure, path)


def _reliability(confidence: Scores, right: NDArray[Any], *, n_bins: int = 10) -> Curve:
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    filled = [own for own in range(n_bins) if (bins == own).any()]
    means = [confidence[bins == own].mean() for own in filled]
    return np.array(means), np.array([right[bins == own].mean() for own in filled])


def _draw(curves: Mapping[str, Curve], path: Path, *, title: str, labels: tuple[str, str], diagonal: bool) -> None:
    figure, axes = _figure((6.0, 5.0))
    if diagonal:
        axes.plot((0, 1), (0, 1), color="grey", linewidth=0.8, linestyle="--")
    for number, (name, (x, y)) in enumerate(curves.items()):
        style = "-" if number < _COLOURS else "--"
        axes.plot(x, y, label=name, linestyle=style, marker="o" if diagonal else None, markersize=3, linewidth=1.2)
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)


def _figure(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """A figure of its own, without matplotlib's global state."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _families() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [*[name for name in _CHINESE if name in installed][:1], "DejaVu Sans"]


def _drawable(label: str, number: int, families: Sequence[str]) -> str:
    """The label, or its number where no installed font has its characters."""
    fonts = [font_manager.get_font(font_manager.findfont(family)) for family in families]
    shown = all(any(font.get_char_index(ord(char)) for font in fonts) for char in label)
    return label if shown else f"#{number}"


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DOTS_PER_INCH)
