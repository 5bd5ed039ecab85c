"""The replica: bad items fail alone, late items are not computed, a hung batch is told from a busy one."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from deployments.replica import Replica
from deployments.work import Description, Failure, Work

pytestmark = pytest.mark.anyio


class Reciprocal:
    """1 / x; keeps what it was asked; may be held at a gate."""

    version = "v1"
    threshold: float | None = 0.5

    def __init__(self) -> None:
        self.asked: list[list[float]] = []
        self.gate = threading.Event()
        self.gate.set()

    def many(self, items: Sequence[float]) -> list[float]:
        self.asked.append(list(items))
        self.gate.wait(5)
        return [1 / item for item in items]


def replica(node: Reciprocal, hang_s: float = 10.0) -> Replica[float, float]:
    return Replica(lambda: node, max_batch_size=8, max_queue=100, hang_s=hang_s)


def works(*items: float) -> list[Work[float]]:
    return [Work(item, time.time() + 5) for item in items]


async def test_results_come_in_order() -> None:
    assert await replica(Reciprocal()).many(works(1.0, 2.0, 4.0)) == [1.0, 0.5, 0.25]


async def test_a_bad_item_fails_alone() -> None:
    good, bad, other = await replica(Reciprocal()).many(works(1.0, 0.0, 2.0))
    assert (good, other) == (1.0, 0.5)
    assert bad == Failure("error", "ZeroDivisionError: float division by zero")


async def test_batches_of_several_callers_are_merged() -> None:
    node = Reciprocal()
    shell = replica(node)
    node.gate.clear()
    first = asyncio.create_task(shell.many(works(1.0)))
    await asyncio.sleep(0.02)
    second, third = asyncio.create_task(shell.many(works(2.0))), asyncio.create_task(shell.many(works(4.0)))
    await asyncio.sleep(0.02)
    node.gate.set()
    assert list(await asyncio.gather(first, second, third)) == [[1.0], [0.5], [0.25]]
    assert node.asked == [[1.0], [2.0, 4.0]]


async def test_the_loop_stays_free_while_the_node_computes() -> None:
    node = Reciprocal()
    shell = replica(node)
    node.gate.clear()
    computing = asyncio.create_task(shell.many(works(1.0)))
    await asyncio.sleep(0.02)
    assert await shell.describe() == Description("v1", 0.5)
    await shell.check_health()  # busy is healthy
    node.gate.set()
    assert await computing == [1.0]


async def test_a_hung_batch_fails_the_health_check() -> None:
    node = Reciprocal()
    shell = replica(node, hang_s=0.01)
    node.gate.clear()
    computing = asyncio.create_task(shell.many(works(1.0)))
    await asyncio.sleep(0.05)
    with pytest.raises(RuntimeError, match="running for more than"):
        await shell.check_health()
    node.gate.set()
    await computing
    await shell.check_health()


async def test_items_of_a_failing_batch_are_not_computed_one_by_one_past_their_deadline() -> None:
    node = Reciprocal()
    shell = replica(node)
    node.gate.clear()
    hurried = [Work(item, time.time() + 0.1) for item in (0.0, 1.0, 2.0)]
    computing = asyncio.create_task(shell.many(hurried))
    await asyncio.sleep(0.2)
    node.gate.set()
    outcomes = await computing
    assert all(isinstance(outcome, Failure) and outcome.reason == "expired" for outcome in outcomes)
    assert await shell.many(works(4.0)) == [0.25]
    assert node.asked == [[0.0, 1.0, 2.0], [4.0]]
