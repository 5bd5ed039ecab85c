"""`index build`: Lucene, FAISS and the knowledge surfaces."""

from typing import Annotated

import typer

from graph.commands.options import DEFAULT_CONFIG, Config

app = typer.Typer(help="Lucene and FAISS over the knowledge base.", no_args_is_help=True)


@app.callback()
def index() -> None:
    """Lucene and FAISS over the knowledge base."""


@app.command("build")
def build(
    config: Config = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Build again even if nothing changed.")] = False,
) -> None:
    """Build the index from data/knowledge; unchanged knowledge is not indexed again."""
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file

    build_artifacts(read_serve_file(config).app, until="index", force=force)
