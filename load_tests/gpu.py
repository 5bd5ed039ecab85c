"""`python -m load_tests.gpu`: the deployed matcher on a GPU: pairs a second, what the device allows, what BERT does.

Needs torch, numpy, safetensors and two artifacts (`models/matcher` and `index/surfaces.jsonl`), nothing else of this
project's libraries, so that it runs on a bare machine with a GPU. Questions of the knowledge are compared with their
nearest other surfaces. Peaks, matcher and cross-encoder (of BERT-base's size, random weights) are measured in the same
run; scores are compared with the processor's. Writes docs/performance/gpu.json; `load_tests.gpu_table` puts it into
the document. On a processor (`--device cpu`) the same code runs with small sizes and without graphs.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from load_tests.roofline import Cost, Peaks, cost, peaks, rate
from models.acceleration import Precision, Shapes
from models.layers.device import resolve_device
from models.matcher import Matcher, Prepared
from models.text.sentence import Sentence

ROOT = Path(__file__).parents[1]
_CANDIDATES = 20
_BERT_TOKENS = 2 * 32 + 3
"""Two sentences of 32 characters and three marks."""
HEADS = ("what", "precision", "queries", "pairs/s", "ms", "of limit", "of fused limit", "max error", "order kept")


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement.

    Attributes:
        what: "forward" reads both sentences of every pair, "plain" has the candidates read and pads to what comes,
            "shapes" pads to fixed shapes, "graphs" are those recorded, "cross-encoder".
        precision: of matrix products and convolutions.
        queries: at once.
        pairs: of them and their candidates, at most 20 each.
        pairs_per_s: the whole call, from sentences to probabilities.
        limit_pairs_per_s: what peaks allow operation by operation.
        fused_limit_pairs_per_s: what they allow in one fused kernel.
        error: largest difference from the processor's probabilities in float32; None for the cross-encoder.
        order_kept: share of neighbouring candidates, told apart by more than 0.02, in the processor's order.
    """

    what: str
    precision: str
    queries: int
    pairs: int
    pairs_per_s: float
    limit_pairs_per_s: float
    fused_limit_pairs_per_s: float
    error: float | None = None
    order_kept: float | None = None


