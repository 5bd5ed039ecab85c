"""Who is compared, and how each is started; all hold the same artifacts and get one thread a process for models."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from configs.schema import PROJECT_ROOT, AppConfig, Feedback
from graph.transport import free_ports
from load_tests.bench.servers.settings import CONFIG
from load_tests.environments import python_of
from load_tests.processes import Server, serving

_HERE = "load_tests.bench.servers"
Placement = Literal["split", "fused"]


@dataclass(frozen=True, slots=True)
class Contender:
    """One server.

    Attributes:
        name: As in the tables.
        about: One line of explanation.
        path: What to POST to.
        home: What it runs in: this project on Serve, the ingress alone, or another server.
    """

    name: str
    about: str
    home: Literal[
        "noop", "split", "fused", "fused_2", "default",
        "fastapi_1", "fastapi_2", "fastapi_2_trained", "litserve", "bentoml",
    ]  # fmt: skip
    path: str = "/v1/comfort"

    @property
    def answers(self) -> bool:
        """Whether it answers sentences; the ingress alone does not."""
        return self.home != "noop"


CONTENDERS = (
    Contender("noop", "a route that returns a constant, behind HAProxy", "noop", "/noop"),
    Contender("typed", "the same with this interface's validation and a constant answer", "noop", "/typed"),
    Contender("hop", "the no-op route with one handle call", "noop", "/hop"),
    Contender("split", "this graph, a deployment each", "split"),
    Contender("fused", "this graph, all nodes in the composer's replica", "fused"),
    Contender("fused_2", "the same with 2 replicas", "fused_2"),
    Contender("default", "split with Ray's default switches and one call per request", "default"),
    Contender("fastapi_1", "FastAPI and uvicorn, 1 worker, unbatched", "fastapi_1"),
    Contender("fastapi_2", "FastAPI and uvicorn, 2 workers, unbatched", "fastapi_2"),
    Contender("fastapi_2_trained", "the same, networks as trained, not compiled", "fastapi_2_trained"),
    Contender("litserve", "LitServe with its batching, 1 worker", "litserve"),
    Contender("bentoml", "BentoML with its adaptive batching, 2 services", "bentoml"),
)


@contextmanager
def started(home: str, config: AppConfig, folder: Path) -> Iterator[Server]:
    """The server `home`, ready.

    Args:
        home: See `Contender.home`.
        config: Settings that all share; the placement is set here.
        folder: For its files and its log.
    """
    (port,) = free_ports(1)
    settings = folder / f"{home}.json"
    own = {"feedback": Feedback(url=f"sqlite:///{folder / home}.sqlite3"), "compiled": not home.endswith("_trained")}
    config = config.model_copy(update=own)
    settings.write_text(config.model_dump_json(), encoding="utf-8")
    command = _command(home, config, folder, port)
    environment = {CONFIG: str(settings), "BENTOML_DO_NOT_TRACK": "True"}
    with serving(command, port=port, log=folder / f"{home}.log", environment=environment) as server:
        yield server


def _command(home: str, config: AppConfig, folder: Path, port: int) -> list[str]:
    if home in ("split", "fused", "fused_2", "default"):
        return [sys.executable, "-m", "graph", "serve", "--config", str(_serve_yaml(home, config, folder, port))]
    if home == "noop":
        return [sys.executable, "-m", f"{_HERE}.noop", str(port)]
    if home.startswith("fastapi"):
        workers = home.split("_")[1]
        options = ["--factory", "--host", "127.0.0.1", "--port", str(port), "--workers", workers]
        return [sys.executable, "-m", "uvicorn", f"{_HERE}.fastapi_app:make", *options, "--log-level", "warning"]
    python = python_of(home)
    if home == "litserve":
        return [str(python), "-m", f"{_HERE}.litserve_app", str(port)]
    bentoml = [str(python), "-m", "bentoml", "serve", f"{_HERE}.bentoml_app:Comfort"]
    return [*bentoml, "--host", "127.0.0.1", "--port", str(port)]


def _serve_yaml(home: str, config: AppConfig, folder: Path, port: int) -> Path:
    """The project's own Serve file for this placement, with the shared settings and a fixed number of replicas."""
    placement: Placement = "fused" if home.startswith("fused") else "split"
    source = "fused.yaml" if placement == "fused" else "serve.yaml"
    content: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "configs" / source).read_text(encoding="utf-8"))
    content["http_options"] |= {"port": port, "request_timeout_s": 60}
    (application,) = content["applications"]
    own: dict[str, Any] = {"placement": placement}
    if home == "default":
        # One remote call per request and stage; a replica takes as many as may be under way.
        own |= {"transport": "plain", "batching": {"max_batch_size": 1, "slots": 16}}
    application["args"] |= config.model_dump(mode="json", exclude={"thresholds", "batching"}) | own
    for deployment in application["deployments"]:
        deployment.pop("autoscaling_config", None)
        deployment["num_replicas"] = 2 if home == "fused_2" else 1
    path = folder / f"{home}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def new_folder() -> Path:
    """A fresh folder for the files of one comparison."""
    return Path(tempfile.mkdtemp(prefix="anwei-bench-"))
