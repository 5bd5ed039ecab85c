"""MLC: its widths, its label regulariser, its ablations."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.mlc import MLC


def make(branches: tuple[str, ...] = ("swem", "cnn", "leam"), n_chars: int = 0) -> MLC:
    torch.manual_seed(3)
    model = MLC(
        n_labels=4,
        described=[0, 1, 2],
        n_words=9,
        n_chars=n_chars,
        width=10,
        n_tuned_words=9,
        n_tuned_chars=n_chars,
        branches=branches,
    )
    generator = np.random.default_rng(2)
    for channel, n_tokens in zip(model.channels, (9, n_chars), strict=False):
        channel.table.start_from(generator.normal(size=(n_tokens, 10)).astype(np.float32))
    return model.eval()


@pytest.mark.parametrize(
    ("branches", "width"),
    [(("swem",), 20), (("cnn",), 96), (("leam",), 10), (("swem", "cnn", "leam"), 3 * 10 + 96)],
)
def test_the_head_reads_3m_plus_96_features(branches: tuple[str, ...], width: int) -> None:
    model = make(branches)
    assert model.head.in_features == width
    assert model(torch.tensor([[2, 3, 0]]), torch.tensor([[0]])).shape == (1, 4)


def test_two_channels_read_words_and_characters() -> None:
    model = make(n_chars=7)
    words, chars = torch.tensor([[2, 3]]), torch.tensor([[2, 3, 4]])
    logits = model(words, chars)
    assert model.head.in_features == 2 * (3 * 10 + 96)
    assert not torch.allclose(logits, model(words, torch.tensor([[5, 3, 4]])))
    assert not torch.allclose(logits, model(torch.tensor([[2, 4]]), chars))


def test_padding_and_company_change_nothing() -> None:
    model = make(n_chars=7)
    words, chars = torch.tensor([[2, 3, 8]]), torch.tensor([[2, 3, 4, 5]])
    alone = model(words, chars)
    longer = torch.cat((functional.pad(words, (0, 9)), torch.randint(2, 9, (3, 12))))
    further = torch.cat((functional.pad(chars, (0, 20)), torch.randint(2, 7, (3, 24))))
    assert torch.allclose(model(longer, further)[:1], alone, atol=1e-6)


def test_the_label_loss_by_hand() -> None:
    model = make(("swem", "leam"))
    leam = model.words.leam
    assert leam is not None
    with torch.no_grad():
        leam.labels.zero_()
        leam.labels[:, 0] = torch.tensor([1.0, 2.0, 3.0])
        model.head.weight.fill_(77.0)  # only the slice that reads z may be used
        model.head.weight[:, 20:].zero_()
        model.head.weight[:, 20] = torch.tensor([1.0, 0.0, 0.0, 0.0])
        model.head.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    expected = 0.0
    for label, first in enumerate((1.0, 2.0, 3.0)):
        logits = [first, 1.0, 0.0, 0.0]
        expected += math.log(sum(math.exp(value) for value in logits)) - logits[label]
    assert model.label_loss().item() == pytest.approx(expected / 3, abs=1e-5)


def test_the_label_loss_trains_labels_and_head() -> None:
    model = make(n_chars=7)
    model.label_loss().backward()  # type: ignore[no-untyped-call]
    assert all(channel.leam is not None and channel.leam.labels.grad is not None for channel in model.channels)
    assert model.head.weight.grad is not None
    assert make(("cnn",)).label_loss().item() == 0.0


def test_a_branch_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="must be some of"):
        make(("lstm",))
