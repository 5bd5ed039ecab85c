"""`drafts`: what mining proposed, reviewed by a person and put in use."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from graph.bars import progress_bars
from graph.commands.options import DEFAULT_CONFIG, Config

console = Console()
app = typer.Typer(help="Drafts of knowledge: list, approve, reject, publish, roll back.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder of drafts, e.g. mined/drafts.")]
Id = Annotated[str, typer.Argument(help="A draft's id; its first letters are enough.")]


@app.command("list")
def list_(
    folder: Folder,
    status: Annotated[str | None, typer.Option(help="Only draft, approved, rejected or published.")] = None,
) -> None:
    """Show the drafts, the most asked first."""
    from indexes.mining.drafts import DraftFolder

    table = Table("id", "status", "asked", "ways", "topic", "emotions", "nearest", "question")
    for draft in DraftFolder(folder).all():
        if status in (None, draft.status):
            known = (draft.topic or "?", " ".join(draft.emotions) or "?", draft.near)
            table.add_row(
                draft.id,
                draft.entry or draft.status,
                str(draft.frequency),
                str(draft.sentences),
                *known,
                draft.question,
            )
    console.print(table)


@app.command("edit")
def edit(
    folder: Folder,
    draft: Id,
    reply: Annotated[str | None, typer.Option(help="The comfort, written by you.")] = None,
    topic: Annotated[str | None, typer.Option(help="A topic id of the taxonomy.")] = None,
    emotion: Annotated[
        list[str] | None, typer.Option(help="An emotion id; repeat for several, the first leads.")
    ] = None,
    question: Annotated[str | None, typer.Option(help="A better title.")] = None,
    paraphrase: Annotated[list[str] | None, typer.Option(help="Replaces the paraphrases; repeat.")] = None,
    hard_negative: Annotated[list[str] | None, typer.Option(help="Replaces the hard negatives; repeat.")] = None,
) -> None:
    """Change fields of a draft; the file itself, <folder>/<id>.yaml, may as well be edited by hand."""
    from indexes.mining.drafts import DraftFolder

    given = {
        "reply": reply,
        "topic": topic,
        "emotions": emotion,
        "question": question,
        "paraphrases": paraphrase,
        "hard_negatives": hard_negative,
    }
    # A draft that is changed after it was approved has to be approved again.
    changed = DraftFolder(folder).change(draft, status="draft", **{k: v for k, v in given.items() if v})
    console.print(f"{changed.id}: {changed.question}", highlight=False, soft_wrap=True)


@app.command("approve")
def approve(folder: Folder, draft: Id, config: Config = DEFAULT_CONFIG) -> None:
    """Approve a draft that keeps the rules of the knowledge: topic, emotions, reply, paraphrases, hard negatives."""
    from graph.serve_file import read_serve_file
    from indexes.content.taxonomy import Taxonomy
    from indexes.mining.drafts import DraftFolder

    taxonomy = Taxonomy.read(read_serve_file(config).app.data / "taxonomy.yaml")
    approved = DraftFolder(folder).approve(draft, taxonomy)
    console.print(f"approved {approved.id}: {approved.question}", highlight=False, soft_wrap=True)


@app.command("reject")
def reject(folder: Folder, draft: Id) -> None:
    """Reject a draft: it stays, so that mining does not propose it again, and is never published."""
    from indexes.mining.drafts import DraftFolder

    rejected = DraftFolder(folder).change(draft, status="rejected")
    console.print(f"rejected {rejected.id}: {rejected.question}", highlight=False, soft_wrap=True)


@app.command("publish")
def publish(folder: Folder, config: Config = DEFAULT_CONFIG) -> None:
    """Put all approved drafts in use: check, build the index beside the old one, rehearse, switch.

    If anything is wrong, nothing changes. The previous release is kept for `rollback`.
    """
    from graph.publish import publish as publish_drafts
    from graph.serve_file import read_serve_file
    from indexes.mining.drafts import DraftFolder

    with progress_bars() as progress:
        done = publish_drafts(read_serve_file(config).app, DraftFolder(folder), progress=progress)
    for why in done.unanswered:
        console.print(f"[yellow]note:[/yellow] {why}", highlight=False, soft_wrap=True)
    console.print(f"published {', '.join(done.entries)}; index {done.index_version}", highlight=False, soft_wrap=True)


@app.command("rollback")
def rollback(config: Config = DEFAULT_CONFIG) -> None:
    """Take the last publish back: knowledge and index as before, its drafts approved again."""
    from graph.publish import rollback as roll_back
    from graph.serve_file import read_serve_file

    done = roll_back(read_serve_file(config).app)
    console.print(f"took back {', '.join(done.entries)}; index {done.index_version}", highlight=False, soft_wrap=True)
