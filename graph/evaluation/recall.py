"""How often recall brings the right entry: BM25, dense vectors and the ways to fuse them, on any knowledge.

Uses the service's own indexes and fusion. Without a trained encoder the dense index holds means of word vectors
learned from the knowledge itself.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.evaluation.data import read_lines, short_name
from graph.evaluation.report import Report, command_line, versions
from indexes.build import Encoder
from indexes.dense import DenseIndex
from indexes.fuse import convex_combination, reciprocal_rank_fusion, union_filled
from indexes.lucene import LuceneIndex
from indexes.terms import lexical_terms
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.metrics import mean_reciprocal_rank, recall_at
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.dataset import read_knowledge, read_queries
from models.training.embeddings import train_embeddings
from models.training.loop import Progress
from models.word_pairs import WordPairs

DEPTHS = (1, 5, 20)
_ROWS_READ = 100
"""Rows taken from each index, as an entry may have several."""
_BATCH = 256

Hits = list[tuple[int, float]]


class MeanEncoder:
    """Sentences as means of word vectors weighted by inverse document frequency; needs no training of its own."""

    version = "mean"

    def __init__(self, embeddings: Embeddings) -> None:
        """Hold the vectors."""
        self._embeddings = embeddings

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """float32 (n, width), each of length 1; zero without known words."""
        means = WordPairs(self._embeddings, sentences, sentences, idf=True).centroids(0)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        unit: NDArray[np.float32] = means / np.maximum(lengths, np.float32(1e-8))
        return unit


def evaluate_recall(
    *,
    knowledge: Path,
    queries: Path,
    text: Sequence[Path],
    encoder: Path | None,
    alpha: float,
    words: Sequence[str],
    progress: Progress,
) -> Report:
    """Measure recall.

    Args:
        knowledge: TSV `id question`.
        queries: TSV `query id`.
        text: further texts, one a line, for the word vectors.
        encoder: folder of a trained sentence encoder; None for means of word vectors.
        alpha: share of the dense score in the convex combination.
        words: the command line, for the report.
        progress: told of everything that takes long.

    Returns:
        Per method recall_at_1, recall_at_5, recall_at_20 and mrr (of the first 20).

    Raises:
        DatasetError, InputError, ArtifactError, IndexUnavailableError, OSError: one line says what is wrong.
    """
    entries = read_knowledge(knowledge)
    ids = [entry for entry, _ in entries]
    right = _right_ids(read_queries(queries, known=set(ids)))
    processor = TextProcessor()
    surfaces = [processor.process(question) for _, question in entries]
    asked = [processor.process(query) for query in right]
    further = [processor.process(line) for path in text for line in read_lines(path)]
    dense_encoder = _encoder(encoder, [*surfaces, *further], processor, progress)
    started = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        lexical = _lexical(Path(folder) / "lucene", surfaces, asked, progress)
        dense = _dense(Path(folder) / "dense", surfaces, asked, dense_encoder)
    seconds = perf_counter() - started
    rankings = [_rankings(a, b, ids, alpha) for a, b in zip(lexical, dense, strict=True)]
    answers = list(right.values())
    return {
        "task": "recall",
        "data": {"knowledge": _note(knowledge, len(entries)), "queries": _note(queries, len(answers))},
        "entries": len(set(ids)),
        "queries_in_knowledge": len(set(right) & {question for _, question in entries}),
        "encoder": "mean of word vectors" if encoder is None else dense_encoder.version,
        "alpha": alpha,
        "methods": {
            name: _measures([own[name] for own in rankings], answers) for name in (rankings[0] if rankings else {})
        },
        "seconds": seconds,
        "command": command_line(words),
        "versions": versions(),
    }


def _right_ids(rows: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    right: dict[str, set[str]] = {}
    for query, entry in rows:
        right.setdefault(query, set()).add(entry)
    return right


def _encoder(folder: Path | None, texts: Sequence[Sentence], processor: TextProcessor, progress: Progress) -> Encoder:
    if folder is not None:
        return SentenceEncoder.load(folder, segmenter=processor.version)
    return MeanEncoder(train_embeddings(texts, segmenter=processor.version, progress=progress))


def _lexical(folder: Path, surfaces: Sequence[Sentence], asked: Sequence[Sentence], progress: Progress) -> list[Hits]:
    LuceneIndex.build(folder, [lexical_terms(sentence) for sentence in surfaces])
    index = LuceneIndex.open(folder)
    hits = []
    for number, sentence in enumerate(asked, start=1):
        hits.append(index.search(lexical_terms(sentence), top_k=_ROWS_READ))
        if number % _BATCH == 0 or number == len(asked):
            progress("BM25", number, len(asked))
    return hits


def _dense(folder: Path, surfaces: Sequence[Sentence], asked: Sequence[Sentence], encoder: Encoder) -> list[Hits]:
    parts = [encoder.encode(surfaces[start : start + _BATCH]) for start in range(0, len(surfaces), _BATCH)]
    DenseIndex.build(folder, np.concatenate(parts))
    vectors = encoder.encode(asked)
    scores, rows = DenseIndex.open(folder, device="cpu").search(vectors, top_k=_ROWS_READ)
    known = np.abs(vectors).max(axis=1) > 0  # a zero vector is equally near to everything: no evidence for any row
    lists = zip(known.tolist(), rows.tolist(), scores.tolist(), strict=True)
    return [list(zip(own, score, strict=True)) if some else [] for some, own, score in lists]


def _rankings(lexical: Hits, dense: Hits, ids: Sequence[str], alpha: float) -> dict[str, list[str]]:
    """Ids from best to worst, each once, by method."""
    deepest = max(DEPTHS)
    number = {entry: place for place, entry in enumerate(dict.fromkeys(ids))}
    names = list(number)
    best: list[dict[int, float]] = []
    for hits in (lexical, dense):
        of_entry: dict[int, float] = {}
        for row, score in hits:
            of_entry.setdefault(number[ids[row]], score)
        best.append(of_entry)
    orders = [list(of_entry) for of_entry in best]
    fused = {
        "bm25": orders[0],
        "dense": orders[1],
        "rrf": [entry for entry, _ in reciprocal_rank_fusion(orders)],
        "union": [entry for entry, _ in union_filled(orders, top_k=deepest)],
        "convex": [entry for entry, _ in convex_combination(best[1], best[0], alpha=alpha)],
    }
    return {name: [names[entry] for entry in own[:deepest]] for name, own in fused.items()}


def _measures(rankings: Sequence[Sequence[str]], right: Sequence[set[str]]) -> dict[str, float]:
    hits = [[entry in wanted for entry in ranking] for ranking, wanted in zip(rankings, right, strict=True)]
    return {**{f"recall_at_{k}": recall_at(hits, k=k) for k in DEPTHS}, "mrr": mean_reciprocal_rank(hits)}


def _note(path: Path, rows: int) -> dict[str, Any]:
    return {"file": short_name(path), "rows": rows}
