"""`python -m load_tests.bench`: the comparison, side by side in one run; writes docs/performance.md from its report."""

import asyncio
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console

from configs.schema import AppConfig
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.compiling import is_wanted
from graph.local import answer_all, local_composer
from graph.schema import ComfortRequest
from graph.serve_file import read_serve_file
from load_tests.bench.contenders import CONTENDERS, Contender, new_folder, started
from load_tests.bench.measure import Cell, Traffic, ask, measure
from load_tests.bench.report import Results, ratios, write_report
from load_tests.bench.servers.settings import PATIENT
from load_tests.capacity import arithmetic
from load_tests.compiled import need_compiled
from load_tests.document import FOLDER, fill, machine, write_json
from load_tests.processes import LoadTestError, Server
from load_tests.traffic import hard, read_voices, real

console = Console(stderr=True)
app = typer.Typer(add_completion=False, help=__doc__)
CLIENTS = (1, 64)


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    seconds: float = typer.Option(6.0, min=0.5, max=120, help="Of each cell."),
    rounds: int = typer.Option(3, min=1, max=9, help="Every contender is started afresh once a round."),
    warm_up: float = typer.Option(20.0, min=0.5, max=120, help="Seconds of hard traffic before anything is measured."),
    only: str = typer.Option("", help="Names of contenders, with commas; all if empty."),
    sentences: int = typer.Option(20_000, min=100, max=200_000, help="Different emotional sentences to prepare."),
    out: Path = typer.Option(FOLDER / "bench.json", help="The report."),
    document: bool = typer.Option(True, help="Write the tables of docs/performance.md."),
) -> None:
    """Measure every contender with both traffics at 1 and 64 clients, round by round, and print the ratios."""
    settings = read_serve_file(config).app.model_copy(update={"deadlines": PATIENT})
    if is_wanted(settings):
        need_compiled(settings)
    folder = new_folder()
    own = {"seconds": seconds, "rounds": rounds, "clients": CLIENTS, "warm_up": warm_up}
    report: dict[str, object] = {"machine": machine(), "settings": own}
    report["sentences"] = _prepare(settings, folder, sentences)
    chosen = _chosen(only)
    report["contenders"] = {contender.name: contender.about for contender in chosen}
    cells: list[Cell] = []
    for round_ in range(rounds):
        for home, group in itertools.groupby(chosen, key=lambda contender: contender.home):
            cells += _visit(home, list(group), settings, folder, seconds=seconds, warm_up=warm_up, round_=round_)
            write_json(out, report | {"cells": [cell.as_json() for cell in cells]})
    console.print(f"report: {out}; files of the run: {folder}")
    _tell(out)
    if document:
        _write(out)


@app.command()
def report(path: Path = typer.Argument(FOLDER / "bench.json")) -> None:
    """Print the ratios of a report, and write the tables and plots of docs/performance.md from it."""
    _tell(path)
    _write(path)


def _tell(path: Path) -> None:
    typer.echo(ratios(Results(json.loads(path.read_text(encoding="utf-8")))))


def _write(path: Path) -> None:
    write_report(path)
    fill("capacity", arithmetic(Results(json.loads(path.read_text(encoding="utf-8")))))


def _chosen(only: str) -> list[Contender]:
    names = [name for name in only.split(",") if name]
    unknown = set(names) - {contender.name for contender in CONTENDERS}
    if unknown:
        known = ", ".join(contender.name for contender in CONTENDERS)
        raise typer.BadParameter(f"no contender {', '.join(sorted(unknown))}; there are {known}")
    return [contender for contender in CONTENDERS if not names or contender.name in names]


def _prepare(config: AppConfig, folder: Path, n: int) -> dict[str, object]:
    """Write hard.txt and real.txt; only sentences that the graph comforts are hard."""
    voices = read_voices(config.data)
    with console.status("choosing sentences …"):
        candidates = hard(voices.emotional, seed=1)
        emotional = asyncio.run(_comforted(config, candidates, n))
    drawn = list(itertools.islice(real(voices, seed=1), n))
    for name, lines in (("hard", emotional), ("real", drawn)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"hard": len(emotional), "real": len(drawn), "real_different": len(set(drawn))}


async def _comforted(config: AppConfig, sentences: Iterator[str], n: int) -> list[str]:
    composer, kept = local_composer(config), list[str]()
    while len(kept) < n and (some := list(itertools.islice(sentences, 512))):
        answers = answer_all(composer, [ComfortRequest(text=text) for text in some], at_once=256)
        kept += [text for text, answer in zip(some, [a async for a in answers], strict=True) if answer.handled]
    return kept[:n]


def _visit(
    home: str, group: list[Contender], config: AppConfig, folder: Path, *, seconds: float, warm_up: float, round_: int
) -> list[Cell]:
    cells: list[Cell] = []
    with console.status(f"round {round_ + 1}: {home} …"), started(home, config, folder) as server:
        for contender in group:
            cells += _cells(contender, server, folder, seconds=seconds, warm_up=warm_up, round_=round_)
    for cell in cells:
        console.print(
            f"{cell.contender:10} {cell.traffic} {cell.clients:3} clients: {cell.requests_per_s:7.1f}/s, "
            f"p50 {cell.p50_ms:7.1f} ms, p99 {cell.p99_ms:7.1f} ms, {cell.cpu_ms:6.2f} CPU ms, "
            f"{cell.memory_mb:5.0f} MB, "
            f"handled {cell.handled:.2f}, degraded {cell.degraded:.2f}, failed {cell.failed}",
            highlight=False,
        )
    return cells


def _cells(
    contender: Contender, server: Server, folder: Path, *, seconds: float, warm_up: float, round_: int
) -> Iterator[Cell]:
    """Hard first at both loads, then real; no hard sentence is sent twice to one server while there are enough.

    Hard traffic warms up for long: Java compiles Lucene's loops in thousands of searches, on cores that are measured.
    """
    traffics: tuple[Traffic, ...] = ("hard", "real") if contender.answers else ("real",)
    for traffic in traffics:
        lines, skip = folder / f"{traffic}.txt", 0
        warming = warm_up if traffic == "hard" else seconds / 3
        warm = ask(server, path=contender.path, sentences=lines, skip=skip, clients=CLIENTS[-1], seconds=warming)
        skip += len(warm["latencies_ms"])
        for clients in CLIENTS:
            cell = measure(
                server, contender=contender.name, path=contender.path, traffic=traffic, sentences=lines, skip=skip,
                clients=clients, seconds=seconds, round_=round_,
            )  # fmt: skip
            skip += cell.requests
            yield cell


def main() -> None:
    """Run a command; whatever is wrong with the machine is said in one line."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except LoadTestError as error:
        console.print(f"[red]bench:[/red] {error}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
