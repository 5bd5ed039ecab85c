"""The HTTP interface with a real recorder, writer and store, over nodes that a test controls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from configs.schema import AppConfig
from graph.assemble import assemble_feedback
from graph.feedback import Feedback
from graph.gateway import make_app
from graph.nodes import writer_here
from tests.graph.scripted import Script, some_info

Opened = tuple[httpx.AsyncClient, Feedback]


@asynccontextmanager
async def service(script: Script, place: Path, *, max_text_chars: int = 500, **sections: Any) -> AsyncIterator[Opened]:
    """The HTTP interface with its lifespan, over a store at `place`."""
    feedback = {"url": f"sqlite:///{place / 'x.sqlite3'}", "flush_ms": 5} | sections.pop("feedback", {})
    config = AppConfig.model_validate({"feedback": feedback, **sections})
    made = assemble_feedback(config, writer_here(config))
    composer = script.composer()
    app = make_app(
        composer,
        info=some_info(composer),
        max_text_chars=max_text_chars,
        max_batch_items=300,
        max_body_bytes=2_000_000,
        feedback=made,
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        yield http, made


async def recorded(feedback: Feedback) -> None:
    """Wait until nothing is on its way to the store."""
    async with asyncio.timeout(20):
        while feedback.recorder.queue_length:
            await asyncio.sleep(0.002)
