"""Runs the DAG for one sentence and always answers: the paper's sections 3 and 5 under a deadline.

    sentence ─► Emotion ─┬─► Topic ───────────────┐
                         └─► Recall ─► Rerank ────┴─► policy ─► reply

Every node is reached through a `Stage` and has an understudy; whatever fails or is late is noted in `degraded`.
No ray here: the same composer runs behind Serve and in this process.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from deployments.classify import Classified
from deployments.rerank import Candidates, Reranked
from deployments.work import Failure
from graph.answer import Findings, Scribe
from graph.memory import Memory, Tally
from graph.policy import Candidate, Recognised, best_match, decide
from graph.schema import ComfortAnswer, ComfortRequest, NodeState
from graph.stage import Stage
from graph.telemetry import Telemetry
from graph.trace import Trace
from graph.understudies import Understudies
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import Recalled
from models.text.segment import TextProcessor
from models.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Stages:
    """The four model nodes as the composer reaches them."""

    emotion: Stage[Sentence, Classified]
    topic: Stage[Sentence, Classified]
    recall: Stage[Sentence, Recalled]
    rerank: Stage[Candidates, Reranked]

    async def states(self) -> dict[str, NodeState]:
        """Every node's state by role, asked at the same time."""
        stages = self.all()
        states = await asyncio.gather(*(stage.state() for stage in stages))
        return {stage.name: state for stage, state in zip(stages, states, strict=True)}

    def all(self) -> tuple[Stage[Any, Any], ...]:
        """The stages in the order of the picture."""
        return (self.emotion, self.topic, self.recall, self.rerank)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a request may take, in milliseconds."""

    default_ms: int
    max_ms: int
    reserve_ms: int

    def cutoff(self, wanted_ms: int | None) -> float:
        """When to stop waiting for nodes, in seconds since the epoch; the client's wish is clamped."""
        total_ms = min(wanted_ms or self.default_ms, self.max_ms)
        return time.time() + max(total_ms - self.reserve_ms, total_ms / 2) / 1000


class Composer:
    """Answers sentences.

    Args:
        stages: The nodes.
        understudies: Who stands in for them.
        processor: Normalises and segments.
        knowledge: What the candidates' rows mean.
        scribe: Chooses the reply and writes the answer.
        budget: Time limits.
        execution: `gated` asks Topic, Recall and Rerank only about emotional sentences; `speculative` starts
            Emotion, Topic and Recall at once.
        topic_threshold: Knowledge of a topic less probable than this is passed over.
        memory: What was found out a moment ago.
    """

    def __init__(
        self,
        *,
        stages: Stages,
        understudies: Understudies,
        processor: TextProcessor,
        knowledge: KnowledgeIndex,
        scribe: Scribe,
        budget: Budget,
        execution: Literal["gated", "speculative"],
        topic_threshold: float = 0.0,
        memory: Memory,
    ) -> None:
        self.telemetry = Telemetry()
        self.stages = stages
        self.scribe = scribe
        self._understudies = understudies
        self._processor = processor
        self._knowledge = knowledge
        self._budget = budget
        self._topic_threshold = topic_threshold
        self._memory = memory
        self._speculative = execution == "speculative"

    @property
    def tally(self) -> Tally:
        """How often its memory helped."""
        return self._memory.tally

    async def comfort(self, request: ComfortRequest, *, request_id: str) -> ComfortAnswer:
        """The answer to one sentence, within its deadline whatever the nodes do."""
        trace = Trace(request_id, self._budget.cutoff(request.deadline_ms), explain=request.explain)
        with trace.timed("total"):
            with trace.timed("text"):
                sentence = self._processor.process(request.text)
            findings = await self._memory.findings(sentence.text, trace, partial(self._find, sentence))
            topic = findings.topic if self.scribe.can_answer(findings) else None
            decision = decide(findings.emotion, topic, findings.match)
        self.telemetry.answered(findings, decision.strategy, trace)
        return self.scribe.write(request, findings, decision, trace)

    async def _find(self, sentence: Sentence, trace: Trace) -> Findings:
        findings = Findings(sentence)
        ahead = asyncio.ensure_future(self._specifics(findings, trace)) if self._speculative else None
        try:
            findings.emotion = await self._emotion(findings, trace)
            if findings.emotion.sure:
                await (ahead or self._specifics(findings, trace))
                findings.match = self._match(findings)
        finally:
            if ahead is not None:
                ahead.cancel()
        return findings

    async def _specifics(self, findings: Findings, trace: Trace) -> None:
        await asyncio.gather(self._topic(findings, trace), self._candidates(findings, trace))

    async def _emotion(self, findings: Findings, trace: Trace) -> Recognised:
        with trace.timed("emotion"):
            outcome = await self.stages.emotion.ask(findings.sentence, deadline=trace.cutoff)
        if isinstance(outcome, Failure):
            trace.degrade(self.stages.emotion.name)
            return self._understudies.emotion(findings.sentence)
        findings.emotion_view = outcome
        return Recognised(outcome.label, outcome.probability, outcome.sure)

    async def _topic(self, findings: Findings, trace: Trace) -> None:
        with trace.timed("topic"):
            outcome = await self.stages.topic.ask(findings.sentence, deadline=trace.cutoff)
        if isinstance(outcome, Failure):
            trace.degrade(self.stages.topic.name)
            return
        findings.topic_view = outcome
        findings.topic = Recognised(outcome.label, outcome.probability, outcome.sure)

    async def _candidates(self, findings: Findings, trace: Trace) -> None:
        with trace.timed("recall"):
            recalled = await self.stages.recall.ask(findings.sentence, deadline=trace.cutoff)
        if isinstance(recalled, Failure):
            trace.degrade(self.stages.recall.name)
            return
        for index in recalled.degraded:
            trace.degrade(f"{self.stages.recall.name}.{index}")
        findings.recalled = recalled
        if recalled.rows:
            with trace.timed("rerank"):
                await self._rerank(findings, recalled, trace)

    async def _rerank(self, findings: Findings, recalled: Recalled, trace: Trace) -> None:
        candidates = Candidates(findings.sentence, recalled.rows, self._knowledge.manifest.version)
        outcome = await self.stages.rerank.ask(candidates, deadline=trace.cutoff)
        if isinstance(outcome, Reranked):
            findings.reranker = outcome.version
            findings.similarities, findings.match_threshold = outcome.similarities, outcome.threshold
            return
        trace.degrade(self.stages.rerank.name)
        if time.time() < trace.cutoff:
            findings.similarities = self._understudies.similarities(findings.sentence, recalled.rows)
            findings.match_threshold = self._understudies.wsm.threshold

    def _match(self, findings: Findings) -> Candidate | None:
        if findings.recalled is None or findings.similarities is None:
            return None
        entries = (self._knowledge.entry_of(row) for row in findings.recalled.rows)
        topics = findings.topic_view.probabilities if findings.topic_view else {}
        candidates = [
            Candidate(entry.id, similarity, frozenset(entry.emotions), topics.get(entry.topic, 1.0))
            for entry, similarity in zip(entries, findings.similarities, strict=True)
        ]
        return best_match(
            candidates,
            emotion=findings.emotion.label,
            threshold=findings.match_threshold,
            topic_threshold=self._topic_threshold,
        )
