"""MatchPyramid, its dynamic pooling, ABCNN, the alignment, and the overlap features."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from models.layers.abcnn import ABCNN
from models.layers.alignment import Alignment
from models.layers.overlap import N_OVERLAP_FEATURES, overlap_features
from models.layers.pyramid import MatchPyramid, dynamic_max_pool, match_matrices
from models.text.vocabulary import PAD, UNK


@given(
    lengths=st.lists(st.tuples(st.integers(1, 19), st.integers(1, 23)), min_size=1, max_size=5),
    size=st.sampled_from([1, 2, 3, 4, 8]),
    extra=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
@settings(max_examples=150, deadline=None)
def test_dynamic_pooling_is_adaptive_pooling_of_each_block(
    lengths: list[tuple[int, int]], size: int, extra: tuple[int, int]
) -> None:
    n, m = (max(pair[axis] for pair in lengths) + extra[axis] for axis in (0, 1))
    values = torch.randn(len(lengths), 2, n, m, generator=torch.Generator().manual_seed(n * 100 + m))
    rows, columns = torch.tensor(lengths).unbind(1)
    pooled = dynamic_max_pool(values, rows, columns, size=size)
    for place, (n_rows, n_columns) in enumerate(lengths):
        block = values[place : place + 1, :, :n_rows, :n_columns]
        assert torch.equal(pooled[place : place + 1], functional.adaptive_max_pool2d(block, size))


def test_dynamic_pooling_of_nothing_reads_the_first_cell() -> None:
    values = torch.arange(6.0).reshape(1, 1, 2, 3)
    pooled = dynamic_max_pool(values, torch.tensor([0]), torch.tensor([0]), size=2)
    assert pooled.tolist() == [[[[0.0, 0.0], [0.0, 0.0]]]]


def test_match_matrices_by_hand() -> None:
    left = torch.tensor([[[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]]])
    right = torch.tensor([[[4.0, 3.0], [0.0, 0.0]]])
    matches = match_matrices(left, right, torch.tensor([[7, 9, PAD]]), torch.tensor([[9, PAD]]))
    assert matches.shape == (1, 3, 3, 2)
    assert matches[0, 0].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert matches[0, 1, :, 0].tolist() == pytest.approx([24 / 25, 0.6, 0.0])
    assert matches[0, 2, :, 0].tolist() == pytest.approx([24 / 2**0.5, 6 / 2**0.5, 0.0])


def test_unknown_words_equal_nothing() -> None:
    vectors = torch.ones(1, 2, 2)
    keys = torch.tensor([[UNK, PAD]])
    assert not match_matrices(vectors, vectors, keys, keys)[:, 0].any()


def test_pyramid_is_padding_invariant_and_equals_the_unpadded_network() -> None:
    torch.manual_seed(2)
    pyramid = MatchPyramid(n_channels=3, pool_size=4)
    generator = torch.Generator().manual_seed(1)
    sizes = [(1, 1), (2, 5), (9, 3), (7, 7)]
    blocks = [torch.randn(3, n, m, generator=generator) for n, m in sizes]
    for n, m in ((9, 7), (14, 30)):
        batch = torch.stack([functional.pad(b, (0, m - b.shape[2], 0, n - b.shape[1])) for b in blocks])
        got = pyramid(batch, torch.tensor([s[0] for s in sizes]), torch.tensor([s[1] for s in sizes]))
        for place, block in enumerate(blocks):
            local = functional.relu(pyramid.first(block.unsqueeze(0)))
            grid = functional.relu(pyramid.second(functional.adaptive_max_pool2d(local, 4)))
            assert torch.allclose(got[place], functional.max_pool2d(grid, 2).flatten(), atol=1e-6)
    assert got.shape == (4, pyramid.output_width)


def test_match_gradients_are_finite_where_vectors_are_zero() -> None:
    vectors = torch.zeros(1, 3, 4, requires_grad=True)
    keys = torch.tensor([[5, UNK, PAD]])
    match_matrices(vectors, vectors, keys, keys).sum().backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_overlap_by_hand() -> None:
    # left has words of weight 1 and 3, right one word of weight 2 that equals the second left word
    equal = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
    cosine = torch.tensor([[[0.5, 0.0], [1.0, 0.0]]])
    got = overlap_features(equal, cosine, torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, 0.0]]))
    # words: 1/2 and 1; importance: 3/4 and 1; soft: (0.5 + 3)/4 = 0.875 and 1; lengths 1/2
    assert got.tolist()[0] == pytest.approx([0.75, 0.5, 0.875, 0.75, 0.9375, 0.875, 0.5])
    assert got.shape[1] == N_OVERLAP_FEATURES


def test_overlap_is_symmetric_and_finite_for_nothing() -> None:
    generator = np.random.default_rng(1)
    cosine = torch.from_numpy(generator.uniform(-1, 1, (1, 3, 4)).astype(np.float32))
    equal = (cosine > 0.8).float()
    left, right = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 1.0, 2.0, 0.5]])
    there = overlap_features(equal, cosine, left, right)
    back = overlap_features(equal.transpose(1, 2), cosine.transpose(1, 2), right, left)
    assert torch.allclose(there, back)
    assert not overlap_features(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), torch.zeros(1, 1), torch.zeros(1, 1)).any()


def compared(layer: nn.Module, left: Tensor, right: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
    """The features that ABCNN or the alignment gives to pairs."""
    if isinstance(layer, Alignment):
        tokens = [layer.read(side, mask) for side, mask in zip((left, right), masks, strict=True)]
        return layer.compare(tokens[0], tokens[1], *masks)
    features: Tensor = layer(left, right, *masks)
    return features


@pytest.mark.parametrize("kind", ["abcnn1", "abcnn2", "abcnn3", "alignment"])
def test_attentive_layers_are_symmetric_and_blind_to_padding(kind: str) -> None:
    torch.manual_seed(4)
    layer = (
        Alignment(width=6, hidden=5)
        if kind == "alignment"
        else ABCNN(variant=1 if kind == "abcnn1" else 2 if kind == "abcnn2" else 3, width=6, max_length=20, n_kernels=4)
    ).eval()
    left, right = torch.randn(1, 5, 6), torch.randn(1, 3, 6)
    ones = torch.ones(1, 5, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool)
    alone = compared(layer, left, right, ones)
    assert alone.shape == (1, layer.output_width)
    assert torch.allclose(compared(layer, right, left, (ones[1], ones[0])), alone, atol=1e-5)
    padded = functional.pad(left, (0, 0, 0, 4)), functional.pad(right, (0, 0, 0, 9))
    masks = functional.pad(ones[0], (0, 4)), functional.pad(ones[1], (0, 9))
    assert torch.allclose(compared(layer, *padded, masks), alone, atol=1e-5)
    others = tuple(torch.cat((side, torch.randn_like(side))) for side in padded)
    crowd = tuple(torch.cat((mask, mask)) for mask in masks)
    assert torch.allclose(compared(layer, others[0], others[1], (crowd[0], crowd[1]))[:1], alone, atol=1e-5)


def test_the_alignment_sees_where_words_are() -> None:
    torch.manual_seed(4)
    layer = Alignment(width=6, hidden=5).eval()
    sentence, mask = torch.randn(1, 4, 6), torch.ones(1, 4, dtype=torch.bool)
    straight = compared(layer, sentence, sentence, (mask, mask))
    turned = compared(layer, sentence, sentence.flip(1), (mask, mask))
    assert not torch.allclose(straight, turned, atol=1e-4)


@pytest.mark.parametrize("kind", ["abcnn3", "alignment"])
def test_an_empty_sentence_gives_finite_features_and_gradients(kind: str) -> None:
    torch.manual_seed(4)
    layer: nn.Module = Alignment(width=4, hidden=3) if kind == "alignment" else ABCNN(variant=3, width=4, max_length=6)
    sides = torch.zeros(1, 3, 4, requires_grad=True), torch.zeros(1, 2, 4, requires_grad=True)
    masks = torch.zeros(1, 3, dtype=torch.bool), torch.tensor([[True, False]])
    features = compared(layer, *sides, masks)
    assert torch.isfinite(features).all()
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert all(side.grad is not None and torch.isfinite(side.grad).all() for side in sides)
