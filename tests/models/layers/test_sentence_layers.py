"""SWEM, n-gram CNN, LEAM and BCNN's tower: numpy references, hand-worked values, padding invariance."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.layers.bcnn import BCNNTower, TowerOutput, similarities, vector_features
from models.layers.leam import LEAM
from models.layers.ngram import NGramCNN
from models.layers.pooling import masked_max, masked_mean, masked_softmax
from models.layers.swem import SWEM
from tests.models.layers.batches import LENGTHS, padded, sentences

WIDTH = 6


def tower_vector(tower: BCNNTower) -> Callable[[Tensor, Tensor], Tensor]:
    def read(vectors: Tensor, mask: Tensor) -> Tensor:
        output: TowerOutput = tower(vectors, mask)
        return torch.cat((output.levels, output.peaks), dim=1)

    return read


def layers() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    torch.manual_seed(1)
    return {
        "swem-aver": SWEM(width=WIDTH, mode="aver"),
        "swem-max": SWEM(width=WIDTH, mode="max"),
        "swem-concat": SWEM(width=WIDTH),
        "swem-hier": SWEM(width=WIDTH, mode="hier", window=3),
        "cnn": NGramCNN(width=WIDTH, n_filters=4),
        "leam-shared": LEAM(n_labels=3, width=WIDTH, radius=2),
        "leam-full": LEAM(n_labels=3, width=WIDTH, radius=2, window="full"),
        "bcnn-1": tower_vector(BCNNTower(width=WIDTH, n_kernels=5, kernel_size=4)),
        "bcnn-3": tower_vector(BCNNTower(width=WIDTH, n_kernels=5, kernel_size=3, n_blocks=3)),
    }


@pytest.mark.parametrize("name", sorted(layers()))
def test_padding_and_company_change_nothing(name: str) -> None:
    layer = layers()[name]
    alone = torch.cat([layer(*padded([row], len(row))) for row in sentences()])
    for length in (max(LENGTHS), 17, 40):
        together = layer(*padded(sentences(), length))
        assert torch.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("name", sorted(layers()))
def test_an_empty_sentence_gives_finite_numbers_whatever_the_padding(name: str) -> None:
    layer = layers()[name]
    empty = np.zeros((0, WIDTH), dtype=np.float32)
    short, long = layer(*padded([empty], 1)), layer(*padded([empty, sentences()[5]], 20))[:1]
    assert torch.isfinite(short).all()
    assert torch.allclose(short, long, atol=1e-6)


@pytest.mark.parametrize("name", ["cnn", "leam-shared", "leam-full", "swem-concat", "swem-hier"])
def test_gradients_are_finite_and_padding_gets_none(name: str) -> None:
    layer = layers()[name]
    vectors, mask = padded([*sentences(), np.zeros((2, WIDTH), dtype=np.float32)], 12, rubbish=False)
    vectors.requires_grad_()
    layer(vectors, mask).square().sum().backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
    assert not vectors.grad[~mask].any()


def test_pooling_by_hand() -> None:
    values = torch.tensor([[[-1.0, 2.0], [-3.0, 4.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    assert masked_mean(values, mask).tolist() == [[-2.0, 3.0]]
    assert masked_max(values, mask).tolist() == [[-1.0, 4.0]]
    assert masked_max(values, torch.zeros_like(mask)).tolist() == [[0.0, 0.0]]
    weights = masked_softmax(torch.tensor([[0.0, np.log(3.0), 99.0]]), mask)
    assert weights.tolist()[0] == pytest.approx([0.25, 0.75, 0.0])
    assert masked_softmax(torch.tensor([[1e4, 1e4, 0.0]]), mask).tolist() == [[0.5, 0.5, 0.0]]


def test_hierarchical_swem_is_the_maximum_of_window_means() -> None:
    layer = SWEM(width=1, mode="hier", window=2)
    vectors = torch.tensor([[[1.0], [-5.0], [3.0], [4.0]]])
    mask = torch.tensor([[True, True, True, False]])
    assert layer(vectors, mask).tolist() == [[-1.0]]  # means -2 and -1; the window with padding does not count
    only = torch.tensor([[True, False, False, False]])
    assert layer(-vectors, only).tolist() == [[-1.0]]  # one word: one window over what there is


def conv_reference(row: NDArray[np.float32], convolution: nn.Module) -> NDArray[np.float32]:
    """Correlation of rows (length, width) with every kernel, float (length - size + 1, kernels)."""
    assert isinstance(convolution, nn.Conv1d)
    assert convolution.bias is not None
    weight, bias = convolution.weight.detach().numpy(), convolution.bias.detach().numpy()
    size = weight.shape[2]
    windows = [row[start : start + size] for start in range(len(row) - size + 1)]
    return np.stack([np.einsum("sw,kws->k", window, weight) + bias for window in windows])


def test_cnn_equals_numpy() -> None:
    layer = NGramCNN(width=WIDTH, n_filters=4)
    for row in sentences():
        expected = []
        for size, convolution in zip((2, 3, 4), layer.convolutions, strict=True):
            n_zeros = max(size - len(row), 0)
            extended = np.vstack((row, np.zeros((n_zeros, WIDTH), dtype=np.float32)))
            phrases = np.maximum(conv_reference(extended, convolution), 0)
            assert len(phrases) == max(len(row) - size + 1, 1)
            expected += [phrases.max(axis=0), phrases.mean(axis=0)]
        got = layer(*padded([row], 15)).detach().numpy()[0]
        assert np.allclose(got, np.concatenate(expected), atol=1e-5)


@pytest.mark.parametrize("window", ["shared", "full"])
def test_leam_equals_numpy(window: str) -> None:
    layer = LEAM(n_labels=3, width=WIDTH, radius=1, window="shared" if window == "shared" else "full")
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
    labels = layer.labels.detach().numpy()
    weight = layer.phrase.weight.detach().numpy()
    for row in sentences():
        cosine = (labels / np.linalg.norm(labels, axis=1, keepdims=True)) @ (
            row / np.linalg.norm(row, axis=1, keepdims=True)
        ).T
        extended = np.pad(cosine, ((0, 0), (1, 1)))
        beta = np.zeros(len(row))
        for place in range(len(row)):
            seen = extended[:, place : place + 3]
            phrase = seen @ weight[0, 0] if window == "shared" else np.einsum("ks,jks->j", seen, weight)
            beta[place] = np.maximum(phrase + np.array([0.1, -0.2, 0.3]), 0).max()
        beta = np.exp(beta) / np.exp(beta).sum()
        vectors, mask = padded([row], 13)
        assert np.allclose(layer.attention(vectors, mask).detach().numpy()[0, : len(row)], beta, atol=1e-6)
        assert np.allclose(layer(vectors, mask).detach().numpy()[0], beta @ row, atol=1e-5)


def test_leam_has_the_papers_parameters() -> None:
    shapes = {name: tuple(value.shape) for name, value in LEAM(n_labels=7, width=WIDTH).named_parameters()}
    assert shapes == {"labels": (7, WIDTH), "phrase.weight": (1, 1, 5), "bias": (7,)}


def test_bcnn_equals_numpy() -> None:
    tower = BCNNTower(width=WIDTH, n_kernels=5, kernel_size=3, n_blocks=2)
    for row in sentences():
        levels, current = [row.mean(axis=0)], row
        columns = current
        for block in tower.blocks:
            columns = np.tanh(conv_reference(np.pad(current, ((2, 2), (0, 0))), block))
            assert len(columns) == len(row) + 2
            levels.append(columns.mean(axis=0))
            current = np.stack([columns[j : j + 3].mean(axis=0) for j in range(len(row))])
        output = tower(*padded([row], 14))
        assert np.allclose(output.levels.detach().numpy()[0], np.concatenate(levels), atol=1e-5)
        assert np.allclose(output.peaks.detach().numpy()[0], columns.max(axis=0), atol=1e-5)


def test_pair_features_by_hand() -> None:
    left = TowerOutput(torch.tensor([[1.0, 0.0, 3.0, 4.0]]), torch.tensor([[0.5, -1.0]]))
    right = TowerOutput(torch.tensor([[1.0, 1.0, 4.0, 3.0]]), torch.tensor([[0.25, 2.0]]))
    assert similarities(left, right, (2, 2)).tolist()[0] == pytest.approx([0.5**0.5, 24 / 25])
    assert vector_features(left, right).tolist()[0] == pytest.approx([0.75, 1.0, 0.25, 3.0, 0.125, -2.0])
    assert torch.equal(vector_features(left, right), vector_features(right, left))
