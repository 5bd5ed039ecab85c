"""What the matcher is tuned on: questions with their candidates, as the reranker meets them in service.

A question comes with what recall brings for it, most of it wrong, and often there is no right one at all. The
threshold of the matcher and of its understudy is chosen on these. Split by question; its candidates may be of any
part, as in service, where all knowledge is known.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from indexes.build import Segmenter
from indexes.content.splits import Split, query_split
from indexes.content.taxonomy import NO_EMOTION
from indexes.content.utterances import Utterance
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import HybridRecall, Recalled
from models.text.sentence import Sentence

_BATCH = 128

QueryOrigin = Literal["paraphrase", "left_out", "hard_negative", "emotional", "plain"]


@dataclass(frozen=True, slots=True)
class TuningQuery:
    """A question with its candidates, as the reranker meets them.

    Attributes:
        sentence: the question.
        rows: candidate rows of the knowledge index, from best to worst.
        labels: for each row 1 if it is of the right entry, else 0; at most one 1.
        origin: where the question comes from; only "paraphrase" can have a right candidate.
        split: the part of the data it belongs to.
    """

    sentence: Sentence
    rows: tuple[int, ...]
    labels: tuple[int, ...]
    origin: QueryOrigin
    split: Split


def tuning_queries(
    recall: HybridRecall,
    *,
    segmenter: Segmenter,
    utterances: Sequence[Utterance],
    split: Split,
    seed: int = 0,
    n_left_out: int = 100,
    n_emotional: int = 800,
    n_plain: int = 300,
) -> list[TuningQuery]:
    """Questions of one part of the data with the candidates that recall brings for them.

    - "paraphrase": every paraphrase of that part; its own row is no candidate, so another surface must be
    found. - "left_out": some of them with all rows of their entry left out: a matter the
    knowledge lacks, beside
      its nearest neighbours.
    - "hard_negative": every written hard negative, with the entry it was written against as its only candidate:
      nobody has judged whether it means another entry.
    - "emotional" and "plain": utterances with and without emotion. A message on a topic can only mean an
    entry of that
      topic, so candidates of its own topic are left out, as nobody has judged them; the others are wrong.

    Args:
        recall: over the knowledge in use.
        segmenter: the text processor in use.
        utterances: labelled messages of any part.
        split: the part wanted.
        seed: of the sampling.
        n_left_out: paraphrases whose own entry is left out, at most.
        n_emotional: utterances with an emotion, at most.
        n_plain: utterances without, at most.

    Returns:
        The questions that have at least one candidate, in the order of the list above.
    """
    index = recall.knowledge
    generator = random.Random(f"tuning/{seed}")  # noqa: S311 - sampling, not secrets
    asked = [row for row in range(len(index.surfaces)) if row_split(index, row) == split]
    drafts = [_paraphrase(index, row) for row in asked]
    drafts += [_left_out(index, row) for row in generator.sample(asked, min(n_left_out, len(asked)))]
    written = [(entry, segmenter.process(text)) for entry in index.entries for text in entry.hard_negatives]
    drafts += [
        Draft(sentence, "hard_negative", frozenset(), None, only=frozenset(index.rows_of(entry.id)))
        for entry, sentence in written
        if query_split(sentence.text) == split
    ]
    own = [utterance for utterance in utterances if utterance.split == split]
    emotional = [utterance for utterance in own if utterance.emotion != NO_EMOTION]
    plain = [utterance for utterance in own if utterance.emotion == NO_EMOTION]
    drafts += drafts_from_utterances(index, emotional, "emotional", segmenter, generator, n_emotional)
    drafts += drafts_from_utterances(index, plain, "plain", segmenter, generator, n_plain)
    drafts = [draft for draft in drafts if draft.sentence.words]
    recalled = recall_all(recall, [draft.sentence for draft in drafts], [draft.exclude for draft in drafts])
    queries = (_query(index, draft, found, split) for draft, found in zip(drafts, recalled, strict=True))
    return [query for query in queries if query.rows]


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before recall.

    Attributes:
        sentence: what is asked.
        origin: where it comes from.
        exclude: rows that must be no candidates.
        right: id of the right entry, if any.
        only: rows that are judged; None for all. Other candidates are left out.
    """

    sentence: Sentence
    origin: QueryOrigin
    exclude: frozenset[int]
    right: str | None
    only: frozenset[int] | None = None


def recall_all(
    recall: HybridRecall, sentences: Sequence[Sentence], exclude: Sequence[frozenset[int]]
) -> list[Recalled]:
    """The candidates of many sentences, in portions."""
    found: list[Recalled] = []
    for start in range(0, len(sentences), _BATCH):
        part = slice(start, start + _BATCH)
        found += recall.recall(sentences[part], exclude=exclude[part])
    return found


def row_split(index: KnowledgeIndex, row: int) -> Split:
    """The part of the data to which the sentence of a row belongs when it is asked."""
    title = index.rows_of(index.entry_of(row).id)[0]
    return "train" if row == title else query_split(index.surfaces[row].sentence.text)


def _paraphrase(index: KnowledgeIndex, row: int) -> Draft:
    sentence = index.surfaces[row].sentence
    same = frozenset(own for own, surface in enumerate(index.surfaces) if surface.sentence == sentence)
    return Draft(sentence, "paraphrase", same, index.entry_of(row).id)


def _left_out(index: KnowledgeIndex, row: int) -> Draft:
    return Draft(index.surfaces[row].sentence, "left_out", frozenset(index.rows_of(index.entry_of(row).id)), None)


def drafts_from_utterances(
    index: KnowledgeIndex,
    utterances: Sequence[Utterance],
    origin: QueryOrigin,
    segmenter: Segmenter,
    generator: random.Random,
    n: int,
) -> list[Draft]:
    """At most `n` utterances as questions; surfaces of an utterance's own topic are no candidates."""
    drafts = []
    for utterance in generator.sample(utterances, min(n, len(utterances))):
        sentence = segmenter.process(utterance.text)
        same_topic = (row for row in range(len(index.surfaces)) if index.entry_of(row).topic == utterance.topic)
        drafts.append(Draft(sentence, origin, frozenset(same_topic), None))
    return drafts


def _query(index: KnowledgeIndex, draft: Draft, found: Recalled, split: Split) -> TuningQuery:
    rows = tuple(row for row in found.rows if draft.only is None or row in draft.only)
    labels = tuple(int(index.entry_of(row).id == draft.right) for row in rows)
    return TuningQuery(draft.sentence, rows, labels, draft.origin, split)
