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
    trials = results["trials"]
    parts = [_machine(results["machine"])]
    faults = [row for row in trials.values() if "fault" in row]
    if faults:
        parts.append(_faults(faults))
    parts += [_figures(name, row) for name, row in trials.items() if not {"fault", "broken", "skipped"} & set(row)]
    for word, said in (("skipped", "Not measured"), ("broken", "Not finished")):
        left = [f"{name} ({row[word]})" for name, row in trials.items() if word in row]
        if left:
            parts.append(f"{said}: {'; '.join(left)}.")
    return "\n\n".join(parts)


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"Measured on {machine['date']}: {machine['cores']} cores of {machine['processor']}, load average "
        f"{machine['load_before']:.1f} before the run; two composers, one replica of each node, and on two nodes a "
        "replica on each. The load generator runs on the same cores."
    )


def _faults(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| fault | where | asked | a second | errors | degraded | p99 ms | good again after s | whole after s | held |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        spoiled = f", {row['spoiled']} beside the poison" if row["spoiled"] else ""
        cells = [row["fault"], row["place"], row["requests"], f"{row['rate_per_s']:g}", _errors(row)]
        cells += [_share(row) + spoiled, row["p99_ms"], row["recovered_s"], _whole(row), _held(row)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _whole(row: dict[str, Any]) -> str:
    took = "never" if row["whole_s"] is None else str(row["whole_s"])
    return f"{took}; {row['whole_within_s']:g} promised" if row["whole_within_s"] else took


def _held(row: dict[str, Any]) -> str:
    return "yes" if row["held"] else "**no**"


def _errors(row: dict[str, Any]) -> str:
    kinds = ", ".join(f"{n} × {status if status != '0' else 'no answer'}" for status, n in row["statuses"].items())
    said = f"{row['errors']} ({kinds})" if kinds else "0"
    return f"{said}; {row['allowed']} allowed" if row["allowed"] != "none" else said


def _share(row: dict[str, Any]) -> str:
    return f"{100 * row['degraded'] / max(1, row['requests']):.0f} %"


def _figures(title: str, figures: dict[str, Any]) -> str:
    lines = [f"| {title} | {_held(figures)} |", "|---|---|"]
    for name, value in figures.items():
        if name != "held" and value not in ([], {}):
            lines.append(f"| {name.replace('_', ' ')} | {_shown(value)} |")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
