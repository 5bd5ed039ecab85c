"""Refuses over-long bodies before they are read into memory (plain ASGI, no base class)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.problems import RequestProblem


class BodyLimit:
    """Makes reading a body fail with 413 when it is, or turns out to be, longer than `max_bytes`.

    The route that reads it answers in its own form of error.

    Args:
        app: The application behind.
        max_bytes: Longest body.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced, read = self._announced(scope), 0

        async def counted() -> Message:
            nonlocal read
            message: Message = await receive() if announced <= self._max_bytes else {}
            read += len(message.get("body", b""))
            if max(announced, read) > self._max_bytes:
                raise RequestProblem(413, self._rule())
            return message

        await self._app(scope, counted, send)

    def _rule(self) -> str:
        return f"the body is longer than {self._max_bytes} bytes; split it into several requests"

    @staticmethod
    def _announced(scope: Scope) -> int:
        value = dict(scope["headers"]).get(b"content-length", b"0")
        return int(value) if value.isdigit() else 0
