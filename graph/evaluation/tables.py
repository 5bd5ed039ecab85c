"""The tables of a document, written from reports: our figures beside the published ones, and what is wanted.

A folder holds NAME.json for every set and published.yaml with, for each name, `measures` (columns), `published`
(rows of others, each with its source) and `wanted` (by model and measure: what must be reached, what is aimed at).
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.schema import explain, read_yaml
from graph.errors import InputError

PUBLISHED = "published.yaml"
_MARKED = re.compile(r"<!-- table (?P<name>[\w-]+) -->\n.*?<!-- end (?P=name) -->", re.DOTALL)
_TITLES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "macro_f1": "macro F1",
    "macro_precision": "macro precision",
    "oracle_f1": "oracle F1",
    "oracle_accuracy": "oracle accuracy",
    "auc": "AUC",
    "ece": "ECE",
    "precision": "precision",
    "recall": "recall",
}

Model = Mapping[str, Any]
Figure = float | tuple[float, float]
"""A measure, or the lowest and highest of several published values."""


class Published(BaseModel):
    """A row of others.

    Attributes:
        model: what they call it.
        source: who published it, and where.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Figure]

    model: str
    source: str


class Quicker(BaseModel):
    """How many times as many rows a second a model should score as another.

    Attributes:
        model: the quick one.
        than: the other.
        must: times that must be reached.
        aim: times aimed at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    than: str
    must: float
    aim: float


class SetNotes(BaseModel):
    """What is known of a set besides our report.

    Attributes:
        title: of the table.
        measures: the columns, the first decides the order.
        details: further columns for our models alone.
        published: rows of others.
        wanted: by model and measure: what must be reached, and what is aimed at.
        quicker: speeds wanted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    measures: tuple[str, ...]
    details: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    wanted: dict[str, dict[str, tuple[float, float]]] = {}
    quicker: tuple[Quicker, ...] = ()


def with_tables(text: str, folder: Path, *, name: str) -> str:
    """The document with every marked table written anew.

    Args:
        text: the document.
        folder: reports and published.yaml.
        name: of the document, for errors.

    Raises:
        InputError: no table is marked, or a marked one has no report or no notes.
        ConfigError: published.yaml is not what it should be.
    """
    notes = read_notes(folder / PUBLISHED)
    found = {match["name"] for match in _MARKED.finditer(text)}
    if not found:
        raise InputError(f"{name}: no lines `<!-- table NAME -->` and `<!-- end NAME -->`: mark where tables stand")
    for own in sorted(found):
        if own not in notes or not (folder / f"{own}.json").exists():
            raise InputError(f"{name}: table {own}: needs {folder}/{own}.json and an entry {own} in {PUBLISHED}")

    def written(match: re.Match[str]) -> str:
        own = match["name"]
        report = json.loads((folder / f"{own}.json").read_text(encoding="utf-8"))
        tables = clustering_table if report.get("task") == "clustering" else set_tables
        return f"<!-- table {own} -->\n{tables(report, notes[own])}<!-- end {own} -->"

    return _MARKED.sub(written, text)


def read_notes(path: Path) -> dict[str, SetNotes]:
    """Read published.yaml.

    Raises:
        ConfigError: unreadable, or an entry is not as `SetNotes` says.
    """
    notes = {}
    for name, values in (read_yaml(path) or {}).items():
        try:
            notes[name] = SetNotes.model_validate(values)
        except ValidationError as error:
            raise explain(error, path=path, prefix=f"{name}.") from None
    return notes


def set_tables(report: Mapping[str, Any], notes: SetNotes) -> str:
    """Markdown for one set: quality beside the published, details of our runs, what is wanted, how to repeat it."""
    parts = (
        _heading(report, notes),
        _quality(report, notes),
        _details(report, notes),
        _wanted(report, notes),
        _origin(report),
    )
    return "\n".join(part for part in parts if part)


def clustering_table(report: Mapping[str, Any], notes: SetNotes) -> str:
    """Markdown for one comparison of clusterings, best agreement first."""
    rows = [
        [f"**{name}**" if name == "self_adapting" else name, f"{score['clusters']:,}"]
        + [f"{score[measure]:.3f}" for measure in ("ari", "nmi")]
        + [f"{score['seconds']:.1f}"]
        for name, score in sorted(report["models"].items(), key=lambda item: -item[1]["ari"])
    ]
    heading = f"**{notes.title}**; {report['texts']:,} texts in {report['groups']:,} groups.\n"
    return "\n".join((heading, _table(["method", "clusters", "ARI", "NMI", "seconds"], rows)))


