"""FastAPI under uvicorn: the graph's own HTTP interface around unbatched nodes, one process a worker."""

from fastapi import FastAPI

from graph.assemble import assemble_feedback, make_http
from graph.nodes import writer_here
from load_tests.bench.servers.plain import plain_composer
from load_tests.bench.servers.settings import shared_config


def make() -> FastAPI:
    """The application; uvicorn calls this once a worker (`--factory`)."""
    config = shared_config()
    composer, info = plain_composer(config)
    return make_http(composer, info, config, assemble_feedback(config, writer_here(config)))
