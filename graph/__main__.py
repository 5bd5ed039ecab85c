"""The command line: `python -m graph COMMAND`. Errors are one line; exit codes: 0 done, 1 failed, 2 wrong usage."""

import sys

import typer
from rich.console import Console

from graph.commands import (
    annotate,
    ask,
    check,
    clustering,
    deploy,
    drafts,
    evaluate,
    index,
    mine,
    replay,
    satisfaction,
    serve,
    train,
)
from graph.errors import EXPECTED

console = Console(stderr=True)

app = typer.Typer(
    help="Comfort for upset customers: recognise a sentence's emotion, answer with the most specific written reply.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("stop")(serve.stop)
app.command("deploy")(deploy.deploy)
app.command("ask")(ask.ask)
app.command("replay")(replay.replay)
app.command("train")(train.train)
app.command("satisfaction")(satisfaction.satisfaction)
app.command("check-data")(check.check_data)
app.add_typer(index.app, name="index")
evaluate.app.command("clustering")(clustering.evaluate_clustering)
app.add_typer(evaluate.app, name="evaluate")
app.command("mine")(mine.mine)
app.add_typer(annotate.app, name="annotate")
app.add_typer(drafts.app, name="drafts")


def main() -> None:
    """Run a command; whatever is wrong with the input or the machine is said in one line."""
    try:
        app()
    except EXPECTED as error:
        console.print(f"[red]anwei:[/red] {' '.join(str(error).split())}", highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
