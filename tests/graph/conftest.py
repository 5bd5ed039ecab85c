"""Fixtures of the HTTP tests."""

from collections.abc import Iterator

import pytest

from tests.graph.scripted import Script
from tests.graph.served import app_of, serving


@pytest.fixture
def script() -> Script:
    """Nodes that the test controls."""
    return Script()


@pytest.fixture
def address(script: Script) -> Iterator[str]:
    """Where the application over `script` listens."""
    with serving(app_of(script)) as where:
        yield where
