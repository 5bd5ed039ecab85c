"""Every metric of this project: its name, its labels, and where its value is read.

Values are read now and then from what the parts of a composer or a node count anyway, so that a request pays only for
what `graph.telemetry` notes. A distribution is three families of counters, as Prometheus reads histograms: cumulative
buckets by `le`, sum and count. Called by `graph.exporter`; docs/metrics.md describes each for the operator.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from deployments.replica import Replica
from graph.admission import Admission
from graph.composer import Composer
from graph.recorder import Recorder
from graph.stage import Stage
from graph.telemetry import SCORES, SECONDS, Distribution


class Family(NamedTuple):
    """One metric.

    Attributes:
        name: As Ray is given it; Ray exports it as `ray_NAME`, a counter as `ray_NAME_total`.
        kind: A counter only rises.
        labels: Their names.
        tells: One line for the operator.
    """

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    tells: str

    @property
    def exported(self) -> str:
        """The name to query."""
        return f"ray_{self.name}_total" if self.kind == "counter" else f"ray_{self.name}"


class Reading(NamedTuple):
    """A metric's value now; of a counter, since the start."""

    family: Family
    labels: tuple[str, ...]
    value: float


class Histogram(NamedTuple):
    """The three families of a distribution."""

    buckets: Family
    total: Family
    number: Family


def _histogram(name: str, label: str, tells: str) -> Histogram:
    return Histogram(
        Family(f"{name}_bucket", "counter", (label, "le"), f"{tells} Values up to le."),
        Family(f"{name}_sum", "counter", (label,), f"{tells} Their sum."),
        Family(f"{name}_count", "counter", (label,), f"{tells} How many."),
    )


ANSWERS = Family("anwei_answers", "counter", ("strategy", "emotion", "degraded"), "Answers of the graph.")
DEGRADED = Family("anwei_degraded", "counter", ("reason",), "Answers for which an understudy stood in.")
RESPONSES = Family("anwei_responses", "counter", ("route", "status"), "HTTP responses.")
REQUEST_SECONDS = _histogram("anwei_request_seconds", "route", "Duration of HTTP requests.")
STAGE_SECONDS = _histogram("anwei_stage_seconds", "stage", "Duration of a stage of the graph, waiting included.")
CONFIDENCE = _histogram("anwei_emotion_confidence", "emotion", "Probability of the recognised emotion.")
SIMILARITY = _histogram("anwei_match_similarity", "scorer", "Similarity of the best candidate.")
CACHE = Family("anwei_cache", "counter", ("outcome",), "Sentences remembered, joined with one under way, or computed.")
REFUSED = Family("anwei_refused", "counter", ("kind",), "Requests refused with 503 because too many were under way.")
IN_FLIGHT = Family("anwei_in_flight", "gauge", ("kind",), "Requests under way.")
ADMITTED = Family("anwei_in_flight_limit", "gauge", ("kind",), "Requests let in at once at most, now.")
FAILURES = Family("anwei_stage_failures", "counter", ("stage", "reason"), "Items without an outcome; cancelled calls.")
BREAKER = Family("anwei_breaker", "gauge", ("stage",), "0 closed, 1 half open, 2 open.")
STAGE_QUEUE = Family("anwei_stage_queue", "gauge", ("stage",), "Items waiting in the composer.")
RECORDS = Family("anwei_records", "counter", ("outcome",), "Answers stored or dropped by the feedback recorder.")
RECORD_QUEUE = Family("anwei_record_queue", "gauge", (), "Answers not stored yet.")
DEADLINE = Family("anwei_deadline_seconds", "gauge", (), "The deadline of a request that names none.")
NODE_QUEUE = Family("anwei_node_queue", "gauge", ("node",), "Items waiting in a node's replica.")
NODE_BATCHES = Family("anwei_node_batches", "counter", ("node",), "Batches a node's replica computed.")
NODE_ITEMS = Family("anwei_node_items", "counter", ("node",), "Items in these batches.")
NODE_SECONDS = Family("anwei_node_seconds", "counter", ("node",), "Time it computed.")

FAMILIES: tuple[Family, ...] = (
    *(ANSWERS, DEGRADED, RESPONSES, *REQUEST_SECONDS, *STAGE_SECONDS, *CONFIDENCE, *SIMILARITY, CACHE, REFUSED),
    *(IN_FLIGHT, ADMITTED, FAILURES, BREAKER, STAGE_QUEUE, RECORDS, RECORD_QUEUE, DEADLINE),
    *(NODE_QUEUE, NODE_BATCHES, NODE_ITEMS, NODE_SECONDS),
)

