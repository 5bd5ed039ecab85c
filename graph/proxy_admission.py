"""Refuses what Ray's Python proxy cannot carry (transport `plain`): the proxy queues without end otherwise.

The composers refuse what they cannot do, but past its own capacity the proxy's one event loop falls behind before it
has even read a request, and clients give up unanswered. Ray calls `middlewares` in the proxy's process when it starts,
by the name that `graph.transport` sets.
"""

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.admission import Admission
from graph.problems import RequestProblem, respond

_MOST = 128
_TARGET_S = 0.5


class ProxyAdmission:
    """A bound on the requests under way in a proxy, which falls when answers are late (plain ASGI)."""

    def __init__(self, app: ASGIApp, *, most: int, target_s: float) -> None:
        self._app = app
        self._admission = Admission(most=most, target_s=target_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503 at once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            with self._admission.entered():
                await self._app(scope, receive, send)
        except RequestProblem as error:
            await respond(error.problem, headers=dict(error.headers or {}))(scope, receive, send)


def middlewares() -> list[Middleware]:
    """What Ray puts around the proxy."""
    return [Middleware(ProxyAdmission, most=_MOST, target_s=_TARGET_S)]
