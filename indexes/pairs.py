"""What the matcher learns from, made from the written knowledge.

Training pairs say whether two sentences mean the same matter. Positive: two surfaces of one entry, and a surface
with itself. Negative: the written hard negatives, candidates that recall wrongly brings up for surfaces and for
messages on other topics, and a few random ones. Split by entry: no sentence of an entry in dev or test is in any
training pair.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from indexes.build import Segmenter
from indexes.content.knowledge import KnowledgeEntry
from indexes.content.splits import Split
from indexes.content.taxonomy import NO_EMOTION
from indexes.content.utterances import Utterance
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import HybridRecall, Recalled
from indexes.tuning import drafts_from_utterances, recall_all
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
        same = generator.choice(_sentences(index, entry))
        pairs.append(MatchPair(same, same, 1, "same", entry.split))
    return pairs + _with_utterances(recall, utterances, segmenter, generator, n_utterances)


def _may_meet(asking: KnowledgeEntry, other: KnowledgeEntry) -> bool:
    """Whether `other` may stand in a pair of `asking`; training pairs stay inside the training part."""
    return other.id != asking.id and (asking.split != "train" or other.split == "train")


def _pair(a: Sentence, b: Sentence, entry: KnowledgeEntry, origin: PairOrigin) -> MatchPair:
    return MatchPair(a, b, int(origin in ("positive", "found")), origin, entry.split)


def _sentences(index: KnowledgeIndex, entry: KnowledgeEntry) -> list[Sentence]:
    return [index.surfaces[row].sentence for row in index.rows_of(entry.id)]


def _positives(index: KnowledgeIndex, entry: KnowledgeEntry, generator: random.Random, n: int) -> Iterator[MatchPair]:
    every = list(combinations(_sentences(index, entry), 2))
    for first, second in generator.sample(every, min(n, len(every))):
        a, b = (first, second) if generator.random() < 0.5 else (second, first)
        yield _pair(a, b, entry, "positive")


def _written(
    index: KnowledgeIndex, entry: KnowledgeEntry, segmenter: Segmenter, generator: random.Random, n: int
) -> Iterator[MatchPair]:
    surfaces = _sentences(index, entry)
    for text in entry.hard_negatives:
        negative = segmenter.process(text)
        for surface in generator.sample(surfaces, min(n, len(surfaces))):
            yield _pair(negative, surface, entry, "written")


def _recalled(
    index: KnowledgeIndex, entry: KnowledgeEntry, candidates: Sequence[Recalled], generator: random.Random, n: int
) -> Iterator[MatchPair]:
    for row in index.rows_of(entry.id):
        asking = index.surfaces[row].sentence
        for found in candidates[row].rows:
            if index.entry_of(found).id == entry.id:
                yield _pair(asking, index.surfaces[found].sentence, entry, "found")
        allowed = [found for found in candidates[row].rows if _may_meet(entry, index.entry_of(found))]
        for found in _nearest_and_others(allowed, generator, n):
            yield _pair(asking, index.surfaces[found].sentence, entry, "recalled")


def _nearest_and_others(rows: Sequence[int], generator: random.Random, n: int) -> list[int]:
    return [*rows[:1], *generator.sample(rows[1:], min(n - 1, max(len(rows) - 1, 0)))] if n else []


def _random(index: KnowledgeIndex, entry: KnowledgeEntry, generator: random.Random, n: int) -> Iterator[MatchPair]:
    for row in index.rows_of(entry.id):
        drawn = generator.sample(range(len(index.surfaces)), min(8 * n, len(index.surfaces)))
        allowed = [other for other in drawn if _may_meet(entry, index.entry_of(other))]
        for other in allowed[:n]:
            yield _pair(index.surfaces[row].sentence, index.surfaces[other].sentence, entry, "random")


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
        rows = [row for row in candidates.rows if split != "train" or index.entry_of(row).split == "train"]
        surfaces = [index.surfaces[row].sentence for row in _nearest_and_others(rows, generator, 3)]
        pairs += [MatchPair(draft.sentence, surface, 0, "utterance", split) for surface in surfaces]
    return pairs


def _candidates(recall: HybridRecall) -> list[Recalled]:
    """For every row, what recall brings for its sentence, itself left out."""
    sentences = recall.knowledge.sentences
    return recall_all(recall, sentences, [frozenset((row,)) for row in range(len(sentences))])
