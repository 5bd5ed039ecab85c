"""Token tables and weighted means."""

import numpy as np
import pytest
import torch

from models.layers.table import TokenTable
from models.layers.weighted import WeightedMean
from models.text.vocabulary import PAD, UNK

VECTORS = np.array([[0, 0], [0, 0], [1, 2], [3, 4], [5, 6]], dtype=np.float32)


def table(*, n_tuned: int = 3, token_dropout: float = 0.0) -> TokenTable:
    made = TokenTable(n_tokens=5, n_tuned=n_tuned, width=2, token_dropout=token_dropout)
    made.start_from(VECTORS)
    return made


@pytest.mark.parametrize("n_tuned", [0, 3, 5, 99])
def test_every_row_is_found_wherever_the_tuned_part_ends(n_tuned: int) -> None:
    rows = torch.tensor([[2, 3, 4, UNK, PAD]])
    assert table(n_tuned=n_tuned)(rows).tolist() == [[[1, 2], [3, 4], [5, 6], [0, 0], [0, 0]]]


def test_a_row_outside_is_the_unknown_one() -> None:
    made = table()
    with torch.no_grad():
        made.tuned[UNK] = torch.tensor([7.0, 7.0])
    assert made(torch.tensor([[5, 4_000_000_000]])).tolist() == [[[7, 7], [7, 7]]]


def test_padding_is_zero_even_if_its_row_is_not_and_gets_no_gradient() -> None:
    made = table()
    with torch.no_grad():
        made.tuned[PAD] = 9.0
    vectors = made(torch.tensor([[2, PAD]]))
    assert vectors[0, 1].tolist() == [0, 0]
    vectors.sum().backward()
    assert made.tuned.grad is not None
    assert made.tuned.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


def test_only_training_drops_and_never_padding() -> None:
    made = table(token_dropout=0.5)
    rows = torch.full((50, 4), 3)
    rows[:, 3] = PAD
    assert torch.equal(made.eval().drop(rows), rows)
    dropped = made.train().drop(rows)
    assert set(dropped[:, :3].flatten().tolist()) == {UNK, 3}
    assert set(dropped[:, 3].tolist()) == {PAD}


def test_weighted_mean_by_hand() -> None:
    mean = WeightedMean(table=table(), n_tokens=5)
    mean.start_from(VECTORS, np.array([0, 9, 1, 3, 1], dtype=np.float32))
    rows = torch.tensor([[2, 3, UNK, PAD]])
    assert mean(rows).tolist() == [[(1 + 9) / 4, (2 + 12) / 4]]
    assert mean(torch.tensor([[UNK, PAD]])).tolist() == [[0, 0]]
    with torch.no_grad():
        mean.change[2] = np.log(3.0)
    assert mean(rows).tolist()[0] == pytest.approx([2.0, 3.0])