_STATES = {"closed": 0, "half_open": 1, "open": 2}
_REASONS = ("expired", "overloaded", "error", "cancelled")
_STRATEGIES = ("knowledge", "emotion_topic", "emotion", "none")
_TIMED = ("text", "emotion", "topic", "recall", "rerank", "total")
_DEGRADED = ("emotion", "topic", "recall", "recall.lucene", "recall.dense", "rerank", "deadline")


class ComposerReadings:
    """What is read of a composer.

    Every series that can be foreseen is there from the start with 0, so that the first event is seen as a rise.

    Args:
        composer: Its telemetry, stages and memory.
        emotions: The labels there are.
        admissions: The bounds on what it takes, by kind.
        recorder: Of its answers.
        deadline_s: Of a request that names none.
    """

    def __init__(
        self,
        composer: Composer,
        *,
        emotions: Sequence[str],
        admissions: Mapping[str, Admission],
        recorder: Recorder,
        deadline_s: float,
    ) -> None:
        self._composer = composer
        self._emotions = emotions
        self._admissions = admissions
        self._recorder = recorder
        self._deadline_s = deadline_s

    def __call__(self) -> Iterator[Reading]:
        """All values now."""
        yield from self._answers()
        yield from self._cache()
        for kind, admission in self._admissions.items():
            yield Reading(REFUSED, (kind,), admission.refused)
            yield Reading(IN_FLIGHT, (kind,), admission.in_flight)
            yield Reading(ADMITTED, (kind,), admission.limit)
        for stage in self._composer.stages.all():
            yield from _stage(stage)
        yield Reading(RECORDS, ("stored",), self._recorder.stored)
        yield Reading(RECORDS, ("dropped",), self._recorder.dropped)
        yield Reading(RECORD_QUEUE, (), self._recorder.queue_length)
        yield Reading(DEADLINE, (), self._deadline_s)

    def _answers(self) -> Iterator[Reading]:
        seen = self._composer.telemetry
        possible = ((s, e, d) for s in _STRATEGIES for e in self._emotions for d in ("no", "yes"))
        answers = dict.fromkeys(possible, 0) | seen.answers
        yield from (Reading(ANSWERS, labels, n) for labels, n in answers.items())
        degraded = dict.fromkeys(_DEGRADED, 0) | seen.degraded
        yield from (Reading(DEGRADED, (reason,), n) for reason, n in degraded.items())
        responses = dict(seen.responses)
        yield from (Reading(RESPONSES, (route, str(status)), n) for (route, status), n in responses.items())
        yield from _distributions(REQUEST_SECONDS, dict(seen.request_s), SECONDS)
        yield from _distributions(STAGE_SECONDS, dict(seen.stage_s), SECONDS, _TIMED)
        yield from _distributions(CONFIDENCE, dict(seen.confidence), SCORES, self._emotions)
        yield from _distributions(SIMILARITY, dict(seen.similarity), SCORES, ("rerank", "wsm"))

    def _cache(self) -> Iterator[Reading]:
        tally = self._composer.tally
        yield Reading(CACHE, ("hit",), tally.hits)
        yield Reading(CACHE, ("joined",), tally.shared)
        yield Reading(CACHE, ("computed",), tally.computed)


def node_readings(role: str, replica: Replica[Any, Any]) -> Iterator[Reading]:
    """What is read of a node's replica."""
    yield Reading(NODE_QUEUE, (role,), replica.queue_length)
    yield Reading(NODE_BATCHES, (role,), replica.work_done.batches)
    yield Reading(NODE_ITEMS, (role,), replica.work_done.items)
    yield Reading(NODE_SECONDS, (role,), replica.work_done.seconds)


def _stage(stage: Stage[Any, Any]) -> Iterator[Reading]:
    yield Reading(BREAKER, (stage.name,), _STATES[stage.breaker_state])
    yield Reading(STAGE_QUEUE, (stage.name,), stage.queue_length)
    yield from (Reading(FAILURES, (stage.name, reason), stage.failures[reason]) for reason in _REASONS)


def _distributions(
    histogram: Histogram, seen: dict[str, Distribution], bounds: tuple[float, ...], foreseen: Iterable[str] = ()
) -> Iterator[Reading]:
    for label, values in (dict.fromkeys(foreseen, Distribution(bounds)) | seen).items():
        ends = [*(f"{bound:g}" for bound in values.bounds), "+Inf"]
        for end, up_to in zip(ends, accumulate(values.counts), strict=True):
            yield Reading(histogram.buckets, (label, end), up_to)
        yield Reading(histogram.total, (label,), values.total)
        yield Reading(histogram.number, (label,), up_to)
