"""The report: mean and deviation by hand, paths that say nothing of the machine, whole files."""

import json
from pathlib import Path

import pytest

from graph.evaluation.report import command_line, spread, write_report


def test_mean_and_deviation_by_hand() -> None:
    runs = [
        {"test": {"accuracy": 0.7, "support": 5, "precision": None}},
        {"test": {"accuracy": 0.8, "support": 5, "precision": 0.5}},
        {"test": {"accuracy": 0.9, "support": 5, "precision": 0.7}},
    ]
    own = spread(runs)["test"]
    assert own["accuracy"] == pytest.approx({"mean": 0.8, "std": 0.1})  # sqrt((0.01 + 0 + 0.01) / 2)
    assert own["support"] == 5
    assert own["precision"] == pytest.approx({"mean": 0.6, "std": 0.02**0.5})


def test_one_run_has_no_deviation_and_undefined_stays_undefined() -> None:
    assert spread([0.25]) == {"mean": 0.25, "std": 0.0}
    assert spread([None, None]) == {"mean": None, "std": None}
    assert spread([{"a": 1.0}, {"a": 3.0, "b": 2.0}])["b"] == {"mean": 2.0, "std": 0.0}


def test_the_command_names_files_outside_by_folder_and_name(tmp_path: Path) -> None:
    path = tmp_path / "set" / "train.tsv"
    path.parent.mkdir()
    path.touch()
    shown = command_line(["evaluate", "matching", "--train", str(path), "--set", "embeddings.width=64"])
    assert shown == "python -m graph evaluate matching --train set/train.tsv --set embeddings.width=64"


def test_written_numbers(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_report({"a": float("nan"), "b": {"mean": 1 / 3, "std": 0.0}, "c": ["文", 2]}, path)
    assert json.loads(path.read_text("utf-8")) == {"a": None, "b": {"mean": 0.333333, "std": 0.0}, "c": ["文", 2]}
    assert '{"mean": 0.333333, "std": 0.0}' in path.read_text("utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]
