"""`python -m load_tests.compiled`: the networks compiled for this processor against the same networks as trained.

Each takes sentences and gives its answers by the class that serves it, in turn with and without `models.compiled`, in
one thread. Writes docs/performance/compiled.json and its table. Train first: `python -m graph train all`.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import typer

from configs.schema import AppConfig
from graph.commands.options import DEFAULT_CONFIG, Config
from graph.compiling import uncompiled
from graph.places import Places
from graph.serve_file import read_serve_file
from indexes.knowledge_index import KnowledgeIndex
from load_tests.document import FOLDER, described, fill, machine, table, write_json
from load_tests.processes import LoadTestError
from load_tests.traffic import hard, read_voices
from models.classifier import Classifier
from models.encoder import SentenceEncoder
from models.matcher import Matcher
from models.text.segment import TextProcessor
from models.text.sentence import Sentence

SIZES = (1, 4, 32)
_CANDIDATES = 6
"""What pruning leaves of the 20 for most sentences."""
_SENTENCES = 256
_ROUNDS = 7
_ABOUT = {
    "emotion": "Emotion",
    "topic": "Topic",
    "encoder": "Recall's encoder",
    "matcher": f"PBmatch, {_CANDIDATES} candidates each",
}
Answer = Callable[[Sequence[Sentence]], Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One network at one batch size.

    Attributes:
        network: one of `_ABOUT`.
        size: sentences at once.
        trained_us: a sentence, in microseconds, the median over rounds; as trained.
        compiled_us: likewise; compiled.
        error: largest difference between the two answers.
    """

    network: str
    size: int
    trained_us: float
    compiled_us: float
    error: float


def ways(places: Places, processor: TextProcessor, compiled: Path | None) -> dict[str, Answer]:
    """The four networks on the processor; from `compiled` where there is something for it."""
    segmenter = processor.version

    def classify(folder: Path) -> Answer:
        classifier = Classifier.load(folder, segmenter=segmenter, device="cpu")
        classifier.prepare_service(compiled=compiled, name=folder.name)
        return classifier.classify

    encoder = SentenceEncoder.load(places.encoder, segmenter=segmenter, device="cpu")
    encoder.prepare_service(compiled=compiled, name=places.encoder.name)
    matcher = Matcher.load(places.matcher, segmenter=segmenter, device="cpu")
    matcher.prepare_service(compiled=compiled)
    knowledge = matcher.prepare(KnowledgeIndex.open(places.index, segmenter=segmenter).sentences)
    rows = np.random.default_rng(0).integers(0, len(knowledge), (_SENTENCES, _CANDIDATES))
    return {
        "emotion": classify(places.emotion),
        "topic": classify(places.topic),
        "encoder": encoder.encode,
        "matcher": lambda sentences: matcher.score(sentences, knowledge, rows[: len(sentences)]),
    }


def measure(network: str, size: int, trained: Answer, compiled: Answer, sentences: Sequence[Sentence]) -> Cell:
    """Both ways in turn over the same batches; the first round, which warms up, is left out."""
    batches = [sentences[start : start + size] for start in range(0, len(sentences) - size + 1, size)]
    times: dict[str, list[float]] = {"trained": [], "compiled": []}
    for _, (name, answer) in itertools.product(range(_ROUNDS + 1), (("trained", trained), ("compiled", compiled))):
        start = time.perf_counter()
        for batch in batches:
            answer(batch)
        times[name].append((time.perf_counter() - start) / (len(batches) * size) * 1e6)
    error = max(float(np.abs(trained(batch) - compiled(batch)).max()) for batch in batches)
    return Cell(network, size, median(times["trained"][1:]), median(times["compiled"][1:]), error)


def need_compiled(config: AppConfig) -> None:
    """Let nothing be measured as compiled that is not.

    Raises:
        LoadTestError: a network is not compiled.
    """
    missing = uncompiled(config)
    if missing:
        raise LoadTestError(f"not compiled: {'; '.join(missing)}")


def compare(config: AppConfig) -> list[Cell]:
    """Every network at every size.

    Raises:
        LoadTestError: a network is not compiled.
    """
    places, processor = Places(config.artifacts), TextProcessor()
    need_compiled(config)
    texts = itertools.islice(hard(read_voices(config.data).emotional, seed=3), _SENTENCES)
    sentences = [processor.process(text) for text in texts]
    trained, compiled = ways(places, processor, None), ways(places, processor, places.compiled)
    return [measure(name, size, trained[name], compiled[name], sentences) for name in _ABOUT for size in SIZES]


def lines(cells: Sequence[Cell]) -> str:
    """The table of the document."""
    heads = ["network", "at once", "µs a sentence as trained", "compiled", "times quicker", "largest difference"]
    rows = [
        [
            _ABOUT[cell.network] if cell.size == SIZES[0] else "",
            str(cell.size),
            f"{cell.trained_us:.0f}",
            f"{cell.compiled_us:.0f}",
            f"{cell.trained_us / cell.compiled_us:.1f}",
            f"{cell.error:.0e}",
        ]
        for cell in cells
    ]
    return table(heads, rows)


def main(config: Config = DEFAULT_CONFIG) -> None:
    """Compare compiled networks with trained ones and write the table."""
    torch.set_num_threads(1)
    before = machine()
    cells = compare(read_serve_file(config).app)
    write_json(FOLDER / "compiled.json", {"machine": before, "cells": [asdict(cell) for cell in cells]})
    fill("compiled", f"{described(before)}\n\n{lines(cells)}")


if __name__ == "__main__":
    typer.run(main)
