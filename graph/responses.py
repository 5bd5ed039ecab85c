"""Counts every HTTP response by route and status, those of the guards included (plain ASGI, outermost)."""

import asyncio
import time

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.telemetry import Telemetry

UNROUTED = "none"
"""The route of a request that met none, or was answered before one was looked up (401, 429)."""
_CLIENT_LEFT = 499


class Responses:
    """Notes the response that passes through.

    Args:
        app: The application behind.
        telemetry: Counts.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended: 499 if it was cancelled, 500 if nothing was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            status = status or _CLIENT_LEFT
            raise
        finally:
            # The pattern, never the path, which a client could choose at will.
            route = getattr(scope.get("route"), "path", UNROUTED)
            self._telemetry.responded(route, status or 500, time.perf_counter() - started)


def count_responses(app: FastAPI, telemetry: Telemetry) -> None:
    """Count around everything that `app` has so far."""
    app.add_middleware(Responses, telemetry=telemetry)
