"""`python -m load_tests.burst`: a new question appears in the log; how long until the running service answers it?

`run`: a thousand variants of a question that nobody asked before are written into a log among ordinary lines. Mining,
review, approval and publishing are the commands an operator gives; the service runs all the while, and the clock stops
when it answers a variant that was never seen from the new entry. `swaps`: publishes and rollbacks in turn under load;
counted is every request that was not answered with 200 by every node. Both work on a copy of data and artifacts, and
write docs/performance/burst.json and the table of docs/performance.md.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import typer
import yaml
from rich.console import Console

from configs.schema import PROJECT_ROOT, AppConfig
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.publish import publish, rollback
from graph.serve_file import read_serve_file
from graph.transport import free_ports
from indexes.mining.drafts import Draft, DraftFolder
from load_tests.chaos.load import Load, percentile
from load_tests.document import FOLDER, described, fill, machine, table, write_json
from load_tests.new_matter import FIELDS, QUESTION, unseen, write_log
from load_tests.processes import LoadTestError, serving
from load_tests.traffic import read_voices, real

REPORT = FOLDER / "burst.json"
_EVERYDAY_LINES = 1000
_REVIEWED = ("topic", "emotions", "reply", "hard_negatives")
_OPTIONS = {"emotions": "emotion", "hard_negatives": "hard-negative"}
_LIVE_WITHIN_S = 60.0
_POLL_S = 0.2
console = Console(stderr=True)
app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def run(config: Config = DEFAULT_CONFIG, rate_per_s: float = typer.Option(5.0, help="Load while it happens.")) -> None:
    """From the log to the live answer."""
    with tempfile.TemporaryDirectory(prefix="anwei-burst-") as folder, service(config, Path(folder)) as running:
        with Load(running.url, rate_per_s=rate_per_s, texts=running.texts) as load:
            figures = burst(running)
        _keep("burst", figures | lost(load))


@app.command()
def swaps(
    config: Config = DEFAULT_CONFIG,
    n: int = typer.Option(20, help="Publishes and rollbacks together."),
    rate_per_s: float = typer.Option(20.0, help="Load while it happens."),
) -> None:
    """Publishes and rollbacks in turn under load."""
    with tempfile.TemporaryDirectory(prefix="anwei-burst-") as folder, service(config, Path(folder)) as running:
        with Load(running.url, rate_per_s=rate_per_s, texts=running.texts) as load:
            figures = swap(running, n)
        _keep("swaps", figures | lost(load))


@app.command()
def tables() -> None:
    """Write the table of docs/performance.md from the report."""
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    fill("burst", described(report["machine"]) + "\n\n" + as_table(report))


class Running:
    """A service on a copy of everything that publishing changes.

    Args:
        url: Of the service.
        file: Its Serve file.
        config: Its settings.
    """

    def __init__(self, url: str, file: Path, config: AppConfig) -> None:
        self.url = url
        self.file = file
        self.config = config
        self.texts = list(itertools.islice(real(read_voices(config.data), seed=3), 5000))

    def entry(self, text: str) -> str | None:
        """The entry that answers a sentence."""
        answer = httpx.post(f"{self.url}/v1/comfort", json={"text": text}, timeout=30).raise_for_status().json()
        found: str | None = (answer["knowledge"] or {}).get("id")
        return found

    def index(self) -> str:
        """The version of the knowledge that is served."""
        info = httpx.get(f"{self.url}/v1/info", timeout=30).raise_for_status().json()
        found: str = info["versions"]["index"]
        return found

    def command(self, *words: str) -> None:
        """A command of an operator.

        Raises:
            LoadTestError: it failed.
        """
        told = [] if words[:2] in (("drafts", "edit"), ("drafts", "list")) else ["--config", str(self.file)]
        line = [sys.executable, "-m", "graph", *words, *told]
        done = subprocess.run(line, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LoadTestError(f"{' '.join(words)}: {done.stderr.strip()}")


@contextmanager
def service(config: Path, folder: Path) -> Iterator[Running]:
    """The service of a Serve file on a copy of its data and artifacts."""
    settings = read_serve_file(config).app
    shutil.copytree(settings.data, folder / "data")
    shutil.copytree(settings.artifacts, folder / "artifacts", copy_function=os.link, symlinks=True)
    (port,) = free_ports(1)
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["http_options"]["port"] = port
    application = content["applications"][0]
    application["args"] |= {
        "data": str(folder / "data"),
        "artifacts": str(folder / "artifacts"),
        "drafts": str(folder / "mined" / "drafts"),
        "train": str(settings.train),
        "feedback": {"url": f"sqlite:///{folder / 'feedback.sqlite3'}"},
    }
    file = folder / "serve.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "graph", "serve", "--config", str(file)]
    with serving(command, port=port, log=folder / "serve.log") as server:
        yield Running(server.url, file, read_serve_file(file).app)


def burst(running: Running) -> dict[str, Any]:
    """The seconds of each step, from the log on disk to the live answer."""
    mined = running.file.parent / "mined"
    log = running.file.parent / "chats.jsonl"
    write_log(log, running.texts[:_EVERYDAY_LINES])
    before = running.index()
    started = time.monotonic()
    running.command("mine", str(log), "--out", str(mined))
    mined_s = time.monotonic() - started
    draft = DraftFolder(mined / "drafts").all()[0]
    running.command("drafts", "edit", str(mined / "drafts"), draft.id, *_review())
    running.command("drafts", "approve", str(mined / "drafts"), draft.id)
    reviewed_s = time.monotonic() - started
    running.command("drafts", "publish", str(mined / "drafts"))
    published_s = time.monotonic() - started
    entry = DraftFolder(mined / "drafts").get(draft.id).entry
    asked = unseen()
    wait(lambda: running.entry(asked[0]) == entry, "the new answer")
    return {
        "variants": 1000,
        "lines": 1000 + _EVERYDAY_LINES,
        "mined_s": mined_s,
        "reviewed_s": reviewed_s,
        "published_s": published_s,
        "live_s": time.monotonic() - started,
        "draft_frequency": draft.frequency,
        "unseen_answered": sum(running.entry(text) == entry for text in asked),
        "unseen": len(asked),
        "changed": running.index() != before,
    }


def _review() -> list[str]:
    """What a person adds to a draft, as options of `drafts edit`."""
    words = []
    for name in _REVIEWED:
        value = FIELDS[name]
        for text in [value] if isinstance(value, str) else value:
            words += [f"--{_OPTIONS.get(name, name)}", text]
    return words


def swap(running: Running, n: int) -> dict[str, Any]:
    """The seconds until each publish and rollback was served."""
    drafts = DraftFolder(running.config.drafts)
    drafts.add([Draft.model_validate({"id": "0a1b2c3d", "status": "approved", **FIELDS})])
    seen: dict[str, list[float]] = {"publish": [], "rollback": []}
    for number in range(n):
        action = ("publish", "rollback")[number % 2]
        version = (publish(running.config, drafts) if action == "publish" else rollback(running.config)).index_version
        started = time.monotonic()
        wait(lambda wanted=version: running.index() == wanted, "the other version")  # type: ignore[misc]
        wait(lambda here=action == "publish": (running.entry(QUESTION) is not None) == here, "the answer")  # type: ignore[misc]
        seen[action].append(time.monotonic() - started)
        console.print(f"{number + 1}/{n} {action}: served after {seen[action][-1]:.1f} s", highlight=False)
    return {"swaps": n, "seen_s": max(itertools.chain(*seen.values())), **{f"{k}_s": v for k, v in seen.items()}}


def lost(load: Load) -> dict[str, Any]:
    """What became of the requests that were sent meanwhile."""
    shots = load.shots
    return {
        "requests": len(shots),
        "lost": sum(shot.status != 200 for shot in shots),
        "degraded": sum(bool(shot.degraded) for shot in shots),
        "p50_ms": percentile([shot.latency_s for shot in shots], 0.5) * 1000,
        "p99_ms": percentile([shot.latency_s for shot in shots], 0.99) * 1000,
    }


def wait(condition: Callable[[], bool], what: str) -> None:
    """Until it holds.

    Raises:
        LoadTestError: not in time.
    """
    end = time.monotonic() + _LIVE_WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise LoadTestError(f"{what}: not within {_LIVE_WITHIN_S:.0f} s of the publish")
        time.sleep(_POLL_S)


def _keep(part: str, figures: dict[str, Any]) -> None:
    console.print_json(json.dumps(figures))
    report = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.exists() else {}
    write_json(REPORT, report | {"machine": machine(), part: figures})


def as_table(report: dict[str, Any]) -> str:
    """What must hold, and what was measured."""
    rows = []
    if one := report.get("burst"):
        steps = " + ".join(
            f"{seconds:.0f} s {name}"
            for name, seconds in (
                ("mining", one["mined_s"]),
                ("review by command", one["reviewed_s"] - one["mined_s"]),
                ("publishing", one["published_s"] - one["reviewed_s"]),
                ("until served", one["live_s"] - one["published_s"]),
            )
        )
        rows.append([f"1,000 variants in the log → answered live ({steps})", "120 s", f"{one['live_s']:.0f} s"])
        rows.append(["of them requests lost", "0", f"{one['lost']} of {one['requests']:,}"])
    if many := report.get("swaps"):
        about = f"{many['swaps']} publishes and rollbacks under load: requests lost"
        rows.append([about, "0", f"{many['lost']} of {many['requests']:,}"])
        rows.append(["of them degraded", "", str(many["degraded"])])
        rows.append(["latest a switch was served", "", f"{many['seen_s']:.1f} s"])
    return table(["", "must", "measured"], rows)


if __name__ == "__main__":
    app()
