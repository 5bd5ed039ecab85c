"""Refuses over-long bodies before they are read into memory, and over-slow ones (plain ASGI, no base class)."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.problems import RequestProblem


class BodyLimit:
    """Makes reading a body fail: with 413 when it is, or turns out to be, too long, with 408 when it takes too long.

    The route that reads it answers in its own form of error.

    Args:
        app: The application behind.
        max_bytes: Longest body.
        timeout_s: Longest wait for its end.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced, read, complete = self._announced(scope), 0, False
        end = time.monotonic() + self._timeout_s

        async def counted() -> Message:
            nonlocal read, complete
            if complete:  # what follows a body is the client's leaving, which may take its time
                return await receive()
            message: Message = await self._next(receive, end) if announced <= self._max_bytes else {}
            read += len(message.get("body", b""))
            if max(announced, read) > self._max_bytes:
                raise RequestProblem(413, self._rule())
            complete = not message.get("more_body", False)
            return message

        await self._app(scope, counted, send)

    async def _next(self, receive: Receive, end: float) -> Message:
        try:
            # Not `wait_for`, which makes a task of every message.
            async with asyncio.timeout(max(end - time.monotonic(), 0.0)):
                return await receive()
        except TimeoutError:
            rule = f"the body was not complete after {self._timeout_s:g} s; send it at once"
            raise RequestProblem(408, rule, headers={"connection": "close"}) from None

    def _rule(self) -> str:
        return f"the body is longer than {self._max_bytes} bytes; split it into several requests"

    @staticmethod
    def _announced(scope: Scope) -> int:
        value = dict(scope["headers"]).get(b"content-length", b"0")
        return int(value) if value.isdigit() else 0
