"""`python -m load_tests.chaos`: all trials on real Serve, one at a time, and the tables of docs/reliability.md.

Takes about 20 minutes on two quiet cores. Each trial's figures are kept as soon as it is over; `--only` repeats one and
`--resume` does what is left. Exit code 0: every promise held; 1: one did not, or a trial broke off.
"""

# ruff: noqa: PLC0415 - Ray's switch for loopback must be set before anything imports Ray

import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from graph.loopback import keep_ray_on_loopback

if TYPE_CHECKING:
    from load_tests.chaos.catalogue import Trial

console = Console(stderr=True)
_CONFIG, _RESULTS, _DOCUMENT = Path("configs/serve.yaml"), Path("docs/reliability.json"), Path("docs/reliability.md")
SAD = (
    "卖家一直不发货，我急死了",
    "等了半个月还没到，太失望了",
    "快递显示签收了可我根本没收到，气死了",
    "客服半天不理人，真让人生气",
    "退款拖了一个星期，我很着急",
    "收到的东西是坏的，太难过了",
)


def main(
    config: Annotated[Path, typer.Option(help="Whose artifacts and data are used.")] = _CONFIG,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = _RESULTS,
    into: Annotated[Path, typer.Option(help="The document that gets the tables.")] = _DOCUMENT,
    only: Annotated[
        list[str] | None, typer.Option(help="Only trials whose name contains this; the others' figures stay.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only trials that have no figures yet.")] = False,
    rate: Annotated[float, typer.Option(help="Requests a second; 0 measures the capacity and takes half of it.")] = 0.0,
    seconds: Annotated[float, typer.Option(help="Of overload; the steady load takes three times that.")] = 60.0,
    n_cases: Annotated[int, typer.Option(help="Generated bad inputs.")] = 2400,
    short: Annotated[bool, typer.Option("--short", help="A few faults, no tables.")] = False,
) -> None:
    """Run the trials and write the tables."""
    keep_ray_on_loopback()
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file
    from load_tests.chaos import catalogue
    from load_tests.chaos.report import write
    from load_tests.chaos.run import run

    rate, capacity_s = (rate or 10.0, 0.0) if short else (rate, 8.0)
    settings = catalogue.Settings(rate_per_s=rate, seconds=seconds, capacity_s=capacity_s, n_cases=n_cases, texts=SAD)
    app = read_serve_file(config).app
    build_artifacts(app)
    trials = catalogue.short() if short else catalogue.catalogue()
    results = _earlier(out) if only or resume else {"trials": {}}
    results["machine"] = _machine()
    wanted = [trial for trial in trials if any(part in trial.name for part in only or [""])]
    if not wanted:
        console.print(f"no trial has such a name; there are: {', '.join(trial.name for trial in trials)}")
        sys.exit(2)
    wanted = [trial for trial in wanted if not (resume and trial.name in results["trials"])]

    def keep(trial: "Trial", figures: dict[str, Any]) -> None:
        results["trials"][trial.name] = {"place": trial.place.name, **figures}
        out.write_text(json.dumps(_ordered(results, trials), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _tell(trial.name, figures)
        if not short:
            write(out, into)

    for place, group in groupby(wanted, key=lambda trial: trial.place):
        missing, here = place.missing(), list(group)
        for trial in here if missing else ():
            keep(trial, {"skipped": missing})
        if not missing:
            run(here, app, settings, keep)
    _judge(results["trials"], wanted)


def _earlier(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    return {"trials": found.get("trials", {})}


def _ordered(results: dict[str, Any], trials: Iterable["Trial"]) -> dict[str, Any]:
    """The results in the catalogue's order, whichever was repeated last; one that is no longer there is left out."""
    done = results["trials"]
    return results | {"trials": {trial.name: done[trial.name] for trial in trials if trial.name in done}}


def _judge(done: dict[str, Any], wanted: Sequence["Trial"]) -> None:
    failed = [trial.name for trial in wanted if not done[trial.name].get("held", "skipped" in done[trial.name])]
    if failed:
        console.print(f"[red]not held:[/red] {', '.join(failed)}")
        sys.exit(1)


def _tell(name: str, figures: dict[str, Any]) -> None:
    sign = "held" if figures.get("held") else "[red]NOT held[/red]"
    shown = {key: value for key, value in figures.items() if key not in ("held", "fault", "allowed") and value}
    console.print(f"{name}: {sign} {shown}", highlight=False, soft_wrap=True)


def _machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "processor": names[0] if names else platform.machine(),
        "load_before": os.getloadavg()[0],
    }


if __name__ == "__main__":
    typer.run(main)
