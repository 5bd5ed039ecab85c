"""The batcher: what shares a call, what is dropped, what fails alone."""

import asyncio
import time
from collections.abc import Sequence
from contextvars import ContextVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.batcher import Batcher
from deployments.work import Failure, Outcome, Work

pytestmark = pytest.mark.anyio


class Doubling:
    """Doubles numbers; keeps the batches it saw; waits at a gate if one is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, works: list[Work[int]]) -> Sequence[Outcome[int]]:
        self.batches.append([work.item for work in works])
        if self.gate is not None:
            await self.gate.wait()
        return [2 * work.item for work in works]


def soon(item: int, seconds: float = 5.0) -> Work[int]:
    return Work(item, time.time() + seconds)


async def test_concurrent_items_share_one_call() -> None:
    handle = Doubling()
    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    assert await batcher.submit_many([soon(n) for n in range(5)]) == [0, 2, 4, 6, 8]
    assert handle.batches == [[0, 1, 2, 3, 4]]


async def test_backlog_is_merged_when_the_slot_frees() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=4, max_queue=100)
    first = asyncio.create_task(batcher.submit(soon(0)))
    await asyncio.sleep(0.01)
    late = []
    for n in range(1, 7):  # one by one, while the only slot is busy
        late.append(asyncio.create_task(batcher.submit(soon(n))))
        await asyncio.sleep(0.001)
    handle.gate.set()
    assert await asyncio.gather(first, *late) == [0, 2, 4, 6, 8, 10, 12]
    assert handle.batches == [[0], [1, 2, 3, 4], [5, 6]]


async def test_slots_bound_the_calls_in_flight() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=1, max_queue=100, slots=2)
    tasks = [asyncio.create_task(batcher.submit(soon(n))) for n in range(4)]
    await asyncio.sleep(0.01)
    assert handle.batches == [[0], [1]]
    assert batcher.queue_length == 2
    handle.gate.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6]


async def test_expired_items_are_not_computed() -> None:
    handle = Doubling()
    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    late, fine = await batcher.submit_many([soon(1, -1.0), soon(2)])
    assert isinstance(late, Failure)
    assert late.reason == "expired"
    assert fine == 4
    assert handle.batches == [[2]]


async def test_items_expire_while_they_wait_and_are_dropped_at_the_cut() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    first = asyncio.create_task(batcher.submit(soon(1)))
    await asyncio.sleep(0.01)
    outcome = await batcher.submit(soon(2, 0.02))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "expired"
    handle.gate.set()
    assert await first == 2
    assert handle.batches == [[1]]


async def test_a_cancelled_caller_frees_its_place() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    first = asyncio.create_task(batcher.submit(soon(1)))
    await asyncio.sleep(0.01)
    gone, stays = asyncio.create_task(batcher.submit(soon(2))), asyncio.create_task(batcher.submit(soon(3)))
    await asyncio.sleep(0.01)
    gone.cancel()
    handle.gate.set()
    assert list(await asyncio.gather(first, stays)) == [2, 6]
    assert handle.batches == [[1], [3]]


async def test_a_full_queue_sheds_at_once() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=1, max_queue=2)
    first = asyncio.create_task(batcher.submit(soon(0)))
    await asyncio.sleep(0.01)
    waiting = [asyncio.create_task(batcher.submit(soon(n))) for n in (1, 2)]
    await asyncio.sleep(0.01)
    outcome = await batcher.submit(soon(3))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "overloaded"
    handle.gate.set()
    assert await asyncio.gather(first, *waiting) == [0, 2, 4]


async def test_a_raising_handle_fails_its_batch_and_the_next_one_works() -> None:
    calls = 0

    async def handle(works: list[Work[int]]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("broken")
        return [work.item for work in works]

    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    outcome = await batcher.submit(soon(1))
    assert outcome == Failure("error", "RuntimeError: broken")
    assert await batcher.submit(soon(2)) == 2


async def test_a_handle_that_loses_items_is_an_error_not_a_mix_up() -> None:
    async def handle(works: list[Work[int]]) -> list[int]:
        return [work.item for work in works][1:]

    batcher = Batcher(handle, max_batch_size=8, max_queue=100)
    outcomes = await batcher.submit_many([soon(1), soon(2)])
    assert all(isinstance(outcome, Failure) and "one per item" in outcome.detail for outcome in outcomes)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(), max_size=60), st.integers(1, 9), st.integers(1, 3))
def test_every_item_gets_its_own_outcome(items: list[int], max_batch_size: int, slots: int) -> None:
    async def run() -> list[Outcome[int]]:
        batcher = Batcher(Doubling(), max_batch_size=max_batch_size, max_queue=100, slots=slots)
        return await batcher.submit_many([soon(item) for item in items])

    assert asyncio.run(run()) == [2 * item for item in items]


CLIENT: ContextVar[str] = ContextVar("CLIENT", default="nobody")


async def test_a_batch_runs_in_nobodys_context() -> None:
    seen: list[str] = []

    async def handle(works: list[Work[int]]) -> list[int]:
        await asyncio.sleep(0)
        seen.append(CLIENT.get())
        return [work.item for work in works]

    async def client(batcher: Batcher[int, int], item: int) -> None:
        CLIENT.set(f"client {item}")  # as Serve notes whose request this is, to cancel its calls when the client leaves
        assert await batcher.submit(soon(item)) == item

    batcher: Batcher[int, int] = Batcher(handle, max_batch_size=2, max_queue=100)
    await asyncio.gather(*(client(batcher, item) for item in range(5)))
    assert seen == ["nobody"] * 3


async def test_a_cancelled_call_fails_its_batch_and_the_next_one_works() -> None:
    async def handle(works: list[Work[int]]) -> list[int]:
        if works[0].item == 0:
            raise asyncio.CancelledError
        return [work.item for work in works]

    batcher: Batcher[int, int] = Batcher(handle, max_batch_size=2, max_queue=100)
    outcomes = await batcher.submit_many([soon(item) for item in range(4)])
    assert outcomes == [*[Failure("error", "the call was cancelled")] * 2, 2, 3]


async def test_an_item_that_arrives_late_takes_no_place_in_the_queue() -> None:
    handle = Doubling()
    handle.gate = asyncio.Event()
    batcher = Batcher(handle, max_batch_size=1, max_queue=1)
    first = asyncio.create_task(batcher.submit(soon(1)))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(batcher.submit(soon(2)))
    await asyncio.sleep(0.01)
    assert await batcher.submit(soon(3, -1.0)) == Failure("expired", "the deadline had passed on arrival")
    handle.gate.set()
    assert list(await asyncio.gather(first, waiting)) == [2, 4]


FATE = st.sampled_from(["answered", "late", "gone", "poison"])


@settings(max_examples=30, deadline=None)
@given(st.lists(FATE, max_size=40), st.integers(1, 5), st.integers(1, 3), st.integers(1, 40))
def test_whatever_befalls_items_each_gets_one_outcome_and_no_slot_is_lost(
    fates: list[str], max_batch_size: int, slots: int, max_queue: int
) -> None:
    async def handle(works: list[Work[int]]) -> list[int]:
        await asyncio.sleep(0)
        if any(fates[work.item] == "poison" for work in works):
            raise ValueError("poisoned")
        return [work.item for work in works]

    async def run() -> None:
        batcher: Batcher[int, int] = Batcher(handle, max_batch_size=max_batch_size, max_queue=max_queue, slots=slots)
        seconds = {"late": -1.0}
        tasks = [asyncio.create_task(batcher.submit(soon(n, seconds.get(fate, 5.0)))) for n, fate in enumerate(fates)]
        await asyncio.sleep(0)
        for task, fate in zip(tasks, fates, strict=True):
            if fate == "gone":
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for number, (fate, outcome) in enumerate(zip(fates, outcomes, strict=True)):
            if fate == "answered":
                assert outcome == number or isinstance(outcome, Failure)
            elif fate != "gone":
                assert isinstance(outcome, Failure)
        assert batcher.queue_length == 0
        fates.append("answered")
        assert await batcher.submit(soon(len(fates) - 1)) == len(fates) - 1

    asyncio.run(run())
