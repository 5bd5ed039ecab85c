"""Compiled networks: the answers of the trained ones at every size, and none where they do not fit."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import compiled
from models.compiled import (
    ROWS,
    CompileError,
    columns,
    compile_network,
    compiled_or_plain,
    compiler_fault,
    example_rows,
)
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.matcher import Matcher
from models.pbmatch import PBMATCH
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.classification import ClassifierParams, train_classifier
from models.training.encoder import EncoderParams, train_encoder
from models.training.matching import MatcherParams, train_matcher

pytestmark = pytest.mark.skipif(compiler_fault() is not None, reason=str(compiler_fault()))

TEXTS = (
    "急",
    "",
    "快递",
    "螃蟹死了！！",
    "快递怎么还没到，急死我了",
    "退款怎么还没到账，都三天了，客服也不理人，你们到底还管不管，再不退款我就投诉到平台，让大家都看看你们是怎么做生意的",
)


class Sums(nn.Module):
    """Products of words and sums of characters, each with weights."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.arange(50.0).view(10, 5))
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, words: Tensor, chars: Tensor) -> Tensor:
        scale = self.get_buffer("scale")
        return nn.functional.embedding(words, self.table).sum(dim=1) * scale + chars.sum(dim=1, keepdim=True)


SHAPES = [{0: ROWS, 1: columns("words", 100)}, {0: ROWS, 1: columns("chars", 100)}]


def example(rows: int, n_words: int, n_chars: int) -> tuple[Tensor, Tensor]:
    return torch.randint(0, 10, (rows, n_words)), torch.randint(0, 2**40, (rows, n_chars))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def sums(folder: Path) -> Sums:
    """A network that has been compiled."""
    network = Sums()
    compile_network(network, folder, "sums", shapes=SHAPES, examples=[example(4, 9, 12), example(1, 2, 3)])
    return network


def test_any_size_gives_the_same(sums: Sums, folder: Path) -> None:
    compute = compiled_or_plain(sums, folder, "sums")
    assert compute is not sums
    for rows, n_words, n_chars in ((1, 1, 1), (1, 8, 9), (3, 50, 2), (70, 13, 100)):
        inputs = example(rows, n_words, n_chars)
        assert torch.equal(compute(*inputs), sums(*inputs))


def test_inputs_need_not_lie_in_one_piece(sums: Sums, folder: Path) -> None:
    words, chars = example(6, 40, 60)
    inputs = words[:, :11], chars[:, ::5]
    assert torch.equal(compiled_or_plain(sums, folder, "sums")(*inputs), sums(*inputs))


def test_weights_are_those_of_the_network(sums: Sums, folder: Path) -> None:
    other = Sums()
    with torch.no_grad():
        other.table.mul_(3.0)
    inputs = example(2, 9, 9)
    assert torch.equal(compiled_or_plain(other, folder, "sums")(*inputs), other(*inputs))


def test_another_shape_torch_or_processor_is_not_served(
    sums: Sums, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wider = Sums()
    wider.table = nn.Parameter(torch.zeros(11, 5))
    assert compiled_or_plain(wider, folder, "sums") is wider
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO, logger="models.compiled"):
        patch.setattr(compiled, "_instructions", lambda: ["sse2"])
        assert compiled_or_plain(sums, folder, "sums") is sums
    assert "nothing is compiled for this processor" in caplog.text
    assert compiled_or_plain(sums, None, "sums") is sums


def test_a_damaged_library_is_not_served(
    sums: Sums, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own,) = folder.glob("sums-*.pt2")
    (tmp_path / own.name).write_bytes(own.read_bytes()[:1000])
    assert compiled_or_plain(sums, tmp_path, "sums") is sums
    assert f"{tmp_path / own.name} is not used, computing as trained" in caplog.text


def test_a_library_that_answers_otherwise_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Sums()
    monkeypatch.setattr(compiled, "_opened", lambda *_: lambda words, chars: network(words, chars) + 1e9)
    with pytest.raises(CompileError, match=r"sums was not compiled: results differ by 1\.0e\+09"):
        compile_network(network, tmp_path, "sums", shapes=SHAPES, examples=[example(4, 9, 12)])
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CompileError, match=r"no C\+\+ compiler \(no-such-compiler\) on this machine"):
        compile_network(Sums(), tmp_path / "new", "sums", shapes=SHAPES, examples=[example(4, 9, 12)])
    assert not (tmp_path / "new").exists()


