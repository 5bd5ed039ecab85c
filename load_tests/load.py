"""`python -m load_tests.load PROFILE`: a load profile against the service, with limits that decide pass or fail.

Starts the service unless --url names a running one, which must be on this machine. Locust sends the traffic from an
environment of its own; its HTML report and the figures lie in results/load.
"""

import ipaddress
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console

from configs.schema import PROJECT_ROOT, explain, read_yaml
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.errors import EXPECTED
from graph.serve_file import read_serve_file
from graph.transport import free_ports
from load_tests.environments import python_of
from load_tests.processes import LoadTestError, Server, serving
from load_tests.traffic import read_voices, real

PROFILES = Path(__file__).parent / "profiles.yaml"
OUT = PROJECT_ROOT / "results" / "load"
_SENTENCES = 50_000
console = Console(stderr=True)


class Strict(BaseModel):
    """A frozen part of a profile that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(Strict):
    """So many users for so long."""

    seconds: int = Field(ge=1, le=3600)
    users: int = Field(ge=1, le=2000)


class Limits(Strict):
    """What a run must keep; see profiles.yaml."""

    requests: int
    failed: float
    degraded: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    memory_growth: float | None = None


class Profile(Strict):
    """A load profile."""

    stages: list[Stage] = Field(min_length=1)
    think_s: tuple[float, float]
    limits: Limits

    @property
    def seconds(self) -> int:
        """How long it takes."""
        return sum(stage.seconds for stage in self.stages)


def run(
    profile: str = typer.Argument(help="A name in load_tests/profiles.yaml."),
    config: Config = DEFAULT_CONFIG,
    url: str | None = typer.Option(None, help="A service that runs already, on this machine."),
) -> None:
    """Run a profile; exits with 1 if a limit is broken."""
    try:
        passed = run_profile(profile, read_profile(profile), config=config, url=url)
    except (*EXPECTED, LoadTestError) as error:
        console.print(f"[red]load:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if passed else 1)


def read_profile(name: str, path: Path = PROFILES) -> Profile:
    """The profile `name`.

    Raises:
        ConfigError: its settings are wrong.
        LoadTestError: there is none of this name.
    """
    profiles: dict[str, Any] = read_yaml(path)
    if name not in profiles:
        raise LoadTestError(f"no profile {name!r}; {path.name} has {', '.join(profiles)}")
    try:
        return Profile.model_validate(profiles[name])
    except ValidationError as error:
        raise explain(error, path=path, prefix=f"{name}.") from None


def run_profile(name: str, profile: Profile, *, config: Path, url: str | None) -> bool:
    """Whether every limit held; the figures and the HTML report go to results/load."""
    OUT.mkdir(parents=True, exist_ok=True)
    voices = read_voices(read_serve_file(config).app.data)
    sentences = OUT / "sentences.txt"
    sentences.write_text("\n".join(itertools.islice(real(voices, seed=5), _SENTENCES)) + "\n", encoding="utf-8")
    settings = OUT / f"{name}.profile.json"
    settings.write_text(profile.model_dump_json(), encoding="utf-8")
    report = OUT / f"{name}.json"
    variables = {
        "ANWEI_LOAD_PROFILE": str(settings),
        "ANWEI_LOAD_SENTENCES": str(sentences),
        "ANWEI_LOAD_REPORT": str(report),
    }
    html = OUT / f"{name}.html"
    with _service(config, url) as (target, server), _memory(server, profile.seconds) as samples_mb:
        console.print(f"{name}: {profile.seconds} s against {target} …", highlight=False)
        _locust(target, html, variables, limit_s=profile.seconds + 120)
    figures = json.loads(report.read_text(encoding="utf-8"))
    _judge_memory(figures, samples_mb, profile.limits.memory_growth)
    report.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for line in figures["broken"] or ["every limit held"]:
        console.print(f"{name}: {line}", highlight=False)
    console.print(f"{figures['requests']} requests, {figures['requests_per_s']:.1f}/s; reports: {html}, {report}")
    return not figures["broken"]


def check_url(url: str) -> None:
    """Refuse an address beyond this machine.

    Raises:
        LoadTestError: it is not a loopback address.
    """
    host = urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise LoadTestError(f"{url}: not a loopback address; load tests are for a service on this machine")


@contextmanager
def _service(config: Path, url: str | None) -> Iterator[tuple[str, Server | None]]:
    if url is not None:
        check_url(url)
        yield url, None
        return
    (port,) = free_ports(1)
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["http_options"]["port"] = port
    own = OUT / "serve.yaml"
    own.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "graph", "serve", "--config", str(own)]
    with serving(command, port=port, log=OUT / "serve.log") as server:
        yield server.url, server


@contextmanager
def _memory(server: Server | None, seconds: int) -> Iterator[list[float]]:
    """The service's memory in MB, some hundred times over the run."""
    samples, done = list[float](), threading.Event()

    def watch() -> None:
        while server is not None and not done.wait(max(seconds / 100, 1.0)):
            samples.append(server.usage().memory_mb)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield samples
    finally:
        done.set()
        watcher.join()


def _locust(target: str, html: Path, variables: dict[str, str], *, limit_s: int) -> None:
    options = ["--headless", "--host", target, "--html", str(html), "--only-summary", "--loglevel", "WARNING"]
    command = [str(python_of("locust")), "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py")), *options]
    Path(variables["ANWEI_LOAD_REPORT"]).unlink(missing_ok=True)
    done = subprocess.run(command, cwd=PROJECT_ROOT, env={**os.environ, **variables}, timeout=limit_s, check=False)
    if not Path(variables["ANWEI_LOAD_REPORT"]).exists():
        raise LoadTestError(f"Locust ended with code {done.returncode} and without figures")


def _judge_memory(figures: dict[str, Any], samples_mb: list[float], limit: float | None) -> None:
    if len(samples_mb) < 5:
        return
    early, late = samples_mb[len(samples_mb) // 5], samples_mb[-1]
    figures |= {"memory_mb": late, "memory_growth": late / early}
    if limit is not None and late > limit * early:
        figures["broken"].append(f"memory_growth {late / early:.3g} is over {limit:.3g}")


if __name__ == "__main__":
    typer.run(run)
