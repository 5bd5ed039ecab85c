"""`evaluate clustering`: the clustering of `mine` beside others, on texts whose groups are known."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()


def evaluate_clustering(
    groups: Annotated[
        Path, typer.Option("--groups", help="TSV with header `label text`, or `text_a text_b label` of duplicates.")
    ],
    texts: Annotated[
        list[Path] | None, typer.Option("--texts", help="More texts to train word vectors on, a sentence a line.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The report as JSON.")] = None,
) -> None:
    """Compare the self-adapting clustering with HDBSCAN and average linkage: ARI, NMI, seconds.

    All get the same sentence vectors, from word vectors trained on the texts at hand. Single texts (groups of one)
    of a `text_a text_b label` file are left out.

    Example: python -m graph evaluate clustering --groups intents.tsv --texts chats.txt --out report.json
    """
    from graph.clusterings import compare, read_groups
    from graph.mining import train_log_embeddings
    from indexes.mining.logs import read_logs
    from indexes.mining.vectors import sentence_vectors
    from models.text.segment import TextProcessor

    sentences, labels = read_groups(groups)
    lines = read_logs(texts) if texts else []
    processor = TextProcessor()
    processed = [processor.process(text) for text in sentences]
    with console.status("training word vectors …"):
        background = [processor.process(line.text) for line in lines]
        embeddings = train_log_embeddings([*background, *processed], processor.version)
    with console.status("clustering …"):
        scores = compare(sentence_vectors(embeddings, processed), labels)
    table = Table(
        "method", "clusters", "ARI", "NMI", "seconds", title=f"{len(labels)} texts, {len(set(labels))} groups"
    )
    for name, score in scores.items():
        table.add_row(name, str(score.clusters), f"{score.ari:.3f}", f"{score.nmi:.3f}", f"{score.seconds:.2f}")
    console.print(table)
    if out is not None:
        report = {"task": "clustering", "of": groups.name, "texts": len(labels), "groups": len(set(labels))}
        report |= {"models": {name: asdict(score) for name, score in scores.items()}}
        out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
