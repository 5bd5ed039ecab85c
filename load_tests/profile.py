"""`python -m load_tests.profile`: where the time goes: CPU by process, and inside each replica by package.

Runs a placement under load and samples its Python processes with py-spy (needs the right to trace processes: root, or
kernel.yama.ptrace_scope=0). A sample counts for the package of its innermost frame that belongs to one of `_PACKAGES`;
waiting threads are left out, which py-spy itself does not always notice. Writes docs/performance/profile.json and its
tables.
"""

import itertools
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import typer

from graph.commands.options import DEFAULT_CONFIG, Config
from graph.serve_file import read_serve_file
from load_tests.bench.contenders import new_folder, started
from load_tests.bench.measure import ask
from load_tests.bench.servers.settings import PATIENT
from load_tests.document import FOLDER, described, fill, machine, table, write_json
from load_tests.processes import LoadTestError, Server, cpu_s, title
from load_tests.traffic import hard, read_voices, real

_PACKAGES = (
    *("uvicorn", "starlette", "fastapi", "pydantic", "grpc", "ray", "torch", "faiss", "jnius", "jieba"),
    *("graph", "deployments", "indexes", "models"),
)
_FILE = re.compile(r"\(([^()]+?)(?::\d+)?\)$")
_REPLICA = re.compile(r"comfort[:#](\w+)")
_WAITING = re.compile(
    r"^(Condition\.wait|wait|Thread\.run|run|_worker|Exporter\.run|Worker\.main_loop|main_loop|select|poll) \("
)
_SHOWN = 8
_FUNCTIONS = 3


def run(
    config: Config = DEFAULT_CONFIG,
    placement: str = typer.Option("split,fused", help="Placements, with commas."),
    seconds: float = typer.Option(10.0, min=2, max=120),
    document: bool = typer.Option(True, help="Write the tables of docs/performance.md."),
) -> None:
    """Profile and write the report."""
    report: dict[str, Any] = {"machine": machine(), "seconds": seconds, "profiles": []}
    for name, traffic in itertools.product(placement.split(","), ("hard", "real")):
        report["profiles"].append(_profile(config, name, traffic, seconds))
    write_json(FOLDER / "profile.json", report)
    text = described(report["machine"]) + "\n\n" + "\n".join(as_table(profile) for profile in report["profiles"])
    typer.echo(text)
    if document:
        fill("profile", text)


def _profile(config: Path, placement: str, traffic: str, seconds: float) -> dict[str, Any]:
    settings = read_serve_file(config).app.model_copy(update={"deadlines": PATIENT})
    folder = new_folder()
    voices = read_voices(settings.data)
    drawn = hard(voices.emotional, seed=31) if traffic == "hard" else itertools.islice(real(voices, seed=31), 50_000)
    sentences = folder / "sentences.txt"
    sentences.write_text("\n".join(drawn) + "\n", encoding="utf-8")
    with started(placement, settings, folder) as server:
        ask(server, path="/v1/comfort", sentences=sentences, skip=0, clients=64, seconds=seconds / 2)
        return {"placement": placement, "traffic": traffic, **_under_load(server, sentences, folder, seconds)}


def _under_load(server: Server, sentences: Path, folder: Path, seconds: float) -> dict[str, Any]:
    names = {process: _name(title(process)) for process in server.processes()}
    seen: dict[str, Any] = {}

    def load() -> None:
        seen.update(ask(server, path="/v1/comfort", sentences=sentences, skip=9000, clients=64, seconds=seconds + 4))

    loader = threading.Thread(target=load)
    loader.start()
    time.sleep(2)
    before, start = _cpu(names), time.monotonic()
    time.sleep(seconds / 2)  # the CPU shares are taken before py-spy slows the processes down
    wall_s = time.monotonic() - start
    used = {process: (cpu - before[process]) / wall_s for process, cpu in _cpu(before).items()}
    samples = _sampled([process for process in used if used[process] > 0.02], folder, seconds / 2)
    loader.join()
    processes = [
        {"name": names[process], "cores": cores, **samples.get(process, {"packages": {}, "functions": {}})}
        for process, cores in sorted(used.items(), key=lambda item: -item[1])
    ]
    return {"requests_per_s": len(seen["latencies_ms"]) / seen["wall_s"], "processes": processes[:_SHOWN]}


def _cpu(processes: Iterable[int]) -> dict[int, float]:
    """CPU seconds of those that are still there."""
    found = {}
    for process in processes:
        with suppress(OSError):
            found[process] = cpu_s(process)
    return found


def _sampled(processes: Sequence[int], folder: Path, seconds: float) -> dict[int, dict[str, dict[str, float]]]:
    """Shares of packages and functions by process; none for a process that runs no Python."""
    with ExitStack() as recorders:
        for process in processes:
            where = ["-p", str(process), "-o", str(folder / f"{process}.txt")]
            how = ["-d", str(max(1, round(seconds))), "-f", "raw"]
            command = [str(Path(sys.executable).with_name("py-spy")), "record", *where, *how]
            recorders.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    found = {process: folder / f"{process}.txt" for process in processes if (folder / f"{process}.txt").exists()}
    if not found:
        raise LoadTestError("py-spy could sample no process; it needs root or kernel.yama.ptrace_scope=0")
    return {process: shares(path.read_text(encoding="utf-8").splitlines()) for process, path in found.items()}


def shares(stacks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Shares of packages and of innermost functions, from py-spy's raw lines.

    Args:
        stacks: Frames from outermost to innermost, then a count.
    """
    packages, functions = Counter[str](), Counter[str]()
    for stack in stacks:
        line, _, count = stack.rpartition(" ")
        frames = line.split(";")
        if frames[-1] and not _WAITING.match(frames[-1]):
            packages[_package(frames)] += int(count)
            functions[frames[-1].partition(" (")[0]] += int(count)
    total = packages.total() or 1
    return {
        "packages": {name: count / total for name, count in packages.most_common()},
        "functions": {name: count / total for name, count in functions.most_common(_FUNCTIONS)},
    }


def _package(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        found = _FILE.search(frame)
        parts = Path(found[1]).parts if found else ()
        own = next((name for name in _PACKAGES if name in parts), None)
        if own:
            return own
    return "other"


def _name(title_: str) -> str:
    replica = _REPLICA.search(title_)
    if replica:
        return replica[1]
    words = title_.split()
    if not words:
        return "?"
    return words[0].removeprefix("ray::") if words[0].startswith("ray::") else Path(words[0]).name


def as_table(profile: Mapping[str, Any]) -> str:
    """One load: a line a process."""
    rows = []
    for process in profile["processes"]:
        cells = [_listed(process[kind]) for kind in ("packages", "functions")]
        rows.append([process["name"], f"{process['cores']:.2f}", *cells])
    head = f"`{profile['placement']}`, {profile['traffic']} traffic, 64 clients"
    rate = f"{profile['requests_per_s']:.0f} requests/s while sampled"
    return table([f"{head}, {rate}", "cores", "by package", "by function"], rows)


def _listed(own: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in own.items() if share >= 0.05) or "–"


if __name__ == "__main__":
    typer.run(run)
