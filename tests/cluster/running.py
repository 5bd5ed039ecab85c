"""A running service, as the tests of the cluster start and look at it."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from configs.schema import PROJECT_ROOT, AppConfig
from graph.serve_file import DEPLOYMENTS

URGENT = "卖家一直不发货，我急死了，等着送人呢"
PLAIN = "这件有蓝色的吗"
DEADLINE_S = 8
"""Less than any client of these tests waits."""
PATIENT = {"default_ms": DEADLINE_S * 1000, "max_ms": DEADLINE_S * 1000} | {
    f"{node}_ms": 2_000 for node in ("emotion", "topic", "recall", "rerank")
}
"""No node of a slow machine is late, and none that was killed is back in time."""


class Service:
    """A started service."""

    def __init__(self, process: subprocess.Popen[str], url: str, config: Path) -> None:
        self.process = process
        self.url = url
        self.config = config

    def comfort(self, text: str, **fields: object) -> dict[str, Any]:
        """A 200 answer."""
        response = httpx.post(f"{self.url}/v1/comfort", json={"text": text, **fields}, timeout=30)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_config(folder: Path, config: AppConfig) -> tuple[Path, int]:
    """configs/serve.yaml with the small artifacts, a free port, and patience: a slow machine degrades no answer."""
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    port = free_port()
    content["http_options"]["port"] = port
    content["applications"][0]["args"] |= config.model_dump(
        mode="json", include={"artifacts", "data", "train", "device", "compiled", "feedback"}
    )
    content["applications"][0]["args"]["deadlines"] = PATIENT
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path, port


def wait_for(what: str, condition: Callable[[], bool], *, timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {timeout_s} s")
        time.sleep(0.2)


@contextmanager
def asking(service: Service) -> Iterator[list[int]]:
    """Requests one after another while the block runs; their statuses."""
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            for number in count():
                if done.is_set():
                    return
                statuses.append(http.post("/v1/comfort", json={"text": f"{URGENT}{number}"}).status_code)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield statuses
        finally:
            done.set()
            asked.result()


def information(service: Service) -> dict[str, Any]:
    info: dict[str, Any] = httpx.get(f"{service.url}/v1/info", timeout=10).json()
    return info


def replica_pids(service: Service) -> dict[str, int]:
    return {name: replica_pid(service, name) for name in DEPLOYMENTS["split"]}


def replica_pid(service: Service, deployment: str) -> int:
    """The process of a deployment's replica in this service, by the title Ray gives it."""
    title = f"ServeReplica:comfort:{deployment}"
    started = psutil.Process(service.process.pid).children(recursive=True)
    found = [process.pid for process in started if title in command_line(Path(f"/proc/{process.pid}"))]
    assert len(found) == 1, f"{deployment}: {found}"
    return int(found[0])


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def node_state(service: Service, node: str) -> str:
    state: str = httpx.get(f"{service.url}/readyz", timeout=10).json()["nodes"][node]["state"]
    return state
