"""Shares of packages from stacks as py-spy writes them."""

import pytest

from load_tests.profile import shares


def test_a_sample_counts_for_its_innermost_known_package() -> None:
    stacks = [
        "<module> (default_worker.py:1);run (ray/_private/worker.py:9);many (/x/deployments/rerank.py:70) 3",
        "many (/x/deployments/rerank.py:70);linear (/v/site-packages/torch/nn/functional.py:20) 5",
        "run (asyncio/base_events.py:607);loads (json/__init__.py:299) 2",
    ]
    found = shares(stacks)
    assert found["packages"] == pytest.approx({"torch": 0.5, "deployments": 0.3, "other": 0.2})
    assert found["functions"] == pytest.approx({"linear": 0.5, "many": 0.3, "loads": 0.2})


def test_threads_that_wait_are_left_out() -> None:
    stacks = [
        "Thread._bootstrap (threading.py:1002);Thread.run (threading.py:982) 90",
        "Worker.main_loop (ray/_private/worker.py:1069) 80",
        "Thread.run (threading.py:982);Exporter.run (/x/graph/exporter.py:60) 70",
        "many (/x/deployments/rerank.py:70) 1",
    ]
    assert shares(stacks)["packages"] == {"deployments": 1.0}


def test_no_samples_have_no_shares() -> None:
    assert shares([]) == {"packages": {}, "functions": {}}
