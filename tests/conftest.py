"""Fixtures that several test folders share."""

import pytest

from configs.schema import AppConfig
from tests.small import build_small


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, the loop of Serve."""
    return "asyncio"


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> AppConfig:
    """Settings of a small but real system: data sampled, everything trained."""
    return build_small(tmp_path_factory.mktemp("small"))
