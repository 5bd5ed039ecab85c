"""The ingress alone, on the same Serve with the same transport: what HTTP and a handle hop cost before any work.

`/noop` answers a constant; `/typed` reads and writes as the graph's own route with a constant answer; `/hop` makes one
handle call to a deployment that does nothing.
"""

from typing import Any, cast

from fastapi import FastAPI, Header
from ray import serve
from ray.serve.handle import DeploymentHandle

from graph.body_limit import BodyLimit
from graph.gateway import TRACES_ONLY
from graph.json_route import JsonRoute
from graph.problems import install
from graph.schema import ComfortAnswer, ComfortRequest, Scored, Versions

_ANSWER = {"request_id": "0" * 32, "handled": False, "strategy": "none", "reply": None}
_VERSIONS = Versions(emotion="0" * 12, topic=None, reranker=None, index="0" * 12, replies="0" * 12)


class Nothing:
    """A deployment whose call costs only the hop."""

    async def many(self, works: list[str]) -> list[str]:
        """The works themselves."""
        return works


class Ingress:
    """The three routes.

    Args:
        nothing: The deployment behind `/hop`.
    """

    def __init__(self, nothing: DeploymentHandle[Any]) -> None:
        self._nothing = nothing

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Called by Serve after the constructor."""
        app = FastAPI(telemetry=TRACES_ONLY)
        app.add_middleware(BodyLimit, max_bytes=2_000_000, timeout_s=10.0)
        install(app)
        answer = ComfortAnswer(
            **_ANSWER,  # type: ignore[arg-type]
            emotion=Scored(label="other", probability=0.99),
            topic=None,
            knowledge=None,
            degraded=[],
            versions=_VERSIONS,
        )

        @app.get("/readyz")
        async def ready() -> dict[str, str]:
            await self._nothing.many.remote(["warm"])
            return {"status": "ready"}

        @app.post("/noop")
        async def noop() -> dict[str, object]:
            return _ANSWER

        async def typed(request: ComfortRequest, x_request_id: str | None = Header(default=None)) -> ComfortAnswer:
            return answer

        app.router.add_api_route("/typed", typed, methods=["POST"], route_class_override=JsonRoute)

        @app.post("/hop")
        async def hop() -> dict[str, object]:
            await self._nothing.many.remote(["nothing"])
            return _ANSWER

        return app


def build(args: dict[str, Any]) -> serve.Application:
    """The bound application."""
    nothing = cast(Any, serve.deployment(Nothing)).options(name="Nothing").bind()
    ingress = cast(Any, serve.deployment(serve.ingress()(Ingress))).options(name="Composer")
    return cast(serve.Application, ingress.bind(nothing))
