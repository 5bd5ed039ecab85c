"""`evaluate`: models on labelled files, as a table, a JSON report and plots."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

app = typer.Typer(
    help="Measure models on labelled files; finished runs are kept and not run again.", no_args_is_help=True
)
console = Console(stderr=True)
_WIDTH_OF_FILES = 140
"""Columns of the table where standard output is no terminal."""

Train = Annotated[Path, typer.Option(help="Rows to learn from.")]
Dev = Annotated[Path | None, typer.Option(help="Rows to tune on; without, a stable tenth of train.")]
Test = Annotated[Path | None, typer.Option(help="Rows to report; without, dev is reported, and the report says so.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The report (JSON); plots go beside it.")]
Models = Annotated[str, typer.Option(help="Names, separated by commas.")]
Seeds = Annotated[int, typer.Option(min=1, help="Runs of each trained model.")]
Vectors = Annotated[
    Literal["none", "synonyms"], typer.Option(help="What word vectors start from: chance, or published Chinese ones.")
]
Text = Annotated[list[Path], typer.Option(help="A file of further texts, one a line, for the vectors; repeatable.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="At most so many passes over train.")]
Set = Annotated[
    list[str],
    typer.Option("--set", help="A hyperparameter: dropout=0.3, mlc.dropout=0.3, embeddings.width=128; repeatable."),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Use so many rows of train, drawn once.")]
WithoutDuplicates = Annotated[
    bool, typer.Option("--without-duplicates", help="Report the test rows that do not stand in train, too.")
]
Again = Annotated[bool, typer.Option("--again", help="Run again what is kept.")]
Work = Annotated[Path | None, typer.Option(help="Folder of finished runs; without, OUT's name with .work.")]


@app.callback()
def evaluate() -> None:
    """Measure models on labelled files; finished runs are kept and not run again."""


@app.command("classification")
def classification(
    train: Train,
    out: Out,
    dev: Dev = None,
    test: Test = None,
    models: Models = "cnn,swem,leam,mlc",
    seeds: Seeds = 3,
    vectors: Vectors = "none",
    text: Text = [],  # noqa: B006
    epochs: Epochs = None,
    assignments: Set = [],  # noqa: B006
    precision: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Macro precision wanted of confident answers; tuned on dev.")
    ] = 0.9,
    device: Device = "auto",
    threads: Threads = 2,
    limit: Limit = None,
    without_duplicates: WithoutDuplicates = False,
    again: Again = False,
    work: Work = None,
) -> None:
    """Train and measure classifiers; files are TSV with the header `label text`.

    Example: python -m graph evaluate classification --train train.tsv --dev dev.tsv --test test.tsv --out report.json
    """
    from graph.evaluation.classifiers import CLASSIFIERS
    from graph.evaluation.data import Files
    from graph.evaluation.evaluate import Request, evaluate_classification

    request = Request(
        files=Files(train, dev, test, tuple(text), limit),
        models=_names(models, CLASSIFIERS),
        n_seeds=seeds,
        vectors=vectors,
        n_epochs=epochs,
        assignments=tuple(assignments),
        device=device,
        n_threads=threads,
        without_duplicates=without_duplicates,
        again=again,
        work=work or out.with_suffix(".work"),
        words=tuple(sys.argv[1:]),
    )
    with _usage(), _bars() as progress:
        evaluation = evaluate_classification(request, precision=precision, progress=progress)
    _finish(evaluation, out)


@app.command("matching")
def matching(
    train: Train,
    out: Out,
    dev: Dev = None,
    test: Test = None,
    models: Models = "wmd,wsm,bcnn,matchpyramid,pbmatch",
    seeds: Seeds = 1,
    vectors: Vectors = "none",
    text: Text = [],  # noqa: B006
    epochs: Epochs = None,
    assignments: Set = [],  # noqa: B006
    tune: Annotated[
        Literal["auto", "accuracy", "f1"],
        typer.Option(help="What the threshold is tuned for on dev; auto: accuracy if dev is about balanced, else F1."),
    ] = "auto",
    device: Device = "auto",
    threads: Threads = 2,
    limit: Limit = None,
    without_duplicates: WithoutDuplicates = False,
    again: Again = False,
    work: Work = None,
) -> None:
    """Train and measure matchers; files are TSV with the header `text_a text_b label`, the label 0 or 1.

    Example: python -m graph evaluate matching --train train.tsv --dev dev.tsv --test test.tsv --out report.json
    """
    from graph.evaluation.data import Files
    from graph.evaluation.evaluate import Request, evaluate_matching
    from graph.evaluation.matchers import MATCHERS

    request = Request(
        files=Files(train, dev, test, tuple(text), limit),
        models=_names(models, MATCHERS),
        n_seeds=seeds,
        vectors=vectors,
        n_epochs=epochs,
        assignments=tuple(assignments),
        device=device,
        n_threads=threads,
        without_duplicates=without_duplicates,
        again=again,
        work=work or out.with_suffix(".work"),
        words=tuple(sys.argv[1:]),
    )
    with _usage(), _bars() as progress:
        evaluation = evaluate_matching(request, tune=None if tune == "auto" else tune, progress=progress)
    _finish(evaluation, out)


@app.command("recall")
def recall(
    knowledge: Annotated[Path, typer.Option(help="TSV with the header `id question`; an id may have several rows.")],
    queries: Annotated[Path, typer.Option(help="TSV with the header `query id`; a query may have several rows.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The report (JSON).")],
    text: Text = [],  # noqa: B006
    encoder: Annotated[
        Path | None, typer.Option(help="Folder of a trained sentence encoder; without, means of word vectors.")
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the dense score in the convex combination.")
    ] = 0.5,
) -> None:
    """Measure how often BM25, dense vectors and their fusions bring the right entry of a knowledge.

    Example: python -m graph evaluate recall --knowledge knowledge.tsv --queries queries.tsv --out recall.json
    """
    from graph.evaluation.recall import evaluate_recall
    from graph.evaluation.report import write_report

    with _bars() as progress:
        report = evaluate_recall(
            knowledge=knowledge,
            queries=queries,
            text=text,
            encoder=encoder,
            alpha=alpha,
            words=tuple(sys.argv[1:]),
            progress=progress,
        )
    write_report(report, out)
    _show(report, [out])


@app.command("table")
def table(
    reports: Annotated[Path, typer.Argument(help="Folder of reports and of published.yaml.")],
    into: Annotated[Path, typer.Option(help="The document whose tables are written anew.")],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the tables are not up to date.")
    ] = False,
) -> None:
    """Write the tables of a document from reports, so that no figure is typed by hand.

    A table stands between the lines `<!-- table NAME -->` and `<!-- end NAME -->`, NAME.json being the report. What
    others published, and what is wanted, is read from published.yaml. Example: python -m graph evaluate table
    docs/results --into docs/results.md
    """
    from graph.errors import InputError
    from graph.evaluation.tables import with_tables

    text = into.read_text(encoding="utf-8")
    written = with_tables(text, reports, name=str(into))
    if check and written != text:
        raise InputError(f"{into}: its tables are not those of {reports}: write them with `evaluate table`")
    if not check:
        into.write_text(written, encoding="utf-8", newline="\n")


def _names(models: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise typer.BadParameter(f"{models!r}: must be some of {', '.join(known)}", param_hint="--models")
    return names


@contextmanager
def _usage() -> Iterator[None]:
    """A wrong value of an option is wrong usage, found when the models are made."""
    from graph.errors import UsageError

    try:
        yield
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


@contextmanager
def _bars() -> Iterator[Any]:
    from graph.bars import progress_bars

    with progress_bars() as progress:
        yield progress


def _finish(evaluation: Any, out: Path) -> None:
    from graph.evaluation.draw import draw_plots
    from graph.evaluation.report import write_report

    write_report(evaluation.report, out)
    _show(evaluation.report, [out, *draw_plots(evaluation, out)])


def _show(report: dict[str, Any], files: list[Path]) -> None:
    from graph.evaluation.show import report_table

    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES).print(report_table(report))
    for path in files:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
