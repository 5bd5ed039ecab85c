"""`python -m load_tests.autoscale`: replicas under a step of load: up while it lasts, down afterwards, no error.

Starts the split graph with quick autoscaling settings (Serve's own take minutes), sends little, much and again
little hard traffic, and counts the replicas of every deployment all the while. Writes a report into docs/performance
with its plot and table; exits with 1 if no replica was added, none was taken away, or a request failed.
"""

import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import typer
import yaml
from matplotlib.figure import Figure

from configs.schema import PROJECT_ROOT
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.serve_file import DEPLOYMENTS, read_serve_file
from graph.transport import free_ports
from load_tests.bench.measure import ask
from load_tests.bench.servers.settings import PATIENT
from load_tests.document import FOLDER, described, fill, image, machine, save, table, write_json
from load_tests.processes import Server, serving, title
from load_tests.traffic import hard, read_voices

_QUICK = {"metrics_interval_s": 1, "look_back_period_s": 4, "upscale_delay_s": 2, "downscale_delay_s": 10}
_SLICE_S = 2.0


def run(
    config: Config = DEFAULT_CONFIG,
    step_s: float = typer.Option(60.0, min=10, max=600, help="Seconds of much load; half of it before, as much after."),
    clients: int = typer.Option(64, min=2, max=512, help="Clients during the step."),
    document: bool = typer.Option(True, help="Write the table of docs/performance.md."),
) -> None:
    """Measure, write the report, and judge it."""
    with tempfile.TemporaryDirectory(prefix="anwei-autoscale-") as name:
        report: dict[str, Any] = {
            "machine": machine(),
            "clients": clients,
            "slices": _measure(config, Path(name), step_s, clients),
        }
    write_json(FOLDER / "autoscaling.json", report)
    save(plot(report["slices"]), FOLDER / "autoscaling.png")
    text = described(report["machine"]) + "\n\n" + as_table(report["slices"])
    text += image("Replicas and requests per second over time", "autoscaling")
    typer.echo(text)
    if document:
        fill("autoscaling", text)
    raise typer.Exit(0 if scaled(report["slices"]) else 1)


def _measure(config: Path, folder: Path, step_s: float, clients: int) -> list[dict[str, Any]]:
    app = read_serve_file(config).app
    sentences = folder / "hard.txt"
    sentences.write_text("\n".join(hard(read_voices(app.data).emotional, seed=9)) + "\n", encoding="utf-8")
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "graph", "serve", "--config", str(_serve_yaml(folder, port, app.artifacts))]
    slices: list[dict[str, Any]] = []
    with serving(command, port=port, log=folder / "serve.log") as server:
        ask(server, path="/v1/comfort", sentences=sentences, skip=0, clients=2, seconds=_SLICE_S)
        start, skip = time.monotonic(), itertools.count(1000, 997)
        for phase, n, seconds in (("before", 1, step_s / 2), ("step", clients, step_s), ("after", 1, step_s)):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                seen = ask(
                    server, path="/v1/comfort", sentences=sentences, skip=next(skip), clients=n, seconds=_SLICE_S
                )
                slices.append({"phase": phase, "at_s": time.monotonic() - start, **_slice(seen, server)})
    return slices


def _slice(seen: Any, server: Server) -> dict[str, Any]:
    n = len(seen["latencies_ms"])
    return {
        "requests_per_s": n / seen["wall_s"],
        "p95_ms": float(np.percentile(seen["latencies_ms"], 95)) if n else None,
        "failed": seen["broken"] + sum(seen["statuses"].values()) - n,
        "replicas": replicas(server),
    }


def replicas(server: Server) -> dict[str, int]:
    """Running replicas by deployment, from the titles that Ray gives their processes."""
    titles = (name for process in server.processes() if (name := title(process)).startswith("ray::"))
    found = Counter(name for own in titles for name in DEPLOYMENTS["split"] if f"comfort:{name}" in own)
    return {name: found[name] for name in DEPLOYMENTS["split"]}


def _serve_yaml(folder: Path, port: int, artifacts: Path) -> Path:
    content: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    content["http_options"]["port"] = port
    (application,) = content["applications"]
    feedback = {"url": f"sqlite:///{folder}/feedback.sqlite3"}
    application["args"] |= {"artifacts": str(artifacts), "deadlines": PATIENT.model_dump(), "feedback": feedback}
    for deployment in application["deployments"]:
        if "autoscaling_config" in deployment:
            deployment["autoscaling_config"] |= _QUICK
    content["applications"][0]["deployments"][0]["autoscaling_config"]["target_ongoing_requests"] = 24
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def scaled(slices: list[dict[str, Any]]) -> bool:
    """Whether replicas were added in the step, taken away after it, and no request failed."""
    counts = {phase: [sum(s["replicas"].values()) for s in slices if s["phase"] == phase] for phase in _phases(slices)}
    added = max(counts["step"] + counts["after"]) > counts["before"][-1]
    return added and counts["after"][-1] < max(counts["step"] + counts["after"]) and not _failed(slices)


def as_table(slices: list[dict[str, Any]]) -> str:
    """Each phase: replicas at its end, load and latency over its second half."""
    rows = []
    for phase in _phases(slices):
        own = [s for s in slices if s["phase"] == phase]
        late = own[len(own) // 2 :]
        most = {name: max(s["replicas"][name] for s in own) for name in own[0]["replicas"]}
        rate = np.median([s["requests_per_s"] for s in late])
        p95 = np.median([s["p95_ms"] for s in late if s["p95_ms"] is not None])
        ends = ", ".join(f"{name} {own[-1]['replicas'][name]}" for name in most)
        rows.append([phase, f"{rate:.0f}", f"{p95:.0f}", str(sum(most.values())), ends, str(_failed(own))])
    return table(["phase", "requests/s", "p95 ms", "most replicas", "replicas at its end", "failed"], rows)


def plot(slices: list[dict[str, Any]]) -> Figure:
    """Replicas, requests per second and latency over time."""
    figure = Figure(figsize=(8, 6))
    replicas_, rate, latency = figure.subplots(3, 1, sharex=True)
    at_s = [s["at_s"] for s in slices]
    for number, name in enumerate(DEPLOYMENTS["split"]):  # a little apart, so that none hides another
        replicas_.step(at_s, [s["replicas"][name] + number * 0.04 for s in slices], where="post", label=name)
    replicas_.set_yticks(range(1 + max(max(s["replicas"].values()) for s in slices)))
    replicas_.legend(ncols=6, fontsize=7, loc="lower center")
    rate.plot(at_s, [s["requests_per_s"] for s in slices], color="tab:orange")
    latency.plot(at_s, [s["p95_ms"] for s in slices], color="tab:grey")
    latency.set_yscale("log")
    latency.set_xlabel("seconds")
    for axes, about in ((replicas_, "replicas"), (rate, "requests/s"), (latency, "p95, ms")):
        axes.set_ylabel(about)
        for s in (s for s, previous in zip(slices[1:], slices, strict=False) if s["phase"] != previous["phase"]):
            axes.axvline(s["at_s"] - _SLICE_S, color="black", linewidth=0.5, linestyle=":")
    return figure


def _phases(slices: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(s["phase"] for s in slices))


def _failed(slices: list[dict[str, Any]]) -> int:
    return sum(s["failed"] for s in slices)


if __name__ == "__main__":
    typer.run(run)
