"""Training pairs and the tuning set: right labels, no leak between the parts, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from indexes.build import build_index
from indexes.content.knowledge import KnowledgeStore
from indexes.content.splits import Split
from indexes.content.utterances import Utterance
from indexes.pairs import MatchPair, training_pairs
from indexes.recall import HybridRecall
from indexes.tuning import TuningQuery, row_split, tuning_queries
from models.text.segment import TextProcessor
from tests.indexes.sample_content import HashingEncoder, numbered_entries, sample_entries


@pytest.fixture(scope="module")
def recall(tmp_path_factory: pytest.TempPathFactory, processor: TextProcessor, encoder: HashingEncoder) -> HybridRecall:
    folder = tmp_path_factory.mktemp("pairs") / "index"
    knowledge = KnowledgeStore([*sample_entries(), *numbered_entries(80)])
    build_index(folder, knowledge=knowledge, segmenter=processor, encoder=encoder)
    return HybridRecall.open(folder, encoder=encoder, segmenter=processor.version)


@pytest.fixture(scope="module")
def pairs(recall: HybridRecall, processor: TextProcessor, utterances: list[Utterance]) -> list[MatchPair]:
    return training_pairs(recall, segmenter=processor, utterances=utterances, seed=1)


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    emotional = [
        Utterance(emotion="anger", topic="poor_quality", text=f"第{n}次买都是坏的真火大", where="a.tsv:1")
        for n in range(60)
    ]
    plain = [Utterance(emotion="other", topic=None, text=f"请问杯子第{n}款有货吗", where="a.tsv:1") for n in range(60)]
    return emotional + plain


@pytest.fixture(scope="module")
def queries(recall: HybridRecall, processor: TextProcessor, utterances: list[Utterance]) -> list[TuningQuery]:
    return tuning_queries(recall, segmenter=processor, utterances=utterances, split="dev", n_emotional=4, n_plain=3)


def entries_by_text(recall: HybridRecall) -> dict[str, str]:
    return {
        surface.sentence.text: recall.knowledge.entry_of(row).id
        for row, surface in enumerate(recall.knowledge.surfaces)
    }


def parts_by_text(recall: HybridRecall) -> dict[str, Split]:
    return {
        surface.sentence.text: row_split(recall.knowledge, row) for row, surface in enumerate(recall.knowledge.surfaces)
    }


def test_a_title_is_always_known(recall: HybridRecall) -> None:
    titles = {recall.knowledge.rows_of(entry.id)[0] for entry in recall.knowledge.entries}
    assert {row_split(recall.knowledge, row) for row in titles} == {"train"}


def test_labels_follow_the_entries(recall: HybridRecall, pairs: list[MatchPair]) -> None:
    entry_of = entries_by_text(recall)
    for pair in pairs:
        assert pair.label == int(pair.origin in ("positive", "found", "same"))
        if pair.origin not in ("written", "utterance"):
            assert (entry_of[pair.a.text] == entry_of[pair.b.text]) == bool(pair.label)
        assert (pair.a == pair.b) == (pair.origin == "same")
    origins = {"positive", "found", "same", "written", "recalled", "utterance", "random"}
    assert Counter(pair.origin for pair in pairs).keys() == origins


def test_utterances_meet_surfaces_of_other_topics_and_of_their_own_part(
    recall: HybridRecall, pairs: list[MatchPair], utterances: list[Utterance]
) -> None:
    split_of = {utterance.text: utterance.split for utterance in utterances}
    index = recall.knowledge
    entry_of = {s.sentence.text: index.entry_of(row) for row, s in enumerate(index.surfaces)}
    part_of = parts_by_text(recall)
    met = [pair for pair in pairs if pair.origin == "utterance"]
    assert {pair.split for pair in met} == {"train", "dev", "test"}
    for pair in met:
        assert pair.split == split_of[pair.a.text]
        assert entry_of[pair.b.text].topic != "poor_quality"
        assert pair.split != "train" or part_of[pair.b.text] == "train"


def test_positives_are_bounded(recall: HybridRecall, processor: TextProcessor) -> None:
    few = training_pairs(recall, segmenter=processor, n_positive=2)
    assert 0 < Counter(pair.origin for pair in few)["positive"] <= 2 * len(recall.knowledge.entries)


def test_every_positive_is_there_once(recall: HybridRecall, pairs: list[MatchPair]) -> None:
    positives = [frozenset((pair.a.text, pair.b.text)) for pair in pairs if pair.origin in ("positive", "found")]
    sizes = [len(recall.knowledge.rows_of(entry.id)) for entry in recall.knowledge.entries]
    assert len(set(positives)) == len(positives) == sum(size * (size - 1) // 2 for size in sizes)
    assert len({frozenset((pair.a.text, pair.b.text)) for pair in pairs}) == len(pairs)


def test_written_negatives_meet_their_own_entry(
    recall: HybridRecall, pairs: list[MatchPair], processor: TextProcessor
) -> None:
    entry_of = entries_by_text(recall)
    written_for = {
        processor.process(text).text: entry.id for entry in recall.knowledge.entries for text in entry.hard_negatives
    }
    written = [pair for pair in pairs if pair.origin == "written"]
    assert {pair.a.text for pair in written} == set(written_for)
    assert all(entry_of[pair.b.text] == written_for[pair.a.text] for pair in written)


def test_training_sees_nothing_of_dev_and_test(recall: HybridRecall, pairs: list[MatchPair]) -> None:
    split_of_text = parts_by_text(recall)
    train = [pair for pair in pairs if pair.split == "train"]
    seen = {text for pair in train for text in (pair.a.text, pair.b.text)}
    assert {split_of_text.get(text, "train") for text in seen} == {"train"}
    assert {pair.split for pair in pairs} == {"train", "dev", "test"}


def test_recalled_negatives_are_nearer_than_random_ones(pairs: list[MatchPair]) -> None:
    def overlap(pair: MatchPair) -> float:
        return len(set(pair.a.chars) & set(pair.b.chars)) / len(set(pair.a.chars) | set(pair.b.chars))

    means = {}
    for origin in ("recalled", "random"):
        values = [overlap(pair) for pair in pairs if pair.origin == origin]
        means[origin] = sum(values) / len(values)
    assert means["recalled"] > means["random"]


def test_the_seed_decides(
    recall: HybridRecall, processor: TextProcessor, pairs: list[MatchPair], utterances: list[Utterance]
) -> None:
    assert training_pairs(recall, segmenter=processor, utterances=utterances, seed=1) == pairs
    assert training_pairs(recall, segmenter=processor, seed=2) != pairs


def test_a_paraphrase_must_find_another_sentence_of_its_entry(recall: HybridRecall, queries: list[TuningQuery]) -> None:
    index = recall.knowledge
    entry_of = entries_by_text(recall)
    asked = [query for query in queries if query.origin == "paraphrase"]
    assert len(asked) == sum(part == "dev" for part in parts_by_text(recall).values()) > 0
    for query in asked:
        right = entry_of[query.sentence.text]
        assert query.labels == tuple(int(index.entry_of(row).id == right) for row in query.rows)
        assert query.sentence.text not in {index.surfaces[row].sentence.text for row in query.rows}
    assert sum(sum(query.labels) for query in asked) > len(asked) / 3


def test_nothing_else_matches(recall: HybridRecall, queries: list[TuningQuery], utterances: list[Utterance]) -> None:
    index = recall.knowledge
    entry_of = entries_by_text(recall)
    for query in queries:
        assert len(query.rows) == len(query.labels) > 0
        assert query.split == "dev"
        topics = {index.entry_of(row).topic for row in query.rows}
        if query.origin != "paraphrase":
            assert sum(query.labels) == 0
        if query.origin == "left_out":
            assert entry_of[query.sentence.text] not in {index.entry_of(row).id for row in query.rows}
        if query.origin == "emotional":
            assert "poor_quality" not in topics
    own = [utterance for utterance in utterances if utterance.split == "dev"]
    counts = Counter(query.origin for query in queries)
    assert counts["emotional"] == min(4, sum(utterance.emotion == "anger" for utterance in own)) > 0
    assert counts["plain"] == min(3, sum(utterance.emotion == "other" for utterance in own)) > 0
    assert counts["left_out"] > 0
    assert counts["hard_negative"] > 0
