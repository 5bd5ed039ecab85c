"""What a composer's answers looked like, counted in this process: cheap enough for every request.

`graph.composer` notes each answer and `graph.responses` each HTTP response here; `graph.readings` reads the counts now
and then. Nothing is exported from here, so the graph without Ray counts too and nobody asks. Written by the event loop
alone; another thread may read at any time.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from functools import partial

from graph.answer import Findings
from graph.schema import Strategy
from graph.trace import Trace

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


class Distribution:
    """How values are distributed over buckets.

    Args:
        bounds: Upper ends of the buckets, ascending and inclusive; a last bucket takes what is above.

    Attributes:
        counts: Values per bucket, not cumulative.
        total: Their sum.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Telemetry:
    """Counts since the start of one composer.

    Attributes:
        answers: By strategy, emotion, and whether an understudy stood in (`yes`, `no`).
        degraded: By reason, as in the answer's `degraded`.
        stage_s: Seconds by stage, a node's role, `text` or `total`.
        confidence: Probability of the emotion, by emotion, where the Emotion node answered.
        similarity: The best candidate's, by scorer: `rerank`, or its understudy `wsm`.
        responses: By route and status.
        request_s: Seconds by route.
    """

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, str]] = Counter()
        self.degraded: Counter[str] = Counter()
        self.stage_s: defaultdict[str, Distribution] = defaultdict(partial(Distribution, SECONDS))
        self.confidence: defaultdict[str, Distribution] = defaultdict(partial(Distribution, SCORES))
        self.similarity: defaultdict[str, Distribution] = defaultdict(partial(Distribution, SCORES))
        self.responses: Counter[tuple[str, int]] = Counter()
        self.request_s: defaultdict[str, Distribution] = defaultdict(partial(Distribution, SECONDS))

    def answered(self, findings: Findings, strategy: Strategy, trace: Trace) -> None:
        """Note an answer, as the graph found it: the experiment may withhold it later."""
        emotion = findings.emotion
        self.answers[strategy, emotion.label, "yes" if trace.degraded else "no"] += 1
        for reason in trace.degraded:
            self.degraded[reason] += 1
        for stage, took_ms in trace.timings_ms.items():
            self.stage_s[stage].note(took_ms / 1000)
        if findings.emotion_view is not None:
            self.confidence[emotion.label].note(emotion.probability)
        compared = [similarity for similarity in findings.similarities or () if similarity is not None]
        if compared:
            self.similarity["rerank" if findings.reranker else "wsm"].note(max(compared))

    def responded(self, route: str, status: int, took_s: float) -> None:
        """Note an HTTP response."""
        self.responses[route, status] += 1
        self.request_s[route].note(took_s)
