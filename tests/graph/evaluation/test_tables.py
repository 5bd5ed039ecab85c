"""Tables of a document: every figure from a report or from published.yaml, in order, and what is missing is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.schema import PROJECT_ROOT, ConfigError
from graph.errors import InputError
from graph.evaluation.tables import read_notes, with_tables

NOTES = """
toy:
  title: Toy pairs
  measures: [accuracy, f1]
  details: [auc]
  published:
    - {model: Great, accuracy: [0.90, 0.95], source: A. Author}
    - {model: Small, f1: 0.4, source: B. Author}
  wanted:
    wsm: {accuracy: [0.85, 0.90], f1: [0.70, 0.80]}
    absent: {accuracy: [0.5, 0.6]}
  quicker: [{model: wsm, than: wmd, must: 20, aim: 100}]
"""


def model(accuracy: float, speed: float, n_seeds: int) -> dict[str, Any]:
    test = {
        name: {"mean": value, "std": 0.01 * (n_seeds > 1)} for name, value in (("accuracy", accuracy), ("f1", 0.75))
    }
    return {
        "test": {**test, "auc": {"mean": None, "std": None}},
        "dev": test,
        "n_parameters": 1234,
        "train_seconds": {"mean": 2.0, "std": 0.0},
        "items_per_second": {"mean": speed, "std": 0.0},
        "seeds": list(range(1, n_seeds + 1)),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    report = {
        "data": {"train": {"rows": 5000, "rows_used": 200}, "dev": {"rows": 20}, "test": {"rows": 30}},
        "tested_on": "test",
        "models": {"wmd": model(0.6, 10.0, 1), "wsm": model(0.8, 250.0, 3)},
        "machine": {"device": "cpu", "name": "x86_64", "threads": 1, "cores": 2},
        "versions": {"python": "3.11"},
        "command": "python -m graph evaluate matching",
    }
    (tmp_path / "toy.json").write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / "published.yaml").write_text(NOTES, encoding="utf-8")
    return tmp_path


def test_figures_of_both_in_order(folder: Path) -> None:
    text = with_tables("before\n<!-- table toy -->\nold\n<!-- end toy -->\nafter\n", folder, name="d.md")
    assert text.startswith(
        "before\n<!-- table toy -->\n**Toy pairs**; rows: train 5,000, dev 20, test 30 (200 of train"
    )
    assert text.endswith("<!-- end toy -->\nafter\n")
    assert "old" not in text
    rows = [line for line in text.splitlines() if line.endswith(("Author |", "ours |", "seeds |"))]
    assert rows == [
        "| Great | 0.900–0.950 | – | A. Author |",
        "| **wsm** | 0.800 ± 0.010 | 0.750 ± 0.010 | ours, mean of 3 seeds |",
        "| **wmd** | 0.600 | 0.750 | ours |",
        "| Small | – | 0.400 | B. Author |",
    ]
    assert "| wsm | accuracy | 0.850 | 0.900 | 0.800 | **misses by 0.050** |" in text
    assert "| wsm | F1 | 0.700 | 0.800 | 0.750 | 0.050 below the aim |" in text
    assert "| wsm | speed against wmd | 20 × | 100 × | 25.0 × | 75.0 below the aim |" in text
    assert "absent" not in text
    assert with_tables(text, folder, name="d.md") == text


def test_a_table_without_report_or_mark_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"table other: needs .*other\.json and an entry other"):
        with_tables("<!-- table other -->\n<!-- end other -->\n", folder, name="d.md")
    with pytest.raises(InputError, match="mark where tables stand"):
        with_tables("nothing", folder, name="d.md")


def test_a_slip_in_the_published_figures_is_named(folder: Path) -> None:
    path = folder / "published.yaml"
    path.write_text("toy: {title: T, measures: [f1], published: [{model: M, source: S, f1: high}]}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"toy\.published\.0\.f1"):
        read_notes(path)


def test_the_published_figures_of_the_project_can_be_read() -> None:
    notes = read_notes(PROJECT_ROOT / "docs" / "results" / "published.yaml")
    figures = [
        value for own in notes.values() for other in own.published for value in other.__pydantic_extra__.values()
    ]
    assert figures
    assert all(0 < value < 1 for figure in figures for value in (figure if isinstance(figure, tuple) else (figure,)))


def test_a_comparison_of_clusterings_has_the_best_first(tmp_path: Path) -> None:
    (tmp_path / "published.yaml").write_text("groups: {title: Groups, measures: [ari]}", encoding="utf-8")
    scores = {"hdbscan": (30, 0.25, 0.5, 1.26), "self_adapting": (1200, 0.5, 0.75, 0.5)}
    models = {
        name: dict(zip(("clusters", "ari", "nmi", "seconds"), score, strict=True)) for name, score in scores.items()
    }
    report = {"task": "clustering", "texts": 4093, "groups": 40, "models": models}
    (tmp_path / "groups.json").write_text(json.dumps(report), encoding="utf-8")
    text = with_tables("<!-- table groups -->\n<!-- end groups -->\n", tmp_path, name="d.md")
    assert "**Groups**; 4,093 texts in 40 groups." in text
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows == ["| **self_adapting** | 1,200 | 0.500 | 0.750 | 0.5 |", "| hdbscan | 30 | 0.250 | 0.500 | 1.3 |"]
