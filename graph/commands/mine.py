"""`mine`: chat logs to clusters to drafts of knowledge."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from graph.bars import progress_bars
from graph.commands.options import DEFAULT_CONFIG, Config

if TYPE_CHECKING:
    from graph.mining import Collect

console = Console(stderr=True)


def _collector(on_ray: bool) -> "Collect":
    from indexes.mining.questions import collect_questions

    if not on_ray:
        return collect_questions
    try:
        from graph.ray_mining import collect_on_ray
    except ModuleNotFoundError as error:
        from graph.errors import InputError

        raise InputError(f"--ray: {error.name} is not installed; install pandas and pyarrow (extra `logs`)") from None
    return collect_on_ray


def mine(
    logs: Annotated[
        list[Path],
        typer.Argument(help="Logs: a sentence a line, or .jsonl, .csv, .tsv with text and perhaps role, session."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for drafts/, clusters.tsv and the coverage curve.")],
    config: Config = DEFAULT_CONFIG,
    min_frequency: Annotated[int, typer.Option(min=1, help="A matter asked less often becomes no draft.")] = 5,
    drafts: Annotated[int, typer.Option(min=0, help="At most so many drafts.")] = 200,
    on_ray: Annotated[
        bool, typer.Option("--ray", help="Mask and count on Ray Data: a cluster in RAY_ADDRESS, else this machine.")
    ] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Drafts of calm matters too.")] = False,
) -> None:
    """Mask, cluster and count what customers ask; propose drafts of knowledge for review.

    Nothing but OUT is written; drafts that a reviewer has touched stay as they are. Lines that carry the service's own
    `strategy` are mined only if no knowledge matched them.

    Example: python -m graph mine chats.jsonl --out mined
    """
    from graph.mining import mine_logs
    from graph.serve_file import read_serve_file
    from indexes.mining.logs import read_logs

    settings = read_serve_file(config).app
    lines = read_logs(logs)
    with progress_bars() as progress:
        report = mine_logs(
            lines,
            out,
            settings,
            min_frequency=min_frequency,
            n_drafts=drafts,
            emotional_only=not everything,
            progress=progress,
            collect=_collector(on_ray),
        )
    table = Table("figure", "value")
    for name, value in report.items():
        table.add_row(name, str(value))
    console.print(table)
    console.print(f"next: python -m graph drafts list {out / 'drafts'}", highlight=False, soft_wrap=True)
