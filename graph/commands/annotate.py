"""`annotate`: from logs to labelled data, by way of people and their tools."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from graph.bars import progress_bars
from graph.commands.options import DEFAULT_CONFIG, Config

if TYPE_CHECKING:
    from indexes.annotation.merge import Agreement
    from indexes.annotation.tasks import Task
    from indexes.mining.questions import Question

console = Console(stderr=True)
app = typer.Typer(
    help="Labelled data from logs: select, export, import, merge; pairs for matching.", no_args_is_help=True
)

Logs = Annotated[list[Path], typer.Argument(help="Logs: a sentence a line, or .jsonl, .csv, .tsv with text.")]
TasksOut = Annotated[Path, typer.Option("--out", "-o", help="The tasks, a JSON object a line.")]
Tasks = Annotated[Path, typer.Option("--tasks", help="What `select` or `pairs` wrote.")]


@app.command("select")
def select(
    logs: Logs,
    out: TasksOut,
    kind: Annotated[Literal["emotion", "topic"], typer.Option(help="What shall be labelled.")] = "emotion",
    size: Annotated[int, typer.Option(min=1, help="How many sentences, at most.")] = 1000,
    plain_share: Annotated[float, typer.Option(min=0, max=1, help="Share of sentences the lexicon finds plain.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Another one draws other sentences.")] = 0,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Choose sentences to label: suspicious ones by the lexicon, and a share of plain ones; masked, each once."""
    from graph.serve_file import read_serve_file
    from indexes.annotation.tasks import select_tasks, write_tasks
    from indexes.content.lexicon import Lexicon
    from indexes.content.taxonomy import Taxonomy

    data = read_serve_file(config).app.data
    lexicon = Lexicon.read(data / "lexicons", Taxonomy.read(data / "taxonomy.yaml"))
    tasks = select_tasks(_questions(logs), lexicon, kind=kind, size=size, plain_share=plain_share, seed=seed)
    write_tasks(out, tasks)
    plain = sum(not task.suggestion for task in tasks)
    console.print(f"{len(tasks)} tasks, {plain} of them plain: {out}", highlight=False, soft_wrap=True)


@app.command("pairs")
def pairs(
    logs: Logs,
    out: TasksOut,
    questions: Annotated[int, typer.Option(min=1, help="How many questions, at most.")] = 200,
    candidates: Annotated[int, typer.Option(min=1, max=100, help="Candidates each (the paper: 15).")] = 15,
    seed: Annotated[int, typer.Option(help="Another one draws other questions.")] = 0,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Pair questions with their best Lucene candidates, for people to say which mean the same."""
    from graph.places import Places
    from graph.serve_file import read_serve_file
    from indexes.annotation.tasks import pair_tasks, write_tasks
    from indexes.recall import HybridRecall
    from models.text.segment import segmenter_version

    settings = read_serve_file(config).app
    found = _questions(logs)
    recall = HybridRecall.open(
        Places(settings.artifacts).index,
        encoder=None,
        segmenter=segmenter_version(),
        top_k=candidates,
        depth=max(settings.recall.depth, candidates),
    )
    tasks = pair_tasks(found, recall, n_questions=questions, seed=seed)
    write_tasks(out, tasks)
    console.print(f"{len(tasks)} pairs: {out}", highlight=False, soft_wrap=True)


@app.command("export")
def export(
    tasks: Annotated[Path, typer.Argument(help="What `select` or `pairs` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to import into the tool.")],
    form: Annotated[Literal["labelstudio", "doccano", "csv"], typer.Option("--format", help="Of which tool.")] = "csv",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write tasks in the format of an annotation tool; for Label Studio also its labelling interface, beside OUT."""
    from indexes.annotation.formats import export_tasks, labelstudio_config
    from indexes.annotation.tasks import read_tasks
    from indexes.mining.drafts import write_whole

    read = read_tasks(tasks)
    write_whole(out, export_tasks(read, form))
    if form == "labelstudio":
        write_whole(out.with_suffix(".xml"), labelstudio_config(read, _choices(read, config)))
    console.print(f"{len(read)} tasks: {out}", highlight=False, soft_wrap=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The tool's export: .json, .jsonl or .csv.")],
    tasks: Tasks,
    out: Annotated[Path, typer.Option("--out", "-o", help="One annotator's labels.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Read one annotator's labels; every task must have exactly one that is known."""
    from indexes.annotation.formats import import_labels, write_labels
    from indexes.annotation.tasks import read_tasks

    read = read_tasks(tasks)
    labels = import_labels(file, read, _choices(read, config))
    write_labels(out, labels)
    console.print(f"{len(labels)} labels: {out}", highlight=False, soft_wrap=True)


@app.command("merge")
def merge(
    labels: Annotated[list[Path], typer.Argument(help="Three annotators' labels, as `import` wrote them.")],
    tasks: Tasks,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the training files and report.json.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Keep what two of three agree on; report Fleiss' kappa, what was dropped, and what is confused with what.

    Writes training.tsv (`label text`), or for pairs train.tsv, dev.tsv and test.tsv (`text_a text_b label`).
    """
    from indexes.annotation.formats import read_labels
    from indexes.annotation.merge import merge_labels
    from indexes.annotation.tasks import read_tasks

    read = read_tasks(tasks)
    choices = _choices(read, config)
    agreement = merge_labels([read_labels(path, read, choices) for path in labels], choices)
    _write_merged(out, read, agreement)
    console.print(
        f"kappa {agreement.kappa:.3f}, kept {len(agreement.majority)}, dropped {len(agreement.dropped)}: {out}",
        highlight=False,
        soft_wrap=True,
    )


def _questions(logs: list[Path]) -> "list[Question]":
    from indexes.mining.logs import read_logs
    from indexes.mining.questions import collect_questions
    from models.text.segment import TextProcessor

    lines = read_logs(logs)
    with progress_bars() as progress:
        return collect_questions(lines, TextProcessor(), progress=progress)


def _choices(tasks: "list[Task]", config: Path) -> tuple[str, ...]:
    from graph.serve_file import read_serve_file
    from indexes.annotation.tasks import choices
    from indexes.content.taxonomy import Taxonomy

    return choices(tasks[0].kind, Taxonomy.read(read_serve_file(config).app.data / "taxonomy.yaml"))


def _write_merged(out: Path, tasks: "list[Task]", agreement: "Agreement") -> None:
    from indexes.annotation.merge import training_pairs_of
    from indexes.mining.drafts import write_whole

    kept = agreement.majority
    if tasks[0].kind == "match":
        parts = training_pairs_of(tasks, kept)
        files = {
            f"{split}.tsv": ["text_a\ttext_b\tlabel", *(f"{t.text}\t{t.other}\t{kept[t.id]}" for t in part)]
            for split, part in parts.items()
        }
    else:
        rows = [f"{kept[task.id]}\t{task.text}" for task in tasks if task.id in kept]
        files = {"training.tsv": ["label\ttext", *rows]}
    report = {
        "tasks": len(tasks),
        "kept": len(kept),
        "dropped": len(agreement.dropped),
        "drop_rate": len(agreement.dropped) / len(tasks),
        "fleiss_kappa": agreement.kappa,
        "agrees_with_majority": agreement.agrees,
        "labels": {label: list(kept.values()).count(label) for label in sorted(set(kept.values()))},
        "confusions": agreement.confusions,
        "files": {name: len(lines) - 1 for name, lines in files.items()},
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        write_whole(out / name, "\n".join(lines) + "\n")
    write_whole(out / "report.json", json.dumps(report, ensure_ascii=False, indent=1) + "\n")
