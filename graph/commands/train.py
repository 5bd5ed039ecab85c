"""`train`: one part of the models, or all of them, from the texts in data/."""

from typing import Annotated, Literal

import typer

from graph.commands.options import DEFAULT_CONFIG, Config

Part = Literal["embeddings", "emotion", "topic", "matcher", "thresholds", "compiled", "all"]


def train(
    part: Annotated[Part, typer.Argument(help="What to train; what it builds on is built first if missing.")],
    config: Config = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Train again even if nothing changed.")] = False,
) -> None:
    """Train from data/ into artifacts/, with progress bars; unchanged inputs are not trained again.

    Sizes and regularisation are in configs/train.yaml; `compiled` prepares the trained networks for the processor of
    this machine. Example: python -m graph train emotion --force
    """
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file

    build_artifacts(read_serve_file(config).app, until=part, force=force)
