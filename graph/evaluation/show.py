"""A report as a table for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

_COLUMNS = {
    "classification": {
        "accuracy": "accuracy",
        "macro F1": "macro_f1",
        "macro P": "macro_precision",
        "ECE": "ece",
    },
    "matching": {
        "accuracy": "accuracy",
        "F1": "f1",
        "P": "precision",
        "R": "recall",
        "AUC": "auc",
        "threshold": "threshold",
        "oracle F1": "oracle_f1",
    },
}


def report_table(report: Mapping[str, Any]) -> Table:
    """A row a model, the mean over seeds with the deviation where there are several; for recall a row a method."""
    return _recall(report) if report["task"] == "recall" else _models(report)


def _models(report: Mapping[str, Any]) -> Table:
    columns = _COLUMNS[report["task"]]
    shown = report["data"].get(report["tested_on"]) or report["data"]["train"]
    table = Table(title=f"{report['task']} on {report['tested_on']}: {shown['file']}")
    table.add_column("model", no_wrap=True)
    for heading in (*columns, "seeds", "train s", "items/s"):
        table.add_column(heading, no_wrap=True, justify="right")
    for name, model in report["models"].items():
        measures = (_measure(model["test"][column]) for column in columns.values())
        times = (f"{model['train_seconds']['mean']:.1f}", f"{model['items_per_second']['mean']:.0f}")
        table.add_row(name, *measures, str(len(model["seeds"])), *times)
    return table


def _measure(value: Mapping[str, float | None]) -> str:
    mean, std = value["mean"], value["std"]
    if mean is None:
        return "n/a"
    return f"{mean:.3f}" + (f"±{std:.3f}" if std else "")


def _recall(report: Mapping[str, Any]) -> Table:
    measures = list(next(iter(report["methods"].values())))
    table = Table("method", *measures, title=f"recall on {report['data']['queries']['file']}")
    for name, own in report["methods"].items():
        table.add_row(name, *(f"{own[measure]:.3f}" for measure in measures))
    return table
