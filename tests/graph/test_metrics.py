"""What is counted per answer and response, what is read of it, and what reaches Ray's metrics: worked by hand."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from deployments.replica import Replica
from deployments.work import Work
from graph.admission import Admission
from graph.exporter import Exporter, export, inside_replica
from graph.memory import Memory
from graph.private_logs import Private, ToServe
from graph.readings import ComposerReadings, Family, Reading, node_readings
from graph.recorder import Recorder
from graph.responses import Responses, count_responses
from graph.schema import ComfortRequest
from graph.telemetry import Distribution, Telemetry
from tests.graph.scripted import QUESTION, Script, ScriptedNode
from tests.graph.served import app_of

COMPUTED_S = 3600.0


def test_a_bucket_takes_its_upper_end() -> None:
    seen = Distribution((0.1, 0.5, 1.0))
    for value in (0.1, 0.11, 0.5, 2.0):
        seen.note(value)
    assert seen.counts == [1, 2, 0, 1]
    assert seen.total == pytest.approx(2.71)


def readings(script: Script, *, kept: int = 10) -> tuple[ComposerReadings, Any]:
    """A composer over the script, and what is read of it."""
    script.memory = Memory(max_entries=kept, ttl_s=60.0)
    composer = script.composer()
    recorder = Recorder(ScriptedNode(None), max_queue=1, max_batch_size=1, flush_s=1.0, timeout_s=1.0)
    admission = Admission(most=7, target_s=1.0)
    read = ComposerReadings(
        composer,
        emotions=("anxious", "other"),
        admissions={"request": admission},
        recorder=recorder,
        deadline_s=1.0,
    )
    return read, composer


def values(read: ComposerReadings) -> dict[tuple[str, ...], float]:
    """Values by name and labels; no series may appear twice."""
    series = [(reading.family.name, *reading.labels) for reading in read()]
    assert max(Counter(series).values()) == 1
    return {name: reading.value for name, reading in zip(series, read(), strict=True)}


@pytest.mark.anyio
async def test_answers_are_counted_with_what_was_found() -> None:
    read, composer = readings(Script())
    before = values(read)
    for _ in range(2):
        await composer.comfort(ComfortRequest(text=QUESTION), request_id="r")
    now = values(read)
    # Everything but what depends on the clock was there before, as 0.
    assert set(before) == set(now)
    risen = {name: value - before[name] for name, value in now.items() if value != before[name]}
    assert risen["anwei_answers", "knowledge", "anxious", "no"] == 2
    assert (risen["anwei_cache", "computed"], risen["anwei_cache", "hit"]) == (1, 1)
    assert risen["anwei_emotion_confidence_sum", "anxious"] == pytest.approx(1.8)
    assert ("anwei_emotion_confidence_bucket", "anxious", "0.8") not in risen
    assert [risen["anwei_emotion_confidence_bucket", "anxious", end] for end in ("0.9", "0.95", "1", "+Inf")] == [2] * 4
    assert risen["anwei_match_similarity_sum", "rerank"] == pytest.approx(1.9)
    counts = {labels[0]: n for (name, *labels), n in risen.items() if name == "anwei_stage_seconds_count"}
    assert counts == {"text": 2, "emotion": 1, "topic": 1, "recall": 1, "rerank": 1, "total": 2}
    assert not any(name[0] == "anwei_degraded" for name in risen)


@pytest.mark.anyio
async def test_an_understudy_counts_by_reason_and_on_a_scale_of_its_own() -> None:
    script = Script()
    script.rerank.broken = script.emotion.broken = True
    read, composer = readings(script)
    for number in range(4):
        await composer.comfort(ComfortRequest(text=f"{QUESTION}{number}"), request_id="r")
    now = values(read)
    assert (
        now["anwei_answers", "knowledge", "anxious", "yes"] + now["anwei_answers", "emotion_topic", "anxious", "yes"]
        == 4
    )
    assert (now["anwei_degraded", "rerank"], now["anwei_degraded", "emotion"], now["anwei_degraded", "topic"]) == (
        4,
        4,
        0,
    )
    assert (now["anwei_match_similarity_count", "wsm"], now["anwei_match_similarity_count", "rerank"]) == (4, 0)
    assert now["anwei_emotion_confidence_count", "anxious"] == 0, "the lexicon's confidence is not the model's"
    assert (now["anwei_breaker", "rerank"], now["anwei_breaker", "topic"]) == (2, 0)
    assert now["anwei_stage_failures", "rerank", "error"] == 4
    assert (now["anwei_in_flight_limit", "request"], now["anwei_deadline_seconds",]) == (7, 1)


@pytest.mark.anyio
async def test_responses_are_counted_by_the_pattern_of_their_route() -> None:
    script = Script()
    app = app_of(script)
    telemetry = Telemetry()
    count_responses(app, telemetry)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        await http.post("/v1/comfort", json={"text": QUESTION})
        await http.post("/v1/comfort", json={"text": ""})
        await http.get("/nowhere/at/all")
    assert telemetry.responses == {("/v1/comfort", 200): 1, ("/v1/comfort", 422): 1, ("none", 404): 1}
    assert sum(telemetry.request_s["/v1/comfort"].counts) == 2


@pytest.mark.anyio
async def test_a_client_that_leaves_and_an_answer_that_never_comes_are_counted() -> None:
    telemetry = Telemetry()

    async def stuck(*_: object) -> None:
        await asyncio.sleep(COMPUTED_S)

    async def broken(*_: object) -> None:
        raise ConnectionAbortedError

    async def ignored(*_: object) -> Any:
        return {}

    leaving = asyncio.create_task(Responses(stuck, telemetry=telemetry)({"type": "http"}, ignored, ignored))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    with pytest.raises(ConnectionAbortedError):
        await Responses(broken, telemetry=telemetry)({"type": "http"}, ignored, ignored)
    assert telemetry.responses == {("none", 499): 1, ("none", 500): 1}


class Sums:
    """Where a test sees what Ray would be given: counters add up, gauges stay as set."""

    def __init__(self) -> None:
        self.values: Counter[tuple[str, ...]] = Counter()

    def make(self, family: Family) -> "Sum":
        return Sum(self, family)


class Sum:
    """One metric, as strict as Ray's."""

    def __init__(self, sums: Sums, family: Family) -> None:
        self._values, self._family = sums.values, family

    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert self._family.kind == "counter"
        assert value > 0, "Ray refuses it"
        self._values[self._family.name, *tags.values()] += value  # type: ignore[assignment]

    def set(self, value: float, tags: dict[str, str]) -> None:
        assert self._family.kind == "gauge"
        self._values[self._family.name, *tags.values()] = value  # type: ignore[assignment]


