"""The matcher: cached and direct scores agree, company does not matter, it learns, it survives its artifact."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from models.artifact import ArtifactError
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.matcher import Matcher
from models.pbmatch import PBMATCH
from models.readings import match_keys
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.text.vocabulary import Vocabulary
from models.training.encoder import EncoderParams, train_encoder
from models.training.loop import FitReport
from models.training.matching import MatcherParams, train_matcher

Pairs = list[tuple[Sentence, Sentence, int]]


@pytest.fixture(scope="module")
def pairs(delivery: list[Sentence], refund: list[Sentence]) -> Pairs:
    """16 right pairs (of one matter) and 16 wrong ones."""
    right = [(a[i], a[i + 1], 1) for a in (delivery, refund) for i in range(0, 16, 2)]
    wrong = [(delivery[i], refund[(3 * i + 1) % 16], 0) for i in range(16)]
    return [*right, *wrong]


@pytest.fixture(scope="module")
def encoder(delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings) -> SentenceEncoder:
    """A sentence encoder over the same vocabularies, trained a little."""
    params = EncoderParams(n_epochs=2, batch_size=8, output_width=16, n_threads=1, device="cpu")
    groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
    return train_encoder(train=groups, dev=groups, embeddings=embeddings, params=params)


@pytest.fixture(scope="module", params=["alone", "with encoder", "with alignment"])
def matcher(request: pytest.FixtureRequest, pairs: Pairs, embeddings: Embeddings, encoder: SentenceEncoder) -> Matcher:
    chosen = encoder if request.param == "with encoder" else None
    extractors = (*PBMATCH, "alignment") if request.param == "with alignment" else PBMATCH
    params = MatcherParams(
        extractors=extractors, n_epochs=80, patience=80, batch_size=8, n_threads=1, device="cpu", learning_rate=3e-3,
        embedding_rate=3e-3, hidden=16, n_kernels=12, alignment_width=16, serving_prior=0.2,
    )  # fmt: skip
    return train_matcher(train=pairs, dev=pairs, embeddings=embeddings, encoder=chosen, params=params)


def test_overfits_32_pairs(matcher: Matcher, pairs: Pairs) -> None:
    scores = matcher.score_pairs([a for a, _, _ in pairs], [b for _, b, _ in pairs])
    assert [int(score > matcher.threshold) for score in scores] == [label for _, _, label in pairs]


def test_the_encoder_stays_as_it_was_trained(matcher: Matcher, encoder: SentenceEncoder) -> None:
    if matcher.model.encoder is not None:
        before, after = encoder.model.state_dict(), matcher.model.encoder.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        matcher.model.train()
        assert not matcher.model.encoder.training
        matcher.model.eval()


@pytest.mark.parametrize(
    ("extractor", "features"),
    [("bcnn", "sims"), ("bcnn", "vectors"), ("abcnn1", "both"), ("abcnn2", "both"), ("abcnn3", "both"),
     ("pyramid", "both"), ("alignment", "both")],
)  # fmt: skip
def test_every_extractor_alone_overfits_32_pairs(
    extractor: str, features: Literal["sims", "vectors", "both"], pairs: Pairs, embeddings: Embeddings
) -> None:
    params = MatcherParams(
        extractors=(extractor,), bcnn_features=features, overlap=False, use_chars=False, n_epochs=40, patience=40,
        batch_size=8, n_threads=1, device="cpu", learning_rate=1e-2, embedding_rate=1e-2, hidden=16, n_kernels=12,
        alignment_width=16, alignment_dropout=0.0, dropout=0.0, token_dropout=0.0,
    )  # fmt: skip
    report: list[FitReport] = []
    train_matcher(train=pairs, dev=pairs, embeddings=embeddings, params=params, report=report)
    assert report[0].best_score > 0.99


def test_cached_scores_equal_direct_ones(
    matcher: Matcher, delivery: list[Sentence], refund: list[Sentence], processor: TextProcessor
) -> None:
    knowledge = [*delivery, *refund, processor.process("显卡风扇不转，" * 9), processor.process("")]
    queries = [refund[0], processor.process("急"), delivery[5], processor.process("")]
    rows = np.array([[0, 20, -1, 32], [31, 33, 4, 4], [-1, -1, -1, -1], [1, 32, 33, -1]])
    scores = matcher.score(queries, matcher.prepare(knowledge), rows)
    assert scores.dtype == np.float32
    for place, candidates in enumerate(rows):
        for column, row in enumerate(candidates):
            direct = matcher.score_pairs([queries[place]], [knowledge[row]])[0] if row >= 0 else 0.0
            assert scores[place, column] == pytest.approx(direct, abs=1e-5)


def test_pairs_alone_score_as_in_company(matcher: Matcher, pairs: Pairs) -> None:
    left, right = [a for a, _, _ in pairs], [b for _, b, _ in pairs]
    together = matcher.score_pairs(left, right)
    alone = [float(matcher.score_pairs([a], [b])[0]) for a, b in zip(left, right, strict=True)]
    assert together.tolist() == pytest.approx(alone, abs=1e-6)


def test_many_pairs_are_scored_in_portions(matcher: Matcher, delivery: list[Sentence]) -> None:
    prepared = matcher.prepare(delivery * 20)
    rows = np.arange(320).reshape(1, 320).repeat(2, axis=0)
    scores = matcher.score(delivery[:2], prepared, rows)
    assert np.allclose(scores[0], np.tile(scores[0, :16], 20), atol=1e-6)
    assert len(prepared) == 320


def test_no_queries_no_candidates_no_knowledge(matcher: Matcher, delivery: list[Sentence]) -> None:
    prepared = matcher.prepare(delivery)
    assert matcher.score([], prepared, np.zeros((0, 3), dtype=np.int64)).shape == (0, 3)
    assert matcher.score(delivery[:2], prepared, np.zeros((2, 0), dtype=np.int64)).shape == (2, 0)
    nothing = matcher.prepare([])
    assert matcher.score(delivery[:1], nothing, np.array([[-1]])).tolist() == [[0.0]]
    assert matcher.score_pairs([], []).shape == (0,)


def test_rows_are_checked(matcher: Matcher, delivery: list[Sentence]) -> None:
    prepared = matcher.prepare(delivery)
    with pytest.raises(ValueError, match="must lie in"):
        matcher.score(delivery[:1], prepared, np.array([[16]]))
    with pytest.raises(ValueError, match="must lie in"):
        matcher.score(delivery[:1], prepared, np.array([[-2]]))
    with pytest.raises(ValueError, match="must have 1 lines"):
        matcher.score(delivery[:1], prepared, np.array([[0], [1]]))
    with pytest.raises(ValueError, match="must be as many"):
        matcher.score_pairs(delivery[:1], delivery[:2])


def test_padding_of_either_side_changes_nothing(matcher: Matcher) -> None:
    left = (torch.tensor([[2, 3, 4]]), torch.tensor([[2, 3, 4, 5]]))
    right = (torch.tensor([[3, 6]]), torch.tensor([[7, 3]]))
    padded = [torch.nn.functional.pad(keys, (0, 11)) for keys in (*left, *right)]
    with torch.inference_mode():
        expected = matcher.model(left, right)
        assert torch.allclose(matcher.model((padded[0], padded[1]), right), expected, atol=1e-6)
        assert torch.allclose(matcher.model(left, (padded[2], padded[3])), expected, atol=1e-6)


def test_probabilities_are_shifted_logits(matcher: Matcher, pairs: Pairs) -> None:
    # half of the training pairs are right, a fifth in service: log(0.2 / 0.8) - log(0.5 / 0.5)
    assert matcher.shift == pytest.approx(np.log(0.25))
    logits = np.array([-1.0, 0.0, 2.0], dtype=np.float32)
    expected = 1 / (1 + np.exp(-(logits + matcher.shift) / matcher.temperature))
    assert matcher.probabilities(logits).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_unknown_tokens_have_keys_of_their_own() -> None:
    vocabulary = Vocabulary(["货"])
    keys = match_keys(vocabulary, ["货", "显卡", "奶粉", "显卡"])
    assert keys[0] == 2
    assert keys[1] == keys[3] != keys[2]
    assert min(keys[1:]) >= len(vocabulary)


def test_an_equal_unknown_word_counts_as_overlap(matcher: Matcher, processor: TextProcessor) -> None:
    a, b, c = (Sentence(text=word, words=(word,)) for word in ("螃蟹", "螃蟹", "轮胎"))
    same, other = matcher.logits([a, a], [b, c])
    assert same != other
    assert processor.process("螃蟹").words == a.words


def test_saved_is_loaded_to_the_bit(tmp_path: Path, matcher: Matcher, pairs: Pairs, processor: TextProcessor) -> None:
    version = matcher.save(tmp_path / "matcher")
    loaded = Matcher.load(tmp_path / "matcher", segmenter=processor.version, device="cpu")
    left, right = [a for a, _, _ in pairs], [b for _, b, _ in pairs]
    assert np.array_equal(loaded.score_pairs(left, right), matcher.score_pairs(left, right))
    assert (loaded.version, loaded.threshold, loaded.shift) == (version, matcher.threshold, matcher.shift)
    with pytest.raises(ArtifactError, match="segmenter"):
        Matcher.load(tmp_path / "matcher", segmenter="another")


def test_one_kind_of_pairs_is_refused(pairs: Pairs, embeddings: Embeddings) -> None:
    with pytest.raises(ValueError, match="right and wrong pairs"):
        train_matcher(train=pairs[:16], dev=pairs, embeddings=embeddings)