class CrossEncoder(nn.Module):
    """BERT-base's size: 12 layers, width 768, 12 heads, 21,128 tokens (Devlin et al., NAACL 2019)."""

    def __init__(self) -> None:
        """Make it with random weights."""
        super().__init__()
        self.tokens = nn.Embedding(21_128, 768)
        self.places = nn.Parameter(torch.zeros(_BERT_TOKENS, 768))
        layer = nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 12, enable_nested_tensor=False)
        self.head = nn.Linear(768, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits of pairs; rows: int64 (n, length) -> float (n,)."""
        logits: Tensor = self.head(self.layers(self.tokens(rows) + self.places)[:, 0]).squeeze(1)
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is scored: every query with its candidates, and what the processor says of them."""

    queries: list[Sentence]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    def first(self, n: int) -> "Task":
        """The first n queries."""
        return Task(self.queries[:n], self.rows[:n], self.scores[:n])


def make_task(matcher: Matcher, sentences: Sequence[Sentence], n_queries: int, *, seed: int = 5) -> Task:
    """Questions of the knowledge with the nearest other sentences, scored in float32 where `matcher` is.

    Args:
        matcher: on the processor.
        sentences: the knowledge's.
        n_queries: how many; sentences are asked again if there are fewer.
        seed: of the choice.
    """
    chosen = np.random.default_rng(seed).permutation(len(sentences))
    chosen = np.resize(chosen, n_queries)
    prepared = matcher.prepare(sentences)
    rows = _nearest(prepared, chosen)
    queries = [sentences[row] for row in chosen.tolist()]
    return Task(queries, rows, matcher.score(queries, prepared, rows))


def _nearest(prepared: Prepared, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    vectors = prepared.side.vectors
    if vectors is None:
        generator = np.random.default_rng(0)
        return generator.integers(len(prepared), size=(len(chosen), _CANDIDATES))
    near = (vectors[chosen] @ vectors.T).topk(min(_CANDIDATES + 1, len(prepared)), dim=1).indices.numpy()
    others = [[row for row in line if row != own][:_CANDIDATES] for line, own in zip(near, chosen, strict=True)]
    return np.array(others, dtype=np.int64)


def matcher_cells(
    matcher: Matcher, sentences: Sequence[Sentence], task: Task, sizes: Sequence[int], limits: Peaks, seconds: float
) -> Iterator[Cell]:
    """The matcher: forward, plain, at fixed shapes, recorded; in every precision and size."""
    device = matcher.device
    counted: dict[tuple[str, int], tuple[float, float]] = {}
    for what, precision, knowledge in _variants(matcher, sentences, sizes):
        for n in sizes:
            part = task.first(n)

            def call(part: Task = part, knowledge: Prepared | None = knowledge) -> NDArray[np.float32]:
                if knowledge is not None:
                    return matcher.score(part.queries, knowledge, part.rows)
                left = [query for query in part.queries for _ in range(part.rows.shape[1])]
                right = [sentences[row] for row in part.rows.ravel().tolist()]
                return matcher.score_pairs(left, right).reshape(part.rows.shape)

            if what != "graphs":  # whose operations cannot be seen; they are those of the same shapes
                least = limits.least_s(cost(call, matcher.model), precision)
                counted[precision, n] = (part.rows.size / least[0], part.rows.size / least[1])
            found = call()
            pairs_per_s = part.rows.size * rate(call, device, seconds)
            error = float(np.abs(found - part.scores).max())
            yield Cell(
                what,
                precision,
                n,
                part.rows.size,
                pairs_per_s,
                *counted[precision, n],
                error,
                order_kept(part.scores, found),
            )


def _variants(
    matcher: Matcher, sentences: Sequence[Sentence], sizes: Sequence[int]
) -> list[tuple[str, Precision, Prepared | None]]:
    prepared = matcher.prepare(sentences)
    variants: list[tuple[str, Precision, Prepared | None]] = [
        ("forward", "float32", None),
        ("plain", "float32", prepared),
    ]
    # Only the sizes asked for, so that each is measured at its own shape.
    shapes = replace(Shapes(), batches=tuple(sorted(sizes)))
    for precision in get_args(Precision):
        for what in ("shapes", "graphs") if matcher.device.type == "cuda" else ("shapes",):
            made = matcher.recorded(prepared, precision=precision, shapes=shapes, record=what == "graphs")
            variants.append((what, precision, made))
    return variants


def bert_cells(device: torch.device, sizes: Sequence[int], limits: Peaks, seconds: float) -> Iterator[Cell]:
    """The cross-encoder, its weights cast to each precision; on a processor a few pairs in float32."""
    on_gpu = device.type == "cuda"
    for precision in get_args(Precision) if on_gpu else ("float32",):
        model = CrossEncoder().to(device, getattr(torch, precision)).eval()
        for n in sizes if on_gpu else (1,):
            rows = torch.randint(21_128, (n * _CANDIDATES if on_gpu else 2, _BERT_TOKENS))

            def call(model: nn.Module = model, rows: Tensor = rows) -> Tensor:
                with torch.no_grad():
                    logits: Tensor = model(rows.to(device)).float().cpu()
                    return logits

            least = limits.least_s(_in_full(call, model), precision)
            pairs_per_s = len(rows) * rate(call, device, seconds)
            yield Cell(
                "cross-encoder", precision, n, len(rows), pairs_per_s, len(rows) / least[0], len(rows) / least[1]
            )


def _in_full(call: Callable[[], object], model: nn.Module) -> Cost:
    """The cost with every operation seen: torch's fused layer hides them from the counter."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        return cost(call, model)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def order_kept(expected: NDArray[np.float32], found: NDArray[np.float32], *, gap: float = 0.02) -> float:
    """Share of the pairs of candidates, told apart by more than `gap`, that stand in the same order; 1 if none are."""
    further = expected[:, :, None] > expected[:, None, :] + gap
    return float((found[:, :, None] > found[:, None, :])[further].mean()) if further.any() else 1.0


def read_sentences(path: Path) -> list[Sentence]:
    """The surfaces of a knowledge index."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Sentence(line["text"], tuple(line["words"])) for line in lines]


def measure(artifacts: Path, *, device: torch.device, sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    """The report."""
    folder = artifacts / "models" / "matcher"
    segmenter = json.loads((folder / "config.json").read_text(encoding="utf-8"))["segmenter"]
    sentences = read_sentences(artifacts / "index" / "surfaces.jsonl")
    if device.type == "cpu":  # reading all the knowledge would take longer than what is measured
        sentences = sentences[:: max(1, len(sentences) // 1000)]
    limits = peaks(device, get_args(Precision), seconds=seconds)
    task = make_task(Matcher.load(folder, segmenter=segmenter, device="cpu"), sentences, max(sizes))
    matcher = Matcher.load(folder, segmenter=segmenter, device=str(device))
    cells = [*matcher_cells(matcher, sentences, task, sizes, limits, seconds)]
    cells += bert_cells(device, sizes, limits, seconds)
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.machine()} processor, 1 thread"
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    about = {"device": named, "type": device.type, **versions, "matcher": matcher.version, "knowledge": len(sentences)}
    return {**about, "peaks": asdict(limits), "seconds": seconds, "cells": [asdict(cell) for cell in cells]}


def lines(report: dict[str, Any]) -> list[list[str]]:
    """The cells of the report as they are shown."""
    shown = []
    for cell in report["cells"]:
        rate_, limit, fused = (cell[k] for k in ("pairs_per_s", "limit_pairs_per_s", "fused_limit_pairs_per_s"))
        figures = [f"{rate_:,.0f}" if rate_ > 10 else f"{rate_:.1f}", f"{1000 * cell['pairs'] / rate_:.2f}"]
        figures += [f"{rate_ / limit:.1%}", f"{rate_ / fused:.2%}"]
        exact = ["–", "–"] if cell["error"] is None else [f"{cell['error']:.1e}", f"{cell['order_kept']:.1%}"]
        shown.append([cell["what"], cell["precision"], str(cell["queries"]), *figures, *exact])
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, write; 0 done, 1 failed with a line, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m load_tests.gpu", description="The matcher on a GPU.")
    parser.add_argument("--artifacts", type=Path, default=ROOT / "artifacts", help="trained artifacts")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--queries", type=int, nargs="+", default=[1, 4, 16, 64], help="at once, 20 candidates each")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance" / "gpu.json")
    chosen = parser.parse_args(arguments)
    if min(chosen.queries) < 1:
        parser.error("--queries must be 1 or more")
    if chosen.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("torch sees no GPU: use --device cpu, or install torch with CUDA\n")
        return 1
    torch.set_num_threads(1)
    try:
        device = resolve_device(chosen.device)
        report = measure(chosen.artifacts, device=device, sizes=chosen.queries, seconds=chosen.seconds)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename}: no such file; train first (make serve, or python -m graph train all)\n")
        return 1
    for row in [list(HEADS), *lines(report)]:
        sys.stdout.write("  ".join(f"{text:>14}" for text in row) + "\n")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
