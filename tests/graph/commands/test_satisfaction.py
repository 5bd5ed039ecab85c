"""The command `satisfaction`: the same numbers as over HTTP, as tables and as CSV; one line if there is no store."""

import csv
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from configs.schema import PROJECT_ROOT
from graph.__main__ import app
from indexes.errors import StoreError
from indexes.feedback.store import FeedbackStore
from tests.indexes.feedback.samples import answered, rating


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """configs/serve.yaml over a store in `tmp_path`."""
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    content["applications"][0]["args"]["feedback"] = {"url": f"sqlite:///{tmp_path / 'x.sqlite3'}"}
    path = tmp_path / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def filled(place: Path) -> None:
    store = FeedbackStore.open(f"sqlite:///{place / 'x.sqlite3'}")
    store.write(
        [
            answered(f"{arm}{n}", f"session:{arm}{n}", arm=arm, at=1_700_000_000.0)
            for arm in ("comfort", "control")
            for n in range(10)
        ]
    )
    store.write([rating(1 if n < 8 else 3, request_id=f"comfort{n}") for n in range(10)])
    store.write([rating(1 if n < 2 else 2, request_id=f"control{n}") for n in range(10)])
    store.close()


def test_tables_and_csv(config: Path, tmp_path: Path) -> None:
    filled(tmp_path)
    out = tmp_path / "out.csv"
    shown = CliRunner().invoke(
        app, ["satisfaction", "--config", str(config), "--csv", str(out)], env={"COLUMNS": "160"}
    )
    assert shown.exit_code == 0, shown.output
    assert "80.0% [49.0%, 94.3%]" in shown.output
    assert "+60.0" in shown.output
    with out.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    anger = [row for row in rows if (row["table"], row["group"]) == ("emotions", "anger")]
    assert [(row["arm"], row["count"], row["hits"]) for row in anger] == [
        ("comfort", "10", "8"),
        ("control", "10", "2"),
    ]
    assert float(anger[0]["p_value"]) == pytest.approx(0.00729, abs=5e-5)
    assert anger[1]["p_value"] == ""


def test_since_leaves_out_older_answers(config: Path, tmp_path: Path) -> None:
    filled(tmp_path)
    shown = CliRunner().invoke(app, ["satisfaction", "--config", str(config), "--since", "2024-01-01"])
    assert shown.exit_code == 0, shown.output
    assert "0 of 0 answers" in shown.output


def test_without_a_store_it_says_so(config: Path) -> None:
    shown = CliRunner().invoke(app, ["satisfaction", "--config", str(config)])
    assert shown.exit_code == 1
    assert isinstance(shown.exception, StoreError)
    assert "no such file; it is made when the service first starts" in str(shown.exception)
