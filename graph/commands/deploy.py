"""`deploy`: update a running service in place."""

import typer
from rich.console import Console

from graph.commands.options import DEFAULT_CONFIG, Config

console = Console()


def deploy(
    config: Config = DEFAULT_CONFIG,
    dashboard: str | None = typer.Option(
        None, envvar="RAY_DASHBOARD_ADDRESS", help="Of a cluster elsewhere; the service started here is found."
    ),
) -> None:
    """Check a Serve file and the written replies, deploy them to a running service, and wait until all replicas follow.

    Thresholds and replies change in the running replicas; any other change replaces replicas one after another.

    Example: python -m graph deploy --config configs/serve.yaml
    """
    from graph.launch import dashboard_here
    from graph.serve_file import read_serve_file
    from graph.update import update

    file = read_serve_file(config)
    with console.status("deploying …"):
        kept, started = update(file, dashboard or dashboard_here())
    console.print(f"deployed: {kept} replicas went on, {started} are new")
