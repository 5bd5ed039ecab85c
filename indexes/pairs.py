"""What the matcher learns from, made from the written knowledge.

Training pairs say whether two sentences mean the same matter. Positive: two surfaces of one entry, and a surface
with itself. Negative: the written hard negatives, candidates that recall wrongly brings up for surfaces and for
messages on other topics, and a few random ones. Split by question: no question of dev or test is in any training
pair.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from indexes.build import Segmenter
from indexes.content.knowledge import KnowledgeEntry
from indexes.content.splits import Split, query_split
from indexes.content.taxonomy import NO_EMOTION
from indexes.content.utterances import Utterance
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import HybridRecall, Recalled
from indexes.tuning import drafts_from_utterances, recall_all, row_split
from models.text.sentence import Sentence

PairOrigin = Literal["positive", "found", "same", "written", "recalled", "utterance", "random"]


@dataclass(frozen=True, slots=True)
class MatchPair:
    """Two sentences, and whether they mean the same matter.

    Attributes:
        a: the asking sentence.
        b: the sentence it is compared with.
        label: 1 the same matter, 0 another.
        origin: how the pair was made.
        split: the part of the data it belongs to.
    """

    a: Sentence
    b: Sentence
    label: int
    origin: PairOrigin
    split: Split


def training_pairs(
    recall: HybridRecall,
    *,
    segmenter: Segmenter,
    utterances: Sequence[Utterance] = (),
    seed: int = 0,
    n_positive: int = 6,
    n_utterances: int = 2000,
    n_written: int = 3,
    n_recalled: int = 4,
    n_random: int = 1,
) -> list[MatchPair]:
    """Pairs of all three parts of the data; the same for the same arguments.

    No two pairs hold the same two sentences, and only the pairs "same" hold one sentence twice.

    Args:
        recall: over the knowledge to learn from.
        segmenter: the text processor in use.
        utterances: labelled messages; emotional ones are paired with what recall wrongly brings for them.
        seed: of the sampling.
        n_positive: how many random pairs of its surfaces each entry gives, at most; beside them each surface is
            paired with the one of its entry that recall brings, as in service.
        n_utterances: how many utterances are paired, at most.
        n_written: how many surfaces of its entry each written hard negative is paired with, at most.
        n_recalled: how many recalled candidates of other entries each surface is paired with, at most: the nearest,
            the others at random, so that training sees the mix of service.
        n_random: how many random surfaces of other entries each surface is paired with, at most.

    Returns:
        The pairs, in the order of the entries.
    """
    index = recall.knowledge
    generator = random.Random(f"pairs/{seed}")  # noqa: S311 - sampling, not secrets
    candidates = _candidates(recall)
    seen: set[frozenset[str]] = set()
    pairs: list[MatchPair] = []
    for entry in index.entries:
        made = [
            *_recalled(index, entry, candidates, generator, n_recalled),
            *_positives(index, entry, generator, n_positive),
            *_written(index, entry, segmenter, generator, n_written),
            *_random(index, entry, generator, n_random),
        ]
        for pair in made:
            texts = frozenset((pair.a.text, pair.b.text))
            if len(texts) == 2 and texts not in seen:
                seen.add(texts)
                pairs.append(pair)
        row = generator.choice(index.rows_of(entry.id))
        same = index.surfaces[row].sentence
        pairs.append(MatchPair(same, same, 1, "same", row_split(index, row)))
    return pairs + _with_utterances(recall, utterances, segmenter, generator, n_utterances)


def _pair(index: KnowledgeIndex, asking: int, other: int, origin: PairOrigin) -> MatchPair:
    """A pair of two rows; it belongs to the part of whichever sentence is not for training."""
    parts = [part for part in (row_split(index, asking), row_split(index, other)) if part != "train"]
    a, b = index.surfaces[asking].sentence, index.surfaces[other].sentence
    return MatchPair(a, b, int(origin in ("positive", "found")), origin, parts[0] if parts else "train")


def _positives(index: KnowledgeIndex, entry: KnowledgeEntry, generator: random.Random, n: int) -> Iterator[MatchPair]:
    every = list(combinations(index.rows_of(entry.id), 2))
    for first, second in generator.sample(every, min(n, len(every))):
        a, b = (first, second) if generator.random() < 0.5 else (second, first)
        yield _pair(index, a, b, "positive")


def _written(
    index: KnowledgeIndex, entry: KnowledgeEntry, segmenter: Segmenter, generator: random.Random, n: int
) -> Iterator[MatchPair]:
    rows = index.rows_of(entry.id)
    for text in entry.hard_negatives:
        negative = segmenter.process(text)
        for row in generator.sample(rows, min(n, len(rows))):
            parts = [part for part in (query_split(negative.text), row_split(index, row)) if part != "train"]
            split = parts[0] if parts else "train"
            yield MatchPair(negative, index.surfaces[row].sentence, 0, "written", split)


def _recalled(
    index: KnowledgeIndex, entry: KnowledgeEntry, candidates: Sequence[Recalled], generator: random.Random, n: int
) -> Iterator[MatchPair]:
    for row in index.rows_of(entry.id):
        own = [found for found in candidates[row].rows if index.entry_of(found).id == entry.id]
        others = [found for found in candidates[row].rows if index.entry_of(found).id != entry.id]
        for found in own:
            yield _pair(index, row, found, "found")
        for found in _nearest_and_others(others, generator, n):
            yield _pair(index, row, found, "recalled")


def _nearest_and_others(rows: Sequence[int], generator: random.Random, n: int) -> list[int]:
    return [*rows[:1], *generator.sample(rows[1:], min(n - 1, max(len(rows) - 1, 0)))] if n else []


def _random(index: KnowledgeIndex, entry: KnowledgeEntry, generator: random.Random, n: int) -> Iterator[MatchPair]:
    for row in index.rows_of(entry.id):
        drawn = generator.sample(range(len(index.surfaces)), min(n + 1, len(index.surfaces)))
        for other in [other for other in drawn if index.entry_of(other).id != entry.id][:n]:
            yield _pair(index, row, other, "random")


def _with_utterances(
    recall: HybridRecall,
    utterances: Sequence[Utterance],
    segmenter: Segmenter,
    generator: random.Random,
    n: int,
) -> list[MatchPair]:
    """Emotional messages with surfaces that recall brings, of the same part of the data but of other topics."""
    index = recall.knowledge
    emotional = [utterance for utterance in utterances if utterance.emotion != NO_EMOTION]
    drawn = generator.sample(emotional, min(n, len(emotional)))
    drafts = drafts_from_utterances(index, drawn, "emotional", segmenter, generator, n)
    splits = {segmenter.process(utterance.text): utterance.split for utterance in drawn}
    found = recall_all(recall, [draft.sentence for draft in drafts], [draft.exclude for draft in drafts])
    pairs = []
    for draft, candidates in zip(drafts, found, strict=True):
        split = splits[draft.sentence]
        rows = [row for row in candidates.rows if split != "train" or row_split(index, row) == "train"]
        surfaces = [index.surfaces[row].sentence for row in _nearest_and_others(rows, generator, 3)]
        pairs += [MatchPair(draft.sentence, surface, 0, "utterance", split) for surface in surfaces]
    return pairs


def _candidates(recall: HybridRecall) -> list[Recalled]:
    """For every row, what recall brings for its sentence, itself left out."""
    sentences = recall.knowledge.sentences
    return recall_all(recall, sentences, [frozenset((row,)) for row in range(len(sentences))])
