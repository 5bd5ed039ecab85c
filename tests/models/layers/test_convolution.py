"""TextConvolution: against PyTorch's own convolution, values worked by hand."""

import pytest
import torch
from torch.nn import functional

from models.layers.convolution import TextConvolution


@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 3, 9])
def test_says_what_a_padded_convolution_says(size: int, length: int, before: int) -> None:
    torch.manual_seed(3)
    layer, vectors = TextConvolution(5, 7, size, before=before), torch.randn(4, length, 5)
    around = functional.pad(vectors.transpose(1, 2), (before, size - 1))
    own = functional.conv1d(around, layer.weight, layer.bias).transpose(1, 2)
    assert layer(vectors).shape == (4, before + length, 7)
    assert torch.allclose(layer(vectors), own, atol=1e-6)


def test_sees_the_next_tokens_by_hand() -> None:
    layer = TextConvolution(1, 1, 2, before=1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[10.0, 1.0]]]))
        assert layer.bias is not None
        layer.bias.fill_(0.5)
    # Places: (0, 3), (3, 4), (4, 0).
    assert layer(torch.tensor([[[3.0], [4.0]]])).flatten().tolist() == [3.5, 34.5, 40.5]


def test_is_trained_and_stored_as_a_convolution() -> None:
    layer, plain = TextConvolution(5, 7, 3), torch.nn.Conv1d(5, 7, 3)
    assert {name: value.shape for name, value in layer.state_dict().items()} == {
        name: value.shape for name, value in plain.state_dict().items()
    }
    layer(torch.randn(2, 6, 5)).square().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().min() > 0
