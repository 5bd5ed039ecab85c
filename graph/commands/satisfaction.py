"""`satisfaction`: the report of the experiment as tables, or as CSV."""

import csv
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from graph.commands.options import DEFAULT_CONFIG, Config

if TYPE_CHECKING:
    from graph.feedback_schema import Contrast, Group, Satisfaction, Share

console = Console()


def satisfaction(
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Also write every row to this file.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Leave out older answers; local time.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Show how satisfied customers with an emotion were: by arm, emotion and strategy, as in the paper's tables 5 to 7.

    Reads the store that the configuration names; the service may run meanwhile.

    Example: python -m graph satisfaction --since 2026-01-01 --csv satisfaction.csv
    """
    from graph.satisfaction import report
    from graph.serve_file import read_serve_file
    from indexes.feedback.store import FeedbackStore

    store = FeedbackStore.open(read_serve_file(config).app.feedback.url, create=False)
    start = since.timestamp() if since else None
    result = report(store.tallies(since=start), since=start)
    store.close()
    _show(result)
    if csv_file is not None:
        _write(result, csv_file)


def _write(result: "Satisfaction", path: Path) -> None:
    from graph.satisfaction import CSV_HEADER, csv_rows

    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(CSV_HEADER)
        writer.writerows(csv_rows(result))


def _show(result: "Satisfaction") -> None:
    from graph.satisfaction import tables

    coverage = Table("strategy", "answers", "share", "95 % interval", title="Coverage of the strategies (table 5)")
    for strategy, share in result.coverage.items():
        coverage.add_row(strategy, str(share.hits), *_of(share))
    console.print(coverage)
    emotional = result.emotional
    console.print(f"{emotional.hits} of {emotional.count} answers recognised an emotion", style="dim")
    columns = ("", "comfort", "rated", "control", "rated", "difference", "95 % interval", "p")
    satisfied = Table(*columns, title="Very satisfied, of rated sessions with an emotion (tables 6 and 7)")
    for groups in tables(result).values():
        for group in groups:
            satisfied.add_row(*_row(group))
        satisfied.add_section()
    console.print(satisfied)
    if result.mixed_sessions:
        console.print(f"{result.mixed_sessions} rated sessions were answered in both arms and are left out")


def _row(group: "Group") -> tuple[str, ...]:
    cells = [group.group]
    for share in (group.comfort, group.control):
        cells += [" ".join(_of(share)), str(share.count)]
    return (*cells, *_difference(group.contrast))


def _of(share: "Share") -> tuple[str, str]:
    if share.share is None:
        return "–", ""
    return f"{share.share:.1%}", f"[{share.low:.1%}, {share.high:.1%}]"


def _difference(contrast: "Contrast | None") -> tuple[str, str, str]:
    if contrast is None:
        return "–", "", ""
    p_value = "< 0.001" if contrast.p_value < 0.001 else f"{contrast.p_value:.3f}"
    return f"{100 * contrast.difference:+.1f}", f"[{100 * contrast.low:+.1f}, {100 * contrast.high:+.1f}]", p_value