def test_counters_add_up_to_the_reading_whatever_it_did_before() -> None:
    counter, gauge = Family("c", "counter", ("l",), ""), Family("g", "gauge", (), "")
    readings: list[Reading] = []
    sums, seen = Sums(), []
    exporter = Exporter(lambda: readings, make=sums.make)
    for count, level in ((0, 5), (0, 5), (3, 2), (3, 0), (10, 1), (4, 1)):  # the last count began anew
        readings[:] = [Reading(counter, ("a",), count), Reading(gauge, (), level)]
        exporter.flush()
        seen.append((sums.values["c", "a"], sums.values["g",]))
    assert seen[0][0] > 0, "the series is there before its first event"
    assert [(round(c, 12), g) for c, g in seen] == [(0, 5), (0, 5), (3, 2), (3, 0), (10, 1), (14, 1)]


def test_outside_serve_nothing_is_exported() -> None:
    def unread() -> list[Reading]:
        raise AssertionError("read without anybody to tell")

    assert not inside_replica()
    export(unread)


class Doubler:
    """A node."""

    version: str = "v1"
    threshold: float | None = None

    def many(self, items: Sequence[int]) -> list[int]:
        return [2 * item for item in items]


@pytest.mark.anyio
async def test_a_replica_counts_its_batches() -> None:
    begun: list[Replica[int, int]] = []
    replica: Replica[int, int] = Replica(Doubler, max_batch_size=4, max_queue=10, started=begun.append)
    works = [Work(item, COMPUTED_S + 4e9) for item in range(6)]
    assert await replica.many(works) == [0, 2, 4, 6, 8, 10]
    read = {reading.family.name: reading.value for reading in node_readings("emotion", begun[0])}
    assert (read["anwei_node_batches"], read["anwei_node_items"], read["anwei_node_queue"]) == (2, 6, 0)
    assert read["anwei_node_seconds"] > 0


def test_own_records_go_to_serves_files_without_what_a_customer_said() -> None:
    serve, seen = logging.getLogger("ray.serve"), []
    kept = logging.Handler()
    kept.emit = lambda record: seen.append((record.levelname, record.getMessage()))  # type: ignore[method-assign]
    passing = ToServe()
    passing.addFilter(Private(keep_text=False))
    own = logging.Logger("graph.somewhere")
    own.addHandler(passing)
    level = serve.level
    serve.addHandler(kept)
    serve.setLevel(logging.WARNING)
    try:
        own.warning("call %s", "13812345678")
        own.info("not asked for")
    finally:
        serve.removeHandler(kept)
        serve.setLevel(level)
    assert [name for name, _ in seen] == ["WARNING"]
    assert "13812345678" not in seen[0][1]
