"""`python -m load_tests.growth`: recall over knowledge of 649 to a million entries: latency, size, build time.

The knowledge is the real one with synthetic entries of one question each, made on the fly by recombining words of real
questions: load, not content. Every size is measured in a process of its own. The dense index is built in each kind and
its neighbours compared with the exact ones, which is where the rule in `indexes/dense.py` comes from. Writes
docs/performance/growth.json, its tables and plot, and the arithmetic for a day's traffic.
"""

import itertools
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console

from configs.schema import AppConfig
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.content import Content
from graph.places import Places
from graph.serve_file import read_serve_file
from indexes.build import segment_surfaces
from indexes.content.knowledge import KnowledgeEntry
from indexes.dense import DenseIndex, Kind, kind_for
from indexes.knowledge_index import FORMAT, KnowledgeIndex, Manifest, Surface
from indexes.lucene import LuceneIndex
from indexes.recall import HybridRecall
from indexes.terms import lexical_terms
from load_tests.document import FOLDER, described, fill, image, machine, save, table, write_json
from load_tests.traffic import hard, read_voices
from models.encoder import SentenceEncoder
from models.text.sentence import Sentence

_QUERIES = 200
_BATCH = 32
_ENCODED_AT_ONCE = 512
console = Console(stderr=True)
app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    sizes: str = typer.Option("0,10000,100000,1000000", help="Entries; 0 means the real knowledge alone."),
    document: bool = typer.Option(True, help="Write the tables of docs/performance.md."),
) -> None:
    """Measure every size and write the report."""
    report: dict[str, Any] = {"machine": machine(), "sizes": []}
    for size in sizes.split(","):
        console.print(f"{size} entries …", highlight=False)
        command = [sys.executable, "-m", "load_tests.growth", "one", size, "--config", str(config)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        report["sizes"].append(json.loads(done.stdout))
        write_json(FOLDER / "growth.json", report)
    if document:
        write_tables()


@app.command()
def one(size: int, config: Config = DEFAULT_CONFIG) -> None:
    """Measure one size and print it as JSON."""
    with tempfile.TemporaryDirectory(prefix="anwei-growth-") as folder:
        print(json.dumps(Growth(read_serve_file(config).app, Path(folder), size).measured()))  # noqa: T201 - its output


@app.command()
def tables() -> None:
    """Write the tables and the plot of docs/performance.md from the reports."""
    write_tables()


class Growth:
    """One size.

    Args:
        config: Names data and artifacts.
        folder: For the indexes.
        size: Entries wanted; the real ones are always there.
    """

    def __init__(self, config: AppConfig, folder: Path, size: int) -> None:
        self._folder = folder
        content, places = Content(config.data), Places(config.artifacts)
        processor = content.processor
        self._encoder = SentenceEncoder.load(places.encoder, segmenter=processor.version, device="cpu")
        texts = itertools.islice(hard(read_voices(config.data).emotional, seed=7), _QUERIES)
        self._queries = [processor.process(text) for text in texts]
        self._entries = list(content.knowledge.entries)
        self._surfaces = segment_surfaces(content.knowledge, processor)
        self._add(recombined([surface.sentence for surface in self._surfaces]), size - len(self._entries))

    def measured(self) -> dict[str, Any]:
        """Build and search."""
        lucene_s = _timed(self._build_lucene)
        start = time.perf_counter()
        vectors = self._vectors([surface.sentence for surface in self._surfaces])
        encode_s = time.perf_counter() - start
        queries = self._encoder.encode(self._queries)
        kinds = {kind: self._kind(kind, vectors, queries) for kind in get_args(Kind)}
        exact = kinds["flat"].pop("rows")
        for found in kinds.values():
            rows = found.pop("rows", exact)
            shared = [len(set(a) & set(b)) / len(b) for a, b in zip(rows, exact, strict=True)]
            found["neighbours_kept"] = float(np.mean(shared))
        chosen = kind_for(len(self._surfaces))
        return {
            "entries": len(self._entries),
            "rows": len(self._surfaces),
            "chosen": chosen,
            "lucene": {"build_s": lucene_s, "mb": _size_mb(self._folder / "lucene")},
            "encode_s": encode_s,
            "dense": kinds,
            "recall": self._recall(chosen),
        }

    def _add(self, sentences: Iterator[Sentence], n: int) -> None:
        model = self._entries[0]
        for sentence in itertools.islice(sentences, max(n, 0)):
            # Unchecked, as a million validations would take longer than everything measured here.
            entry = KnowledgeEntry.model_construct(
                id=f"synthetic-{len(self._entries):07d}", topic=model.topic, emotions=model.emotions,
                question=sentence.text, paraphrases=(), hard_negatives=(), reply=model.reply,
            )  # fmt: skip
            self._surfaces.append(Surface(len(self._entries), sentence))
            self._entries.append(entry)

    def _build_lucene(self) -> None:
        LuceneIndex.build(self._folder / "lucene", [lexical_terms(surface.sentence) for surface in self._surfaces])

    def _vectors(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        starts = range(0, len(sentences), _ENCODED_AT_ONCE)
        return np.concatenate([self._encoder.encode(sentences[start : start + _ENCODED_AT_ONCE]) for start in starts])

    def _kind(self, kind: Kind, vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> dict[str, Any]:
        folder = self._folder / kind
        build_s = _timed(lambda: DenseIndex.build(folder, vectors, kind=kind))
        index = DenseIndex.open(folder, device="cpu")
        times = [_timed(lambda q=query: index.search(q[None], top_k=80)) for query in queries]
        _, rows = index.search(queries, top_k=80)
        return {"build_s": build_s, "mb": _size_mb(folder), **_latency(times), "rows": rows.tolist()}

    def _recall(self, kind: Kind) -> dict[str, Any]:
        """Of the whole stage, one sentence at a time and in batches."""
        recall = HybridRecall(
            knowledge=KnowledgeIndex(entries=self._entries, surfaces=self._surfaces, manifest=_manifest()),
            lucene=LuceneIndex.open(self._folder / "lucene"),
            dense=DenseIndex.open(self._folder / kind, device="cpu"),
            encoder=self._encoder,
            top_k=20,
            depth=80,
        )
        recall.recall(self._queries)  # warm
        single = [_timed(lambda q=query: recall.recall([q])) for query in self._queries]
        batches = [self._queries[start : start + _BATCH] for start in range(0, _QUERIES - _BATCH + 1, _BATCH)]
        together = [_timed(lambda b=batch: recall.recall(b)) / _BATCH for batch in batches]
        return {**_latency(single), "batched_ms": float(np.median(together) * 1000)}


def recombined(sentences: Sequence[Sentence], *, seed: int = 11) -> Iterator[Sentence]:
    """Sentences without end: the front of one and the back of another, cut between words, with a number in between."""
    draw = random.Random(seed)
    for number in itertools.count():
        front, back = draw.choice(sentences).words, draw.choice(sentences).words
        words = (*front[: math.ceil(len(front) / 2)], str(number % 10_000), *back[len(back) // 2 :])
        yield Sentence(text="".join(words), words=words)


def _manifest() -> Manifest:
    return Manifest(
        format=FORMAT, knowledge="", segmenter="", encoder="", k1=0.9, b=0.4, n_entries=0, n_surfaces=0, files={}
    )


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _latency(times_s: Sequence[float]) -> dict[str, float]:
    p50, p99 = (float(value) * 1000 for value in np.percentile(times_s, (50, 99)))
    return {"p50_ms": p50, "p99_ms": p99}


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def write_tables() -> None:
    """Fill the documents' tables from growth.json, and the arithmetic from bench.json where there is one."""
    report = json.loads((FOLDER / "growth.json").read_text(encoding="utf-8"))
    sizes = report["sizes"]
    fill("growth", described(report["machine"]) + "\n\n" + as_table(sizes))
    fill("growth-dense", dense_table(sizes) + image("Latency against knowledge entries", "growth"))
    save(plot(sizes), FOLDER / "growth.png")


def as_table(sizes: Sequence[dict[str, Any]]) -> str:
    """Latency and cost by size, and what the growth costs."""
    rows = []
    for s in sizes:
        recall, lucene, dense = s["recall"], s["lucene"], s["dense"][s["chosen"]]
        times = [f"{recall[name]:.2f}" for name in ("p50_ms", "p99_ms", "batched_ms")]
        sizes_mb = [s["chosen"], f"{lucene['mb']:.1f}", f"{dense['mb']:.1f}"]
        builds_s = [f"{lucene['build_s']:.1f}", f"{s['encode_s'] + dense['build_s']:.1f}"]
        rows.append([f"{s['entries']:,}", f"{s['rows']:,}", *times, *sizes_mb, *builds_s])
    heads = ["entries", "sentences", "p50 ms", "p99 ms", "ms each in batches of 32", "dense index", "Lucene MB"]
    text = table([*heads, "dense MB", "Lucene build s", "dense build s"], rows)
    large = [s for s in sizes if 90_000 < s["entries"] < 110_000]
    if large:
        ratio = large[0]["recall"]["p50_ms"] / sizes[0]["recall"]["p50_ms"]
        verdict = "aim" if ratio <= 1.5 else "must" if ratio <= 3 else "missed"
        text += f"\n10⁵ entries against {sizes[0]['entries']}, p50: {ratio:.2f} × (must 3, aim 1.5: {verdict}).\n"
    return text


def dense_table(sizes: Sequence[dict[str, Any]]) -> str:
    """The kinds of dense index side by side."""
    rows = [
        [f"{s['rows']:,}", kind, f"{own['p50_ms']:.2f}", f"{own['p99_ms']:.2f}", f"{own['neighbours_kept']:.3f}",
         f"{own['mb']:.1f}", f"{own['build_s']:.1f}"]
        for s in sizes
        for kind, own in s["dense"].items()
    ]  # fmt: skip
    return table(["vectors", "kind", "p50 ms", "p99 ms", "of the 80 nearest", "MB", "build s"], rows)


def plot(sizes: Sequence[dict[str, Any]]) -> Figure:
    """Latency against entries: recall as a whole, and every kind of dense index."""
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot(1, 1, 1)
    entries = [s["entries"] for s in sizes]
    axes.plot(entries, [s["recall"]["p50_ms"] for s in sizes], "o-", label="recall, p50", color="tab:orange")
    for kind in get_args(Kind):
        axes.plot(entries, [s["dense"][kind]["p50_ms"] for s in sizes], "o--", label=f"dense alone, {kind}", alpha=0.6)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("knowledge entries")
    axes.set_ylabel("milliseconds")
    axes.legend()
    return figure


if __name__ == "__main__":
    app()
