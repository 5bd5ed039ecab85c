"""`ask`: one sentence through the whole graph in this process, without Ray."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from graph.commands.options import DEFAULT_CONFIG, Config
from graph.schema import ComfortAnswer, Explanation

console = Console()


def ask(
    text: Annotated[str, typer.Argument(help="The customer's sentence.")],
    explain: Annotated[bool, typer.Option("--explain", help="Show probabilities, candidates and timings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as the HTTP interface gives it.")] = False,
    session: Annotated[str | None, typer.Option(help="Session id: replies do not repeat inside one.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Answer one sentence with the same nodes, thresholds and replies as the service, without Ray.

    Example: python -m graph ask "拍了一周还不发货，急死了" --explain
    """
    from graph.commands.parse import parse_request
    from graph.local import answer_all, local_composer, patient
    from graph.pipeline import build_artifacts
    from graph.serve_file import read_serve_file

    settings = read_serve_file(config).app
    request = parse_request({"text": text, "explain": explain, "session_id": session}, settings, "TEXT")
    build_artifacts(settings)

    async def first() -> ComfortAnswer:
        return await anext(answer_all(local_composer(patient(settings)), [request]))

    answer = asyncio.run(first())
    if as_json:
        console.print_json(answer.model_dump_json())
        return
    _show(answer)
    if answer.explain is not None:
        _show_reasons(answer.explain)


def _show(answer: ComfortAnswer) -> None:
    console.print(f"[bold]{answer.reply or '(not emotional: the ordinary bot goes on)'}[/bold]")
    parts = [
        f"strategy {answer.strategy}",
        f"emotion {answer.emotion.label} {answer.emotion.probability:.3f}",
    ]
    if answer.topic:
        parts.append(f"topic {answer.topic.label} {answer.topic.probability:.3f}")
    if answer.knowledge:
        parts.append(f"knowledge {answer.knowledge.id} {answer.knowledge.similarity:.3f}")
    if answer.degraded:
        parts.append(f"degraded {', '.join(answer.degraded)}")
    console.print(" · ".join(parts), style="dim", highlight=False)


def _show_reasons(reasons: Explanation) -> None:
    console.print("words:", " ".join(reasons.words), highlight=False)
    console.print("thresholds:", reasons.thresholds)
    for name, probabilities in (("emotion", reasons.emotion), ("topic", reasons.topic or {})):
        top = sorted(probabilities.items(), key=lambda pair: -pair[1])[:5]
        console.print(f"{name}:", ", ".join(f"{label} {value:.3f}" for label, value in top), highlight=False)
    if reasons.candidates:
        table = Table("candidate", "question", "bm25", "dense", "fused", "similarity")
        for c in reasons.candidates:
            numbers = ("-" if n is None else f"{n:.3f}" for n in (c.bm25, c.dense, c.fused, c.similarity))
            table.add_row(c.id, c.question, *numbers)
        console.print(table)
    console.print("ms:", reasons.timings_ms)
