"""Fixtures that several test folders share."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is loaded: two threads wait for each other as soon as anything else runs on the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from configs.schema import AppConfig
from tests.small import build_small, copy_small


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, the loop of Serve."""
    return "asyncio"


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> AppConfig:
    """Settings of a small but real system: data sampled, everything trained.

    `SMALL_SYSTEM` names a folder in which runs beside each other train it once; each works on a copy.
    """
    folder, shared = tmp_path_factory.mktemp("small"), os.environ.get("SMALL_SYSTEM")
    return copy_small(Path(shared), folder) if shared else build_small(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
