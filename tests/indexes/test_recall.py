"""Recall over a real index: one surface per entry, both lists fused, one alone when the other is broken."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indexes.build import build_index
from indexes.dense import DenseIndex
from indexes.errors import IndexMismatchError, IndexUnavailableError
from indexes.fuse import RRF_K
from indexes.lucene import LuceneIndex
from indexes.recall import HybridRecall, Recalled
from indexes.terms import lexical_terms
from models.encoder import SentenceEncoder, SWEMEncoder
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary
from tests.indexes.sample_content import HashingEncoder, sample_store

QUESTIONS = [
    "付了钱好几天都没发货，我急",
    "钱怎么还没退到账",
    "包裹一直在中转站不动",
    "房东催我，退款快处理",
    "你好",
]


@pytest.fixture(scope="module")
def recall(built_index: Path, processor: TextProcessor, encoder: HashingEncoder) -> HybridRecall:
    return HybridRecall.open(built_index, encoder=encoder, segmenter=processor.version)


@pytest.fixture
def questions(processor: TextProcessor) -> list[Sentence]:
    return [processor.process(question) for question in QUESTIONS]


def entries_of(recall: HybridRecall, recalled: Recalled) -> list[str]:
    return [recall.knowledge.entry_of(row).id for row in recalled.rows]


def test_the_right_entry_comes_first_and_each_entry_once(recall: HybridRecall, questions: list[Sentence]) -> None:
    found = recall.recall(questions)
    first = [entries_of(recall, recalled)[0] for recalled in found[:4]]
    assert first == ["no_shipment-01", "urge_refund-01", "slow_delivery-01", "urge_refund-02"]
    for recalled in found:
        entries = entries_of(recall, recalled)
        assert len(set(entries)) == len(entries) == len(recalled.bm25) == len(recalled.dense)
        assert list(recalled.fused) == sorted(recalled.fused, reverse=True)
        assert recalled.degraded == ()


def test_scores_are_those_of_the_indexes(
    recall: HybridRecall,
    built_index: Path,
    encoder: HashingEncoder,
    questions: list[Sentence],
) -> None:
    lucene = dict(LuceneIndex.open(built_index / "lucene").search(lexical_terms(questions[0]), top_k=50))
    scores, rows = DenseIndex.open(built_index / "dense").search(encoder.encode(questions[:1]), top_k=50)
    cosine = dict(zip(rows[0].tolist(), scores[0].tolist(), strict=True))
    recalled = recall.recall(questions[:1])[0]
    assert list(recalled.bm25) == [lucene.get(row) for row in recalled.rows]
    assert list(recalled.dense) == pytest.approx([cosine[row] for row in recalled.rows], abs=1e-6)
    assert recalled.fused[0] == pytest.approx(2 / (RRF_K + 1))


def test_a_batch_is_its_sentences_one_by_one(recall: HybridRecall, questions: list[Sentence]) -> None:
    assert recall.recall(questions) == [recall.recall([question])[0] for question in questions]
    assert recall.recall([]) == []


def test_at_most_top_k_entries(
    built_index: Path, processor: TextProcessor, encoder: HashingEncoder, questions: list[Sentence]
) -> None:
    short = HybridRecall.open(built_index, encoder=encoder, segmenter=processor.version, top_k=2, depth=19)
    assert all(len(recalled.rows) == 2 for recalled in short.recall(questions))


def test_excluded_rows_are_no_candidates(recall: HybridRecall) -> None:
    rows = recall.knowledge.rows_of("no_shipment-01")
    question = recall.knowledge.surfaces[rows[0]].sentence
    own, other = recall.recall([question, question], exclude=[{rows[0]}, set(rows)])
    assert len(set(own.rows) & set(rows[1:])) == 1
    assert not set(rows) & set(other.rows)
    assert len(other.rows) == 5
    with pytest.raises(ValueError, match="1 sets of excluded rows for 2"):
        recall.recall([question, question], exclude=[set()])


def test_an_empty_sentence_and_hostile_tokens_break_nothing(recall: HybridRecall) -> None:
    hostile = ("&&", "||", *'+-!(){}[]^"~*?:\\/')
    sentences = [Sentence(text="", words=()), Sentence(text=" ".join(hostile), words=hostile)]
    found = recall.recall(sentences)
    assert [recalled.degraded for recalled in found] == [(), ()]
    assert found[0].rows == ()


def break_index(folder: Path, damage: str) -> None:
    paths = sorted(folder.iterdir(), key=lambda path: path.stat().st_size)
    if damage == "deleted":
        shutil.rmtree(folder)
    elif damage == "one file missing":
        paths[-1].unlink()
    elif damage == "corrupted":
        paths[-1].write_bytes(b"\0" * 40)
    else:
        content = bytearray(paths[-1].read_bytes())
        content[len(content) // 2] ^= 1
        paths[-1].write_bytes(content)


@pytest.mark.parametrize("damage", ["deleted", "corrupted", "one file missing", "one byte changed"])
@pytest.mark.parametrize(("part", "left"), [("lucene", "dense"), ("dense", "bm25")])
def test_one_broken_index_is_named_and_the_other_answers(
    own_index: Path,
    processor: TextProcessor,
    encoder: HashingEncoder,
    questions: list[Sentence],
    part: str,
    left: str,
    damage: str,
) -> None:
    break_index(own_index / part, damage)
    recall = HybridRecall.open(own_index, encoder=encoder, segmenter=processor.version)
    assert recall.degraded == (part,)
    found = recall.recall(questions[:4])
    assert [recalled.degraded for recalled in found] == [(part,)] * 4
    for recalled in found:
        scores = {"bm25": recalled.bm25, "dense": recalled.dense}
        answering = [score for score in scores.pop(left) if score is not None]
        assert len(answering) == len(recalled.rows) > 0
        assert answering == sorted(answering, reverse=True)
        assert all(score is None for silent in scores.values() for score in silent)


def test_the_trained_kind_of_encoder_serves_both_sides(tmp_path: Path, processor: TextProcessor) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sentences = [processor.process(text) for entry in sample_store().entries for text in entry.surfaces]
    words = Vocabulary.build(sentence.words for sentence in sentences)
    chars = Vocabulary.build(sentence.chars for sentence in sentences)
    config = {
        "n_words": len(words),
        "n_chars": len(chars),
        "width": 16,
        "n_tuned_words": len(words),
        "n_tuned_chars": len(chars),
        "output_width": 32,
    }
    model = SWEMEncoder(**config)
    for mean, size in ((model.words, len(words)), (model.chars, len(chars))):
        vectors = np.random.default_rng(0).normal(size=(size, 16)).astype(np.float32)
        vectors[:2] = 0.0
        mean.table.start_from(vectors)
    SentenceEncoder(
        model=model,
        model_config=config,
        words=words,
        chars=chars,
        segmenter=processor.version,
        device="cpu",
    ).save(tmp_path / "encoder")
    encoder = SentenceEncoder.load(tmp_path / "encoder", segmenter=processor.version, device="cpu")
    build_index(tmp_path / "index", knowledge=sample_store(), segmenter=processor, encoder=encoder)
    recall = HybridRecall.open(tmp_path / "index", encoder=encoder, segmenter=processor.version)
    for row, recalled in enumerate(recall.recall(sentences)):
        assert recalled.rows[0] == row
        assert recalled.dense[0] == pytest.approx(1.0, abs=1e-5)
        assert recalled.degraded == ()
    assert recall.recall([Sentence(text="zzz", words=("zzz",))])[0].rows == ()


class FailingEncoder(HashingEncoder):
    """An encoder whose model fails once it is in service."""

    def encode(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Fails as torch does."""
        raise RuntimeError("out of memory")


