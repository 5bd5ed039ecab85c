"""`serve` and `stop`: the service in the foreground, and the end of one left behind."""

from contextlib import ExitStack

import typer
from rich.console import Console

from graph.commands.options import DEFAULT_CONFIG, Config

console = Console()


def serve(
    config: Config = DEFAULT_CONFIG,
    address: str | None = typer.Option(None, envvar="RAY_ADDRESS", help="A running Ray cluster to deploy to."),
) -> None:
    """Build what is missing, start the graph, wait until every node is ready, and stay until Ctrl-C.

    Starts Ray on this machine unless --address (or RAY_ADDRESS) names a cluster.
    """
    from graph.loopback import keep_ray_on_loopback

    if address is None:
        keep_ray_on_loopback()
    import torch

    from graph.gpus import check_gpus
    from graph.launch import check_port, pid_file, running, wait_for_signal
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file

    file = read_serve_file(config)
    check_port(file)
    if address is None:
        check_gpus(file, available=torch.cuda.device_count())
    build_artifacts(file.app)
    with ExitStack() as service:
        service.enter_context(pid_file())
        with console.status("starting Ray and the nodes …"):
            url = service.enter_context(running(file, address=address))
        _announce(url)
        wait_for_signal()
        console.print("stopping …")
    console.print("stopped")


def stop() -> None:
    """Stop a service that `serve` started and that was left behind."""
    from graph.launch import stop as stop_service

    console.print("stopped" if stop_service() else "no service is running")


def _announce(url: str) -> None:
    from graph.launch import dashboard_here

    console.print(f"\n[bold green]ready[/bold green]  {url}   (API: {url}/docs, state: {url}/readyz)\n", soft_wrap=True)
    console.print("Try it from another terminal:\n")
    command = (
        f"curl -s {url}/v1/comfort -H 'content-type: application/json' -d '{{\"text\": \"卖家一直不发货，我急死了\"}}'"
    )
    console.print(f"  {command}\n", soft_wrap=True, highlight=False, markup=False)
    console.print(f"Ray's dashboard: {dashboard_here()}", highlight=False)
    console.print("Ctrl-C stops it.")
