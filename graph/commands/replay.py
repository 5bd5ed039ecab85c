"""`replay`: a file of sentences through the graph in this process; one answer a line, the strategy mix at the end."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from configs.schema import AppConfig
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.schema import ComfortRequest

console = Console(stderr=True)


def replay(
    file: Annotated[Path, typer.Argument(help='One JSON object {"text": ..} or plain sentence a line, UTF-8.')],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Answers go here instead of standard output.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Answer every line of FILE, in order, as one JSON object a line; show the mix of strategies at the end.

    Example: python -m graph replay messages.txt --out answers.jsonl
    """
    from graph.commands.parse import read_requests
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file

    settings = read_serve_file(config).app
    requests = list(read_requests(file, settings))
    build_artifacts(settings)
    with out.open("w", encoding="utf-8") if out else nullcontext(sys.stdout) as sink:
        _show_mix(asyncio.run(_answer(settings, requests, sink)), len(requests))


async def _answer(settings: AppConfig, requests: Sequence[ComfortRequest], sink: TextIO) -> Counter[str]:
    from graph.local import answer_all, local_composer, patient

    mix: Counter[str] = Counter()
    progress = iter(track(range(len(requests)), description="answering", console=console))
    async for answer in answer_all(local_composer(patient(settings)), requests):
        sink.write(answer.model_dump_json(exclude={"explain"} if answer.explain is None else None) + "\n")
        mix[answer.strategy] += 1
        mix.update(f"degraded: {role}" for role in answer.degraded)
        next(progress)
    next(progress, None)
    return mix


def _show_mix(mix: Counter[str], total: int) -> None:
    table = Table("strategy", "answers", "share")
    for name in (
        "knowledge",
        "emotion_topic",
        "emotion",
        "none",
        *sorted(k for k in mix if k.startswith("degraded")),
    ):
        table.add_row(name, str(mix[name]), f"{mix[name] / max(total, 1):.1%}")
    console.print(table)
