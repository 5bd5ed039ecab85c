"""A stage: time limits, the breaker, cancellation of remote work, and what does not open the breaker."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from deployments.work import Description, Failure, Work
from graph.breaker import Breaker
from graph.stage import Stage

pytestmark = pytest.mark.anyio


class Node:
    """Answers with the item, or does what it is told."""

    def __init__(self) -> None:
        self.broken = False
        self.delay_s = 0.0
        self.calls = 0
        self.cancelled = 0

    async def many(self, works: Sequence[Work[int]]) -> Sequence[int | Failure]:
        self.calls += 1
        if self.broken:
            raise ConnectionError("replica died")
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [Failure("error", "bad item") if work.item < 0 else work.item for work in works]

    async def describe(self) -> Description:
        if self.broken:
            raise ConnectionError("replica died")
        return Description("v1", None)


def stage(node: Node, *, timeout_s: float = 1.0, open_s: float = 60.0) -> Stage[int, int]:
    return Stage(
        "topic",
        node,
        breaker=Breaker(failures=2, open_s=open_s),
        timeout_s=timeout_s,
        max_batch_size=8,
        max_queue=100,
        slots=1,
    )


def later(seconds: float = 5.0) -> float:
    return time.time() + seconds


async def test_answers() -> None:
    assert await stage(Node()).ask(7, deadline=later()) == 7


async def test_the_deadline_is_kept_and_the_remote_call_cancelled() -> None:
    node = Node()
    node.delay_s = 30.0
    outcome = await stage(node).ask(1, deadline=later(0.05))
    await asyncio.sleep(0.05)
    assert isinstance(outcome, Failure)
    assert node.cancelled == 1


async def test_failures_open_the_breaker_and_then_nobody_is_called() -> None:
    node, asked = Node(), 5
    node.broken = True
    broken = stage(node)
    outcomes = [await broken.ask(n, deadline=later()) for n in range(asked)]
    assert all(isinstance(outcome, Failure) for outcome in outcomes)
    assert node.calls == 2
    assert (await broken.state()).breaker == "open"


async def test_a_probe_finds_out_that_the_node_is_back() -> None:
    node = Node()
    node.broken = True
    healing = stage(node, open_s=0.05)
    for n in range(2):
        await healing.ask(n, deadline=later())
    node.broken = False
    assert isinstance(await healing.ask(3, deadline=later()), Failure)
    await asyncio.sleep(0.06)
    assert await healing.ask(4, deadline=later()) == 4
    assert (await healing.state()).breaker == "closed"


async def test_a_bad_item_among_good_ones_does_not_count_as_a_failed_node() -> None:
    mixed = stage(Node())
    for _ in range(4):
        outcomes = await asyncio.gather(mixed.ask(-1, deadline=later()), mixed.ask(1, deadline=later()))
        assert outcomes[1] == 1
    assert (await mixed.state()).breaker == "closed"


async def test_one_bad_item_asked_again_and_again_does_not_count_as_a_failed_node() -> None:
    node = Node()
    asked = stage(node, open_s=0.05)
    for _ in range(5):
        assert isinstance(await asked.ask(-1, deadline=later()), Failure)
    assert (node.calls, (await asked.state()).breaker) == (5, "closed")
    await asked.ask(-2, deadline=later())
    assert (await asked.state()).breaker == "open"  # two different ones, and none that was computed
    await asyncio.sleep(0.06)
    await asked.ask(-1, deadline=later())  # the probe: it says nothing new
    assert (await asked.state()).breaker == "half_open"
    assert await asked.ask(1, deadline=later()) == 1
    assert (await asked.state()).breaker == "closed"


async def test_clients_with_tiny_deadlines_do_not_open_the_breaker() -> None:
    node = Node()
    node.delay_s = 0.2
    impatient = stage(node)
    for _ in range(4):
        await impatient.ask(1, deadline=later(0.01))
    assert (await impatient.state()).breaker == "closed"


async def test_state_tells_starting_ready_and_failing_apart() -> None:
    node = Node()
    node.broken = True
    watched = stage(node)
    assert (await watched.state()).state == "starting"
    node.broken = False
    assert (await watched.state()).state == "ready"
    node.broken = True
    state = await watched.state()
    assert (state.state, state.version) == ("failing", "v1")


async def test_what_gave_no_answer_is_counted_by_reason() -> None:
    node = Node()
    counted = stage(node)
    await counted.ask(-1, deadline=later())
    node.delay_s = 30.0
    await counted.ask(1, deadline=later(0.05))
    await asyncio.sleep(0.05)
    await counted.ask(1, deadline=later(-1.0))
    assert (await counted.state()).failures == {"cancelled": 1, "error": 1, "expired": 2}
