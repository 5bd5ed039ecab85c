"""Writes the measured tables into docs/reliability.md, between its markers; no figure there is typed by hand."""

import json
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(results: Path, document: Path) -> None:
    """Replace what stands between the document's markers by the tables of `results`.

    Raises:
        ValueError: the document has no markers.
    """
    text = document.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document}: no `{BEGIN}` and `{END}` in it; put them where the tables shall stand")
    measured = tables(json.loads(results.read_text(encoding="utf-8")))
    document.write_text(f"{head}{BEGIN}\n{measured}\n{END}{tail}", encoding="utf-8")


def tables(results: dict[str, Any]) -> str:
    """All tables of a run as Markdown."""
    parts = [_machine(results["machine"])]
    if results.get("faults"):
        parts.append(_faults(results["faults"]))
    for name, title in (("overload", "Overload"), ("bad_input", "Bad input"), ("soak", "A long time")):
        if name in results:
            parts.append(_figures(title, results[name]))
    if results.get("skipped"):
        parts.append("Not measured: " + "; ".join(f"{name} ({why})" for name, why in results["skipped"].items()) + ".")
    return "\n\n".join(parts)


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"Measured on {machine['date']}: {machine['cores']} cores of {machine['processor']}, load average "
        f"{machine['load_before']:.1f} before the run, {machine['rate_per_s']:g} requests a second, two composers, one "
        "replica of each node. The load generator runs on the same cores."
    )


def _faults(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| fault | requests | errors | degraded | p99 ms | good again after s | all replicas after s | held |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        spoiled = f", {row['spoiled']} beside the poison" if row["spoiled"] else ""
        whole = "never" if row["whole_s"] is None else row["whole_s"]
        cells = [row["fault"], row["requests"], _errors(row), _share(row) + spoiled, row["p99_ms"], row["recovered_s"]]
        lines.append(f"| {' | '.join(str(cell) for cell in (*cells, whole, 'yes' if row['held'] else '**no**'))} |")
    return "\n".join(lines)


def _errors(row: dict[str, Any]) -> str:
    kinds = ", ".join(f"{n} × {status if status != '0' else 'no answer'}" for status, n in row["statuses"].items())
    said = f"{row['errors']} ({kinds})" if kinds else "0"
    return f"{said}; {row['allowed']} allowed" if row["allowed"] != "none" else said


def _share(row: dict[str, Any]) -> str:
    return f"{100 * row['degraded'] / max(1, row['requests']):.0f} %"


def _figures(title: str, figures: dict[str, Any]) -> str:
    lines = [f"| {title} | |", "|---|---|"]
    for name, value in figures.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        lines.append(f"| {name.replace('_', ' ')} | {shown} |")
    return "\n".join(lines)