def test_examples_are_of_several_sizes() -> None:
    assert [rows.tolist() for rows in example_rows(6)] == [[0, 1, 2, 3, 4, 5], [0], [4, 5], [1, 2, 3, 4, 5]]


@pytest.fixture(scope="module")
def sentences(processor: TextProcessor, delivery: list[Sentence], refund: list[Sentence]) -> list[Sentence]:
    return [*map(processor.process, TEXTS), *delivery, *refund]


def test_the_classifier_answers_the_same(
    labelled: list[tuple[Sentence, str]], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path
) -> None:
    params = ClassifierParams(n_epochs=2, batch_size=8, n_threads=1, device="cpu", longest_gram=4)
    labels = ("slow_delivery", "other")
    classifier = train_classifier(train=labelled, dev=labelled, labels=labels, embeddings=embeddings, params=params)
    differ = _differ(classifier.classify, sentences)
    classifier.compile(tmp_path, "emotion", sentences)
    classifier.prepare_service(compiled=tmp_path, name="emotion")
    assert differ(classifier.classify) < 1e-5


def test_encoder_and_matcher_answer_the_same(
    delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path
) -> None:
    groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
    encoder = _encoder(groups, embeddings)
    matcher = _matcher(groups, embeddings, encoder)
    rows = np.array([[(7 * n + k) % 16 for k in range(5)] + [-1] for n in range(len(sentences))])

    def score(part: list[Sentence]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return matcher.score(part, matcher.prepare(delivery), rows[: len(part)])

    encoded, scored = _differ(encoder.encode, sentences), _differ(score, sentences)
    encoder.compile(tmp_path, "encoder", sentences)
    encoder.prepare_service(compiled=tmp_path, name="encoder")
    matcher.compile(tmp_path, sentences)
    matcher.prepare_service(compiled=tmp_path)
    assert encoded(encoder.encode) < 1e-5
    assert scored(score) < 1e-5
    assert sorted(path.name.rsplit("-", 1)[0] for path in tmp_path.iterdir()) == [
        "encoder",
        "matcher-compare",
        "matcher-read",
    ]


def test_a_matcher_with_alignment_is_served_as_trained(
    delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path
) -> None:
    groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
    matcher = _matcher(groups, embeddings, None, extractors=(*PBMATCH, "alignment"))
    with pytest.raises(CompileError, match="soft alignment"):
        matcher.compile(tmp_path, sentences)
    before = matcher.score(sentences, matcher.prepare(delivery), np.zeros((len(sentences), 1), dtype=np.int64))
    matcher.prepare_service(compiled=tmp_path)
    after = matcher.score(sentences, matcher.prepare(delivery), np.zeros((len(sentences), 1), dtype=np.int64))
    assert np.array_equal(before, after)


Answers = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def _differ(answer: Callable[[list[Sentence]], Answers], sentences: list[Sentence]) -> Callable[..., float]:
    """A function that tells how far another answer is from this one, at several sizes."""
    parts = [sentences, *([sentence] for sentence in sentences[:8]), sentences[3:7]]
    before = [answer(part) for part in parts]
    return lambda other: max(float(np.abs(other(part) - own).max()) for part, own in zip(parts, before, strict=True))


def _encoder(groups: list[list[Sentence]], embeddings: Embeddings) -> SentenceEncoder:
    params = EncoderParams(n_epochs=2, batch_size=8, output_width=16, n_threads=1, device="cpu")
    return train_encoder(train=groups, dev=groups, embeddings=embeddings, params=params)


def _matcher(
    groups: list[list[Sentence]],
    embeddings: Embeddings,
    encoder: SentenceEncoder | None,
    extractors: tuple[str, ...] = PBMATCH,
) -> Matcher:
    half = len(groups) // 2
    pairs = [(a, b, 1) for a, b in groups] + [(groups[n][0], groups[n + half][0], 0) for n in range(half)]
    params = MatcherParams(
        extractors=extractors, n_epochs=1, batch_size=8, n_threads=1, device="cpu", n_kernels=12, hidden=16
    )
    return train_matcher(train=pairs, dev=pairs, embeddings=embeddings, encoder=encoder, params=params)
