"""A service as a user starts it, and how a test looks at its processes."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from configs.schema import PROJECT_ROOT, AppConfig

URGENT = "卖家一直不发货，我急死了，等着送人呢"
PLAIN = "这件有蓝色的吗"


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

    def processes(self) -> Iterator[psutil.Process]:
        """All that belong to it."""
        started = psutil.Process(self.process.pid)
        yield from (started, *started.children(recursive=True))

    def listening(self) -> Iterator[tuple[psutil.Process, str, int]]:
        """Processes with the addresses and ports they listen on."""
        for process in self.processes():
            for connection in process.net_connections(kind="inet"):
                if connection.status == psutil.CONN_LISTEN:
                    yield process, connection.laddr.ip, connection.laddr.port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_config(folder: Path, config: AppConfig) -> tuple[Path, int]:
    """configs/serve.yaml with the small artifacts and a free port."""
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    port = free_port()
    content["http_options"]["port"] = port
    content["applications"][0]["args"] |= config.model_dump(
        mode="json", include={"artifacts", "data", "train", "device", "feedback"}
    )
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path, port


def wait_for(what: str, condition: Callable[[], bool], *, timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {timeout_s} s")
        time.sleep(0.2)
