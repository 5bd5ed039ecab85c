"""Room in common: one call at a time for all, the furthest queue first, batches as large as they can be."""

import asyncio
import time

import pytest

from deployments.batcher import Batcher
from deployments.slots import Slots
from deployments.work import Outcome, Work

pytestmark = pytest.mark.anyio


class Thread:
    """What two nodes share: notes every batch, and computes while its gate is open."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.running = 0
        self.gate = asyncio.Event()

    def node(self, name: str, slots: Slots) -> Batcher[int, int]:
        async def handle(works: list[Work[int]]) -> list[Outcome[int]]:
            self.batches.append((name, [work.item for work in works]))
            self.running += 1
            assert self.running == 1, "two calls at the same time"
            await self.gate.wait()
            self.running -= 1
            return [work.item for work in works]

        return Batcher(handle, max_batch_size=8, max_queue=100, slots=slots)


def soon(item: int, seconds: float = 5.0) -> Work[int]:
    return Work(item, time.time() + seconds)


async def test_what_comes_while_another_node_computes_shares_one_call() -> None:
    thread, slots = Thread(), Slots(1)
    one, other = thread.node("one", slots), thread.node("other", slots)
    tasks = [asyncio.create_task(one.submit(soon(0)))]
    await asyncio.sleep(0.01)
    for item in (1, 2, 3):  # one by one, while the room is taken
        tasks.append(asyncio.create_task(other.submit(soon(item))))
        await asyncio.sleep(0.002)
    thread.gate.set()
    assert await asyncio.gather(*tasks) == [0, 1, 2, 3]
    assert thread.batches == [("one", [0]), ("other", [1, 2, 3])]


async def test_what_has_come_furthest_goes_first_and_what_feeds_it_follows() -> None:
    thread, slots = Thread(), Slots(1)
    early, late = thread.node("early", slots), thread.node("late", slots)
    tasks = [asyncio.create_task(early.submit(soon(0)))]
    await asyncio.sleep(0.01)
    tasks += [asyncio.create_task(early.submit(soon(item))) for item in (1, 2, 3)]
    await asyncio.sleep(0.01)
    tasks.append(asyncio.create_task(late.submit(soon(4))))
    await asyncio.sleep(0.01)
    thread.gate.set()
    assert await asyncio.gather(*tasks) == [0, 1, 2, 3, 4]
    assert thread.batches == [("early", [0]), ("late", [4]), ("early", [1, 2, 3])]


async def test_a_queue_that_nobody_waits_for_takes_no_room() -> None:
    thread, slots = Thread(), Slots(1)
    gone, there = thread.node("gone", slots), thread.node("there", slots)
    first = asyncio.create_task(there.submit(soon(0)))
    await asyncio.sleep(0.01)
    left = asyncio.create_task(gone.submit(soon(1)))
    await asyncio.sleep(0.01)
    left.cancel()
    last = asyncio.create_task(there.submit(soon(2)))
    await asyncio.sleep(0.01)
    thread.gate.set()
    assert list(await asyncio.gather(first, last)) == [0, 2]
    assert thread.batches == [("there", [0]), ("there", [2])]