def test_a_failing_or_absent_encoder_leaves_the_lexical_index(
    built_index: Path, processor: TextProcessor, questions: list[Sentence]
) -> None:
    for encoder in (FailingEncoder(), None):
        recall = HybridRecall.open(built_index, encoder=encoder, segmenter=processor.version)
        found = recall.recall(questions[:1])[0]
        assert found.degraded == ("dense",)
        assert recall.knowledge.entry_of(found.rows[0]).id == "no_shipment-01"


def test_without_both_indexes_there_is_no_recall(
    own_index: Path, processor: TextProcessor, encoder: HashingEncoder, questions: list[Sentence]
) -> None:
    shutil.rmtree(own_index / "lucene")
    failing = HybridRecall.open(own_index, encoder=FailingEncoder(), segmenter=processor.version)
    with pytest.raises(IndexUnavailableError, match="both"):
        failing.recall(questions)
    shutil.rmtree(own_index / "dense")
    with pytest.raises(IndexUnavailableError, match="neither"):
        HybridRecall.open(own_index, encoder=encoder, segmenter=processor.version)


def test_an_index_of_another_encoder_is_refused_not_degraded(built_index: Path, processor: TextProcessor) -> None:
    with pytest.raises(IndexMismatchError, match="encoder"):
        HybridRecall.open(built_index, encoder=HashingEncoder(version="new"), segmenter=processor.version)
