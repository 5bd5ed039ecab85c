"""Fixed shapes: padding and company change no score, half precision hardly, and nothing is lost on the way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from models.acceleration import FixedShapes, Precision, Shapes
from models.classifier import Classifier
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.matcher import Matcher, Prepared
from models.pbmatch import PBMATCH
from models.text.ragged import Ragged
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.classification import train_classifier
from models.training.classifier_params import ClassifierParams
from models.training.encoder import EncoderParams, train_encoder
from models.training.matching import MatcherParams, train_matcher

SMALL = Shapes(batches=(1, 3), lengths=((6, 9), (12, 18), (48, 80)))
HALVES: tuple[Precision, ...] = ("bfloat16", "float16")
CPU = torch.device("cpu")
ROWS = np.array([[0, 20, -1, 32, 5], [31, 33, 4, 4, 6], [-1, -1, -1, -1, -1], [1, 32, 33, -1, 7], [9, 8, 7, 6, 5]])


@given(st.lists(st.tuples(st.integers(0, 48), st.integers(0, 80)), min_size=1, max_size=30))
def test_every_sentence_is_in_one_group_of_the_shortest_shape(needed: list[tuple[int, int]]) -> None:
    lengths = np.array(needed)
    seen: list[int] = []
    for rows, batch, shape in SMALL.groups(lengths):
        assert len(rows) <= batch
        assert batch in SMALL.batches
        assert batch == 1 or len(rows) > 1
        assert (lengths[rows] <= shape).all()
        shorter = [s for s in SMALL.lengths if s < shape]
        assert all((lengths[row] > s).any() for row in rows for s in shorter)
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(needed)))


def test_usual_shapes_end_with_what_a_model_reads() -> None:
    assert Shapes.up_to(48, 80) == Shapes()
    assert Shapes.up_to(20, 60).lengths == ((10, 16), (20, 60))
    assert Shapes.up_to(8, 8).lengths == ((8, 8),)
    assert Shapes.up_to(96, 160).lengths == (*Shapes().lengths, (96, 160))


def test_a_sentence_that_fits_no_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"50 words and 81 characters: the longest shape holds 48 and 80"):
        list(SMALL.groups(np.array([[3, 3], [50, 81]])))


def test_inputs_are_padded_and_results_are_in_order() -> None:
    seen: list[tuple[int, ...]] = []

    def forward(words: Tensor, chars: Tensor, rows: Tensor) -> Tensor:
        seen.append((*words.shape, chars.shape[1], rows.shape[1]))
        return torch.stack((words.sum(dim=1), chars.sum(dim=1), rows.sum(dim=1)), dim=1).float()

    words = Ragged.of([[5, 6], [7] * 7, [], [1], [2]], max_length=48)
    chars = Ragged.of([[1], [2] * 10, [], [3], [4]], max_length=80)
    needed = np.stack((words.lengths, chars.lengths), axis=1)
    fixed = FixedShapes(forward, shapes=SMALL, device=CPU, precision="float32", n_candidates=2)
    rows = np.arange(10).reshape(5, 2)
    found = fixed.run(words, chars, needed=needed, rows=rows)
    assert found.tolist() == [[11, 1, 1], [49, 20, 5], [0, 0, 9], [1, 3, 13], [2, 4, 17]]
    assert seen == [(3, 6, 9, 2), (1, 6, 9, 2), (1, 12, 18, 2)]


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of"):
        FixedShapes(lambda w, _: w, shapes=SMALL, device=CPU, precision="float8")  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["with encoder", "with alignment"])
def matcher(
    request: pytest.FixtureRequest, delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings
) -> Matcher:
    chosen: SentenceEncoder | None = None
    if request.param == "with encoder":
        groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
        few = EncoderParams(n_epochs=1, batch_size=8, output_width=16, n_threads=1, device="cpu")
        chosen = train_encoder(train=groups, dev=groups, embeddings=embeddings, params=few)
    pairs = [(a[i], a[i + 1], 1) for a in (delivery, refund) for i in range(0, 16, 2)]
    pairs += [(delivery[i], refund[(3 * i + 1) % 16], 0) for i in range(16)]
    params = MatcherParams(
        extractors=PBMATCH if chosen else (*PBMATCH, "alignment"), n_epochs=8, patience=8, batch_size=8, n_threads=1,
        device="cpu", learning_rate=3e-3, embedding_rate=3e-3, hidden=16, n_kernels=12, alignment_width=16,
    )  # fmt: skip
    return train_matcher(train=pairs, dev=pairs, embeddings=embeddings, encoder=chosen, params=params)


@pytest.fixture(scope="module")
def knowledge(delivery: list[Sentence], refund: list[Sentence], processor: TextProcessor) -> list[Sentence]:
    return [*delivery, *refund, processor.process("显卡风扇不转，" * 9), processor.process("")]


@pytest.fixture(scope="module")
def queries(delivery: list[Sentence], refund: list[Sentence], processor: TextProcessor) -> list[Sentence]:
    return [refund[0], processor.process("急"), delivery[5], processor.process(""), processor.process("退款" * 50)]


@pytest.fixture(scope="module")
def prepared(matcher: Matcher, knowledge: list[Sentence]) -> Prepared:
    return matcher.prepare(knowledge)


def in_order(scores: NDArray[np.float32], other: NDArray[np.float32], *, gap: float) -> bool:
    """Whether candidates that `scores` tells apart by more than `gap` stand in the same order in `other`."""
    further = scores[:, :, None] > scores[:, None, :] + gap
    return bool((other[:, :, None] > other[:, None, :])[further].all())


@pytest.mark.parametrize("n_candidates", [2, 5, 20])
def test_fixed_shapes_give_equal_scores(
    matcher: Matcher, queries: list[Sentence], prepared: Prepared, n_candidates: int
) -> None:
    plain = matcher.score(queries, prepared, ROWS)
    recorded = matcher.recorded(prepared, precision="float32", n_candidates=n_candidates, shapes=SMALL)
    fixed = matcher.score(queries, recorded, ROWS)
    assert fixed.dtype == np.float32
    np.testing.assert_allclose(fixed, plain, atol=1e-5)
    assert in_order(plain, fixed, gap=2e-5)
    assert (plain[:, 0] - plain[:, 1]).std() > 1e-3  # there is an order to keep


@pytest.mark.parametrize("precision", HALVES)
def test_half_precision_keeps_scores_and_order(
    matcher: Matcher, queries: list[Sentence], prepared: Prepared, precision: Precision
) -> None:
    plain = matcher.score(queries, prepared, ROWS)
    half = matcher.score(queries, matcher.recorded(prepared, precision=precision, shapes=SMALL), ROWS)
    assert not np.array_equal(half, plain)
    np.testing.assert_allclose(half, plain, atol=1e-2)
    assert in_order(plain, half, gap=2e-2)


def test_nothing_to_compare(matcher: Matcher, delivery: list[Sentence], prepared: Prepared) -> None:
    recorded = matcher.recorded(prepared, shapes=SMALL)
    assert matcher.score([], recorded, np.zeros((0, 3), dtype=np.int64)).shape == (0, 3)
    assert matcher.score(delivery[:2], recorded, np.zeros((2, 0), dtype=np.int64)).shape == (2, 0)
    nothing = matcher.recorded(matcher.prepare([]))
    assert matcher.score(delivery[:1], nothing, np.array([[-1]])).tolist() == [[0.0]]


def test_nothing_is_recorded_on_a_processor(matcher: Matcher, delivery: list[Sentence]) -> None:
    assert matcher.prepare_knowledge(delivery).recorded is None


@pytest.fixture(scope="module")
def classifier(labelled: list[tuple[Sentence, str]], embeddings: Embeddings) -> Classifier:
    params = ClassifierParams(
        n_epochs=3, batch_size=8, n_filters=8, n_threads=1, device="cpu", longest_gram=2, max_words=48, max_chars=80
    )
    return train_classifier(
        train=labelled, dev=labelled, labels=("slow_delivery", "other"), embeddings=embeddings, params=params
    )


@pytest.mark.parametrize(("precision", "within"), [("float32", 1e-5), ("bfloat16", 1e-2), ("float16", 1e-2)])
def test_a_classifier_at_fixed_shapes(
    classifier: Classifier, queries: list[Sentence], tmp_path: Path, processor: TextProcessor, precision: Precision,
    within: float,
) -> None:  # fmt: skip
    assert classifier.model.grams is not None
    classifier.model.grams.scale.fill_(1.0)
    plain = classifier.classify(queries)
    classifier.save(tmp_path / "classifier")
    recorded = Classifier.load(tmp_path / "classifier", segmenter=processor.version, device="cpu")
    recorded.record(precision=precision, shapes=SMALL)
    np.testing.assert_allclose(recorded.classify(queries), plain, atol=within)
    assert recorded.classify([]).shape == (0, 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU: graphs cannot be recorded")
@pytest.mark.parametrize("precision", ["float32", *HALVES])
def test_recorded_graphs_score_like_the_processor(
    matcher: Matcher, queries: list[Sentence], knowledge: list[Sentence], prepared: Prepared, tmp_path: Path,
    processor: TextProcessor, precision: Precision,
) -> None:  # fmt: skip
    plain = matcher.score(queries, prepared, ROWS)
    matcher.save(tmp_path / "matcher")
    there = Matcher.load(tmp_path / "matcher", segmenter=processor.version, device="cuda")
    recorded = there.recorded(there.prepare(knowledge), precision=precision, shapes=SMALL)
    for _ in range(3):  # every graph again, in turn with the others
        scores = there.score(queries, recorded, ROWS)
        np.testing.assert_allclose(scores, plain, atol=1e-2)
        assert in_order(plain, scores, gap=2e-2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU: graphs cannot be recorded")
@pytest.mark.parametrize("precision", ["float32", *HALVES])
def test_a_recorded_classifier_answers_like_the_processor(
    classifier: Classifier, queries: list[Sentence], tmp_path: Path, processor: TextProcessor, precision: Precision
) -> None:
    plain = classifier.classify(queries)
    classifier.save(tmp_path / "classifier")
    there = Classifier.load(tmp_path / "classifier", segmenter=processor.version, device="cuda")
    there.record(precision=precision, shapes=SMALL)
    for _ in range(3):
        np.testing.assert_allclose(there.classify(queries), plain, atol=1e-2)
