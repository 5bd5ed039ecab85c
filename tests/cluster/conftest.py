"""One service for all tests of the cluster; it starts with the first that asks for it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.schema import PROJECT_ROOT, AppConfig
from tests.cluster.running import (
    Service,
    wait_for,
    write_config,
)


@pytest.fixture(scope="session")
def service(small_config: AppConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    path, port = write_config(folder, small_config)
    log = (folder / "log.txt").open("w+", encoding="utf-8")
    command = [sys.executable, "-m", "graph", "serve", "--config", str(path)]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=log, stderr=subprocess.STDOUT, text=True)

    def ready() -> bool:
        if process.poll() is not None:
            pytest.fail(f"serve ended: {Path(log.name).read_text(encoding='utf-8')}")
        return "Ctrl-C stops it" in Path(log.name).read_text(encoding="utf-8")

    try:
        wait_for("the service", ready, timeout_s=240)
        yield Service(process, f"http://127.0.0.1:{port}", path)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        log.close()
