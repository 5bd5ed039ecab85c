"""Compiled networks: the answers of the trained ones at every size, and none where they do not fit."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import compiled, libraries
from models.compiled import ROWS, columns, compile_network, compiled_or_plain, compiler_fault, compiling, example_rows
from models.embeddings import Embeddings
from models.encoder import SentenceEncoder
from models.libraries import CompileError, is_settled, library_place
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
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library of `sums` lies."""
    folder = tmp_path_factory.mktemp("compiled")
    place = library_place(folder, "sums", "0123")
    with compiling(folder):
        compile_network(Sums(), place, shapes=SHAPES, examples=[example(4, 2, 3), example(1, 2, 3), example(9, 30, 20)])
    return place


def test_any_size_gives_the_same(place: Path) -> None:
    network = Sums()
    compute = compiled_or_plain(network, place)
    assert compute is not network
    for rows, n_words, n_chars in ((1, 1, 1), (1, 8, 9), (3, 50, 2), (70, 13, 100)):
        inputs = example(rows, n_words, n_chars)
        assert torch.equal(compute(*inputs), network(*inputs))


def test_inputs_need_not_lie_in_one_piece(place: Path) -> None:
    network = Sums()
    words, chars = example(6, 40, 60)
    inputs = words[:, :11], chars[:, ::5]
    assert torch.equal(compiled_or_plain(network, place)(*inputs), network(*inputs))


def test_nothing_else_is_left_behind(place: Path) -> None:
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    (place.parent / ".compiling-killed").mkdir()
    before = dict(os.environ)
    with compiling(place.parent):
        assert not (place.parent / ".compiling-killed").exists()
        assert os.environ != before
    assert dict(os.environ) == before
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_each_artifact_torch_and_processor_has_a_library_of_its_own(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    network = Sums()
    other = library_place(place.parent, "sums", "4567")
    assert compiled_or_plain(network, other) is network
    assert f"{other.name}: computing as trained, more slowly: not compiled for this processor" in caplog.text
    for module, name, value in ((libraries, "_instructions", lambda: ["sse2"]), (torch, "__version__", "1.0")):
        libraries._processor.cache_clear()
        libraries._code.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert library_place(place.parent, "sums", "0123") != place
    libraries._processor.cache_clear()
    libraries._code.cache_clear()
    assert library_place(place.parent, "sums", "0123") == place


def test_a_damaged_library_is_not_served(place: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network, damaged = Sums(), tmp_path / place.name
    shutil.copytree(place, damaged)
    (library,) = damaged.rglob("*.so")
    library.write_bytes(library.read_bytes()[:1000])
    assert compiled_or_plain(network, damaged) is network
    assert f"{damaged.name}: computing as trained, more slowly: its files are not those that were made" in caplog.text


@pytest.mark.parametrize(("wrong", "said"), [(1e9, r"1\.0e\+09"), (float("nan"), "nan")])
def test_a_library_that_answers_otherwise_is_thrown_away(
    wrong: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, place = Sums(), library_place(tmp_path, "sums", "0")
    monkeypatch.setattr(compiled, "_compile", lambda _network, beside, *_: beside.mkdir())
    monkeypatch.setattr(compiled, "_opened", lambda *_: lambda words, chars: network(words, chars) + wrong)
    with pytest.raises(CompileError, match=f"results differ by {said}"):
        compile_network(network, place, shapes=SHAPES, examples=[example(4, 9, 12)])
    assert not list(tmp_path.iterdir())
    assert compiled_or_plain(network, place) is network


def test_what_is_there_stays_when_compiling_again_fails(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the compiler ran out of memory")

    monkeypatch.setattr(compiled, "_compile", broken)
    network = Sums()
    with pytest.raises(CompileError, match="ran out of memory"):
        compile_network(network, place, shapes=SHAPES, examples=[example(4, 9, 12)])
    assert compiled_or_plain(network, place) is not network


def test_without_a_compiler_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    place = library_place(tmp_path, "sums", "0")
    with pytest.raises(CompileError, match=r"no C\+\+ compiler \(no-such-compiler\) on this machine"):
        compile_network(Sums(), place, shapes=SHAPES, examples=[example(4, 9, 12)])
    assert not is_settled(place)


def test_examples_are_all_sentences_and_several_sizes() -> None:
    lengths = np.array([3, 9, 1, 4])
    assert [rows.tolist() for rows in example_rows(lengths)] == [[1, 3, 0, 2], [1], [2], [0, 2], [1, 3, 0, 2]]
    assert [len(rows) for rows in example_rows(np.arange(130))] == [64, 64, 2, 1, 1, 2, 5]


@pytest.fixture(scope="module")
def sentences(processor: TextProcessor, delivery: list[Sentence], refund: list[Sentence]) -> list[Sentence]:
    return [*map(processor.process, TEXTS), *delivery, *refund]


def test_the_classifier_answers_the_same(
    labelled: list[tuple[Sentence, str]], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    params = ClassifierParams(n_epochs=2, batch_size=8, n_threads=1, device="cpu", longest_gram=4)
    labels = ("slow_delivery", "other")
    classifier = train_classifier(train=labelled, dev=labelled, labels=labels, embeddings=embeddings, params=params)
    differ = _differ(classifier.classify, sentences)
    classifier.save(tmp_path / "emotion")
    classifier.compile(tmp_path, sentences)
    classifier.prepare_service(compiled=tmp_path)
    monkeypatch.setattr(classifier.model, "forward", _not_asked)
    assert differ(classifier.classify) < 1e-5


def test_encoder_and_matcher_answer_the_same(
    delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
    encoder = _encoder(groups, embeddings)
    matcher = _matcher(groups, embeddings, encoder)
    rows = np.array([[(7 * n + k) % 16 for k in range(5)] + [-1] for n in range(len(sentences))])

    def score(part: list[Sentence]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return matcher.score(part, matcher.prepare(delivery), rows[: len(part)])

    encoded, scored = _differ(encoder.encode, sentences), _differ(score, sentences)
    encoder.compile(tmp_path, sentences)
    encoder.prepare_service(compiled=tmp_path)
    matcher.compile(tmp_path, sentences)
    matcher.prepare_service(compiled=tmp_path)
    for network, method in ((encoder.model, "forward"), (matcher.model, "read"), (matcher.model, "compare")):
        monkeypatch.setattr(network, method, _not_asked)
    assert encoded(encoder.encode) < 1e-5
    assert scored(score) < 1e-5
    names = sorted(path.name.split("-")[0] for path in tmp_path.iterdir())
    assert names == ["encoder", "matcher_compare", "matcher_read"]


def test_a_matcher_with_alignment_is_served_as_trained(
    delivery: list[Sentence], refund: list[Sentence], embeddings: Embeddings, sentences: list[Sentence], tmp_path: Path
) -> None:
    groups = [list(part[i : i + 2]) for part in (delivery, refund) for i in range(0, 16, 2)]
    matcher = _matcher(groups, embeddings, None, extractors=(*PBMATCH, "alignment"))
    with pytest.raises(CompileError, match="no soft alignment"):
        matcher.compile(tmp_path, sentences)
    before = matcher.score(sentences, matcher.prepare(delivery), np.zeros((len(sentences), 1), dtype=np.int64))
    matcher.prepare_service(compiled=tmp_path)
    after = matcher.score(sentences, matcher.prepare(delivery), np.zeros((len(sentences), 1), dtype=np.int64))
    assert np.array_equal(before, after)


def _not_asked(*_: object) -> None:
    pytest.fail("the network itself was asked")


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
