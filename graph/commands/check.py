"""`check-data`: proves that what stands in data/ keeps its promises."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from configs.schema import PROJECT_ROOT

console = Console()


def check_data(
    folder: Annotated[Path, typer.Argument(help="The data folder.")] = PROJECT_ROOT / "data",
    public: Annotated[
        Path | None, typer.Option(help="Folder of public texts; no utterance may be equal to a line there.")
    ] = None,
) -> None:
    """Check counts, formats, duplicates, near-duplicates, splits and the rules for replies; exit 1 if one is broken."""
    from indexes.content.check import check_data as check
    from indexes.content.check import render
    from indexes.content.check_rules import PROMISED

    report = check(folder, rules=PROMISED, public=public)
    console.print(render(report), highlight=False, markup=False, soft_wrap=True)
    if report.problems:
        raise typer.Exit(1)
