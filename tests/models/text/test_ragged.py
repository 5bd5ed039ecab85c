"""Rows of different lengths: padding only as far as needed, and batches that lose nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text.ragged import Ragged, bucketed


def test_pads_to_the_longest_row_asked_for() -> None:
    rows = Ragged.of([[5, 6, 7], [], [8], [9, 9]], max_length=3)
    assert rows.padded(np.array([2, 3, 1])).tolist() == [[8, 0], [9, 9], [0, 0]]
    assert rows.padded(np.array([1])).tolist() == [[0]]
    assert len(rows) == 4


def test_cuts_long_rows() -> None:
    rows = Ragged.of([[5, 6, 7]], max_length=2)
    assert rows.padded(np.array([0])).tolist() == [[5, 6]]


def test_nothing_but_empty_rows() -> None:
    assert Ragged.of([[], []], max_length=3).padded(np.array([0, 1])).tolist() == [[0], [0]]


@pytest.mark.parametrize("seed", [None, 3])
@given(lengths=st.lists(st.integers(0, 9), max_size=200), batch_size=st.integers(1, 7))
def test_batches_hold_every_row_once(seed: int | None, lengths: list[int], batch_size: int) -> None:
    generator = None if seed is None else np.random.default_rng(seed)
    batches = list(bucketed(np.array(lengths, dtype=np.int64), batch_size=batch_size, generator=generator))
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)
