"""FastAPI under uvicorn around unbatched nodes, as one would write it first; one process a worker.

It has the composer's memory and records its answers, but none of the service's guards, which would only slow it down.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from graph.assemble import assemble_feedback
from graph.nodes import writer_here
from graph.schema import ComfortAnswer, ComfortRequest
from load_tests.bench.servers.plain import plain_composer
from load_tests.bench.servers.settings import shared_config


def make() -> FastAPI:
    """The application; uvicorn calls this once a worker (`--factory`)."""
    config = shared_config()
    composer, _ = plain_composer(config)
    feedback = assemble_feedback(config, writer_here(config))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await feedback.recorder.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/comfort")
    async def comfort(request: ComfortRequest) -> ComfortAnswer:
        return feedback.answered(request, await composer.comfort(request, request_id=uuid.uuid4().hex))

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app
