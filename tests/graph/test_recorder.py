"""The recorder: batches, a writer that is away or slow, a full queue; and no answer ever waits for it."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployments.messages import Receipt
from deployments.work import Description, Failure, Outcome, Work
from graph.recorder import Recorder
from tests.indexes.feedback.samples import answered

pytestmark = pytest.mark.anyio


CLIENT: ContextVar[str] = ContextVar("CLIENT", default="nobody")


@dataclass
class ScriptedWriter:
    """Takes what it is given; can be away, stuck, or refuse single answers; its calls can be cancelled."""

    outcome: Outcome[Receipt] = Receipt.STORED
    away: bool = False
    stuck: bool = False
    cancelled: bool = False
    refused: frozenset[str] = frozenset()
    batches: list[list[str]] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)

    async def many(self, works: Sequence[Work[Any]]) -> Sequence[Outcome[Receipt]]:
        self.callers.add(CLIENT.get())
        if self.cancelled:
            raise asyncio.CancelledError
        if self.stuck:
            await asyncio.Event().wait()
        if self.away:
            raise ConnectionError("writer died")
        self.batches.append([work.item.request_id for work in works])
        bad = Failure("error", "cannot be stored")
        return [bad if work.item.request_id in self.refused else self.outcome for work in works]

    async def describe(self) -> Description:
        return Description("scripted", None)


def recorder_to(writer: ScriptedWriter, max_queue: int = 100) -> Recorder:
    return Recorder(writer, max_queue=max_queue, max_batch_size=4, flush_s=0.001, timeout_s=0.05)


async def until(recorder: Recorder, stored: int) -> None:
    async with asyncio.timeout(20):
        while recorder.stored < stored or recorder.queue_length:
            await asyncio.sleep(0.001)


async def test_answers_are_sent_in_batches_and_in_order() -> None:
    writer = ScriptedWriter()
    recorder = recorder_to(writer)
    for number in range(10):
        recorder.note(answered(str(number)))
    assert writer.batches == []
    await until(recorder, 10)
    assert writer.batches == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]
    recorder.note(answered("later"))
    await until(recorder, 11)
    assert writer.batches[-1] == ["later"]


@pytest.mark.parametrize(
    "trouble",
    [
        {"away": True},
        {"stuck": True},
        {"outcome": Receipt.FULL},
        {"outcome": Receipt.UNAVAILABLE},
        {"outcome": Failure("overloaded", "full")},
        {"outcome": Failure("expired", "late")},
    ],
)
async def test_answers_wait_for_a_writer_that_is_away(trouble: dict[str, Any]) -> None:
    writer = ScriptedWriter(**trouble)
    recorder = recorder_to(writer)
    recorder.note(answered("a"))
    await asyncio.sleep(0.08)
    recorder.note(answered("b"))
    assert (recorder.stored, recorder.queue_length, recorder.behind) == (0, 2, True)
    writer.away = writer.stuck = False
    writer.outcome = Receipt.STORED
    await until(recorder, 2)
    assert (recorder.dropped, recorder.behind) == (0, False)
    assert writer.batches[-1] == ["a", "b"]


async def test_answers_are_sent_in_nobodys_context() -> None:
    writer = ScriptedWriter()
    recorder = recorder_to(writer)
    CLIENT.set("somebody")  # as Serve notes whose request this is, to cancel its calls when the client leaves
    recorder.note(answered("a"))
    await until(recorder, 1)
    assert writer.callers == {"nobody"}


async def test_a_cancelled_call_loses_nothing() -> None:
    writer = ScriptedWriter(cancelled=True)
    recorder = recorder_to(writer)
    recorder.note(answered("a"))
    await asyncio.sleep(0.02)
    writer.cancelled = False
    recorder.note(answered("b"))
    await until(recorder, 2)
    assert writer.batches == [["a", "b"]]


async def test_a_full_queue_drops_and_counts() -> None:
    recorder = recorder_to(ScriptedWriter(stuck=True), max_queue=5)
    for number in range(12):
        recorder.note(answered(str(number)))
    await asyncio.sleep(0.01)
    recorder.note(answered("one more"))
    assert (recorder.queue_length, recorder.dropped) == (5, 8)
    await recorder.close()
    assert (recorder.queue_length, recorder.dropped) == (0, 13)


async def test_what_cannot_be_stored_does_not_hold_up_the_rest() -> None:
    writer = ScriptedWriter(refused=frozenset({"bad"}))
    recorder = recorder_to(writer)
    for name in ("a", "bad", "b"):
        recorder.note(answered(name))
    await until(recorder, 2)
    assert (recorder.stored, recorder.dropped) == (2, 1)


async def test_closing_sends_what_is_left() -> None:
    writer = ScriptedWriter()
    recorder = recorder_to(writer)
    for number in range(5):
        recorder.note(answered(str(number)))
    await recorder.close()
    assert recorder.stored == 5
    await recorder_to(writer).close()
