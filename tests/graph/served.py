"""The application over scripted nodes, in process and really listening."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from graph.gateway import make_app
from graph.schema import Info
from tests.graph.scripted import Script

ORDINARY = "您好，请讲。"


def app_of(script: Script, *, max_in_flight: int = 256, max_batches: int = 4, body_timeout_s: float = 10.0) -> FastAPI:
    """The HTTP interface around the script's composer."""
    composer = script.composer()
    info = Info(
        emotions={"anxious": "着急", "anger": "生气", "other": "其他"},
        topics={"no_shipment": "迟迟不发货"},
        thresholds={"wsm": 0.6, "lexicon": 0.6},
        versions=composer.versions(),
        counts={"replies": 4, "knowledge": 1, "surfaces": 1},
        execution=script.execution,
        placement="split",
    )
    return make_app(
        composer,
        info=info,
        max_text_chars=500,
        max_batch_items=4,
        max_body_bytes=20_000,
        ordinary_reply=ORDINARY,
        max_in_flight=max_in_flight,
        max_batches=max_batches,
        body_timeout_s=body_timeout_s,
    )


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve `app` on a free port of this machine and give its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
