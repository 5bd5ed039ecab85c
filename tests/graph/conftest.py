"""Fixtures of the HTTP tests."""

from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from tests.graph.scripted import Script
from tests.graph.served import app_of, serving


class Switch:
    """Passes requests on to the application of the running test, so that one server serves all tests."""

    def __init__(self) -> None:
        self.address = ""

    def turn_to(self, script: Script) -> None:
        """Serve the application over `script` from now on."""
        self._app = app_of(script)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._app(scope, receive, send)


@pytest.fixture(scope="session")
def switch() -> Iterator[Switch]:
    """A listening server."""
    switch = Switch()
    with serving(switch) as switch.address:
        yield switch


@pytest.fixture
def script() -> Script:
    """Nodes that the test controls."""
    return Script()


@pytest.fixture
def address(switch: Switch, script: Script) -> str:
    """Where the application over `script` listens."""
    switch.turn_to(script)
    return switch.address
