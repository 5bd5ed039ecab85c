"""Shares of packages from stacks as py-spy writes them."""

import pytest

from load_tests.profile import packages


def test_a_sample_counts_for_its_innermost_known_package() -> None:
    stacks = [
        "<module> (default_worker.py:1);run (ray/_private/worker.py:9);many (/x/deployments/rerank.py:70) 3",
        "many (/x/deployments/rerank.py:70);linear (/v/site-packages/torch/nn/functional.py:20) 5",
        "run (asyncio/base_events.py:607);select (selectors.py:468) 2",
    ]
    assert packages(stacks) == pytest.approx({"torch": 0.5, "deployments": 0.3, "other": 0.2})


def test_no_samples_have_no_shares() -> None:
    assert packages([]) == {}
