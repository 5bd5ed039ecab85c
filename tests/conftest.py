"""Fixtures that several test folders share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, the loop of Serve."""
    return "asyncio"
