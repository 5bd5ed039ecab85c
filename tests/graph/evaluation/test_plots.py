"""Plots are written for few and many classes, with names in any script, and without a warning."""

from pathlib import Path

import numpy as np
import pytest

from graph.evaluation.plots import plot_confusion, plot_coverage, plot_precision_recall, plot_reliability

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "labels", [["生气", "joie", "радость"], ["\U0001f600\U000e0001", "b"], [f"c{n}" for n in range(200)]]
)
def test_confusion(tmp_path: Path, labels: list[str]) -> None:
    path = tmp_path / "new" / "confusion.png"
    plot_confusion([labels[0], labels[1]], [labels[1], labels[1]], labels, path, title="mlc")
    assert path.read_bytes().startswith(PNG)


def test_curves(tmp_path: Path) -> None:
    scores = {f"m{n}": np.array([0.9, 0.4, 0.4, 0.1], dtype=np.float32) for n in range(12)}
    right = dict.fromkeys(scores, np.array([1, 0, 1, 0]))
    plot_precision_recall(scores, [1, 0, 1, 0], tmp_path / "pr.png")
    plot_reliability(scores, right, tmp_path / "reliability.png")
    plot_coverage(scores, right, tmp_path / "coverage.png")
    assert all(path.read_bytes().startswith(PNG) for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 3