def _heading(report: Mapping[str, Any], notes: SetNotes) -> str:
    data = report["data"]
    rows = ", ".join(f"{part} {data[part]['rows']:,}" for part in ("train", "dev", "test") if part in data)
    used = data["train"]["rows_used"]
    limited = f" ({used:,} of train used)" if used < data["train"]["rows"] else ""
    return f"**{notes.title}**; rows: {rows}{limited}; figures on {report['tested_on']}.\n"


def _quality(report: Mapping[str, Any], notes: SetNotes) -> str:
    first = notes.measures[0]
    rows = [
        (_mean(model, first), [f"**{name}**", *(_ours(model, m) for m in notes.measures), _seeds(model)])
        for name, model in report["models"].items()
    ]
    for other in notes.published:
        figures = other.__pydantic_extra__
        rows.append(
            (_low(figures.get(first)), [other.model, *map(_theirs, map(figures.get, notes.measures)), other.source])
        )
    rows.sort(key=lambda row: -row[0])
    return _table(["model", *(_TITLES.get(m, m) for m in notes.measures), "source"], [cells for _, cells in rows])


def _details(report: Mapping[str, Any], notes: SetNotes) -> str:
    first = notes.measures[0]
    parts = [("dev", "dev"), ("without the rows in train", "test_without_duplicates")]
    parts = [(heading, part) for heading, part in parts if all(part in model for model in report["models"].values())]
    headings = ["our model", *(_TITLES.get(m, m) for m in notes.details)]
    headings += [f"{_TITLES.get(first, first)} {heading}" for heading, _ in parts]
    rows = []
    for name, model in report["models"].items():
        numbers = (model["n_parameters"], model["train_seconds"]["mean"], model["items_per_second"]["mean"])
        rows.append(
            [
                name,
                *(_ours(model, measure) for measure in notes.details),
                *(f"{model[part][first]['mean']:.3f}" for _, part in parts),
                *(f"{number:,.0f}" for number in numbers),
            ]
        )
    return _table([*headings, "parameters", "training, s", "items/s"], rows)


def _wanted(report: Mapping[str, Any], notes: SetNotes) -> str:
    models = report["models"]
    rows = []
    for name, measures in notes.wanted.items():
        for measure, (must, aim) in measures.items():
            if name in models:
                reached = _mean(models[name], measure)
                verdict = _verdict(reached, must, aim, digits=3)
                rows.append(
                    [name, _TITLES.get(measure, measure), f"{must:.3f}", f"{aim:.3f}", f"{reached:.3f}", verdict]
                )
    for wish in notes.quicker:
        if {wish.model, wish.than} <= models.keys():
            quick, slow = (models[name]["items_per_second"]["mean"] for name in (wish.model, wish.than))
            verdict = _verdict(quick / slow, wish.must, wish.aim, digits=1)
            figures = [f"{wish.must:g} ×", f"{wish.aim:g} ×", f"{quick / slow:.1f} ×"]
            rows.append([wish.model, f"speed against {wish.than}", *figures, verdict])
    return _table(["model", "measure", "must", "aim", "reached", ""], rows) if rows else ""


def _verdict(reached: float, must: float, aim: float, *, digits: int) -> str:
    if reached >= aim:
        return "aim reached"
    if reached >= must:
        return f"{aim - reached:.{digits}f} below the aim"
    return f"**misses by {must - reached:.{digits}f}**"


def _origin(report: Mapping[str, Any]) -> str:
    machine, versions = report["machine"], report["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    where = f"{machine['device']} ({machine['name']}, {machine['threads']} threads of {machine['cores']} cores)"
    return f"```\n{report['command']}\n```\n\nOn {where}; {packages}.\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _mean(model: Model, measure: str) -> float:
    mean = model["test"][measure]["mean"]
    return float("-inf") if mean is None else float(mean)


def _ours(model: Model, measure: str) -> str:
    value = model["test"][measure]
    if value["mean"] is None:
        return "–"
    return f"{value['mean']:.3f}" + (f" ± {value['std']:.3f}" if value["std"] else "")


def _seeds(model: Model) -> str:
    n = len(model["seeds"])
    return "ours" if n == 1 else f"ours, mean of {n} seeds"


def _low(figure: Figure | None) -> float:
    if figure is None:
        return float("-inf")
    return figure[0] if isinstance(figure, tuple) else figure


def _theirs(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return "–".join(f"{value:.3f}" for value in (figure if isinstance(figure, tuple) else (figure,)))
