"""`python -m load_tests.chaos`: all faults on real Serve, one at a time, and the tables of docs/reliability.md.

Takes about 20 minutes on two quiet cores. Exit code 0: every promise held; 1: one did not, or a run broke off.
"""

# ruff: noqa: PLC0415 - Ray's switch for loopback must be set before anything imports Ray

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from graph.loopback import keep_ray_on_loopback

if TYPE_CHECKING:
    from configs.schema import AppConfig
    from load_tests.chaos.trial import Row

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
    only: Annotated[str, typer.Option(help="Only faults whose name contains this, and no profiles.")] = "",
    rate: Annotated[float, typer.Option(help="Requests a second; 0 measures the capacity and takes half of it.")] = 0.0,
    soak_minutes: Annotated[float, typer.Option(help="Minutes of steady load.")] = 5.0,
    overload_s: Annotated[float, typer.Option(help="Seconds of overload.")] = 60.0,
    short: Annotated[bool, typer.Option("--short", help="A few faults, no profiles, no tables.")] = False,
    n_cases: Annotated[int, typer.Option(help="Generated bad inputs.")] = 2000,
) -> None:
    """Run the faults and profiles and write the tables."""
    keep_ray_on_loopback()
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file
    from load_tests.chaos.report import write

    settings = read_serve_file(config).app
    build_artifacts(settings)
    results: dict[str, Any] = {"machine": _machine(), "faults": [], "skipped": {}}
    if short:
        _few(settings, results, rate=rate)
    else:
        profiles = None if only else (overload_s, n_cases, soak_minutes)
        _one_node(settings, results, only=only, rate=rate, profiles=profiles)
        _two_nodes(settings, results, only=only)
        _redis(settings, results, only=only)
    out.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if not short and not only:
        write(out, into)
    broken = [row["fault"] for row in results["faults"] if not row["held"]]
    if broken:
        console.print(f"[red]not held:[/red] {', '.join(broken)}")
        sys.exit(1)


def _few(settings: "AppConfig", results: dict[str, Any], *, rate: float) -> None:
    from load_tests.chaos.faults import short
    from load_tests.chaos.service import service
    from load_tests.chaos.trial import trials

    with tempfile.TemporaryDirectory() as folder, service(settings, Path(folder)) as tested:
        rows = trials(tested, short(), rate_per_s=rate or 10.0, texts=SAD, tell=_tell)
        results["faults"] = [row.plain() for row in rows]


def _one_node(
    settings: "AppConfig",
    results: dict[str, Any],
    *,
    only: str,
    rate: float,
    profiles: tuple[float, int, float] | None,
) -> None:
    from load_tests.chaos.faults import standard
    from load_tests.chaos.load import capacity
    from load_tests.chaos.profiles import bad_input, overload, soak
    from load_tests.chaos.service import service
    from load_tests.chaos.trial import trials

    faults = [fault for fault in standard() if only in fault.name]
    if not faults and profiles is None:
        return
    with tempfile.TemporaryDirectory() as folder, service(settings, Path(folder)) as tested:
        most = capacity(tested.url, texts=SAD, seconds=10)
        steady = results["machine"]["rate_per_s"] = round(rate or most / 2, 1)
        console.print(f"capacity {most:.0f}/s; load {steady:.0f}/s")
        rows = trials(tested, faults, rate_per_s=steady, texts=SAD, tell=_tell)
        results["faults"] += [row.plain() for row in rows]
        if profiles is not None:
            overload_s, n_cases, minutes = profiles
            figures = overload(tested, capacity_per_s=most, times=3, seconds=overload_s, texts=SAD)
            results["overload"] = figures.plain()
            results["bad_input"] = bad_input(tested, n_generated=n_cases).plain()
            results["soak"] = soak(tested, minutes=minutes, rate_per_s=steady, texts=SAD).plain()
            console.print(results["overload"], results["bad_input"], results["soak"])


def _two_nodes(settings: "AppConfig", results: dict[str, Any], *, only: str) -> None:
    from load_tests.chaos.faults import node_lost
    from load_tests.chaos.service import service
    from load_tests.chaos.trial import trials

    fault = node_lost()
    if only not in fault.name:
        return
    rate = results["machine"].setdefault("rate_per_s", 10.0)
    with tempfile.TemporaryDirectory() as folder, service(settings, Path(folder), n_nodes=2) as tested:
        results["faults"] += [row.plain() for row in trials(tested, [fault], rate_per_s=rate, texts=SAD, tell=_tell)]


def _redis(settings: "AppConfig", results: dict[str, Any], *, only: str) -> None:
    from load_tests.chaos.faults import control_store_lost
    from load_tests.chaos.service import service
    from load_tests.chaos.trial import trials

    fault = control_store_lost()
    if only not in fault.name:
        return
    if which("redis-server") is None:
        results["skipped"][fault.name] = "no redis-server here; Debian's package redis-server has it"
        return
    rate = results["machine"].setdefault("rate_per_s", 10.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        _redis_server(Path(folder)) as address,
        service(settings, Path(folder), redis=address) as tested,
    ):
        results["faults"] += [row.plain() for row in trials(tested, [fault], rate_per_s=rate, texts=SAD, tell=_tell)]


@contextmanager
def _redis_server(folder: Path) -> Iterator[str]:
    from load_tests.chaos.service import free_port

    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _tell(row: "Row") -> "Row":
    sign = "[green]held[/green]" if row.held else "[red]NOT held[/red]"
    console.print(
        f"{row.fault:50} {row.requests:5} asked {row.errors:4} errors {row.statuses or ''} {row.degraded:5} degraded "
        f"{row.recovered_s:6} s  {sign}",
        highlight=False,
        soft_wrap=True,
    )
    return row


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
