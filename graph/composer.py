"""Runs the DAG for one sentence and always answers: the paper's sections 3 and 5 under a deadline.

    sentence ─► Emotion ─┬─► Topic  ──┬─► Rerank ─► policy ─► reply
                         └─► Recall ──┘

Rerank is the dearest node, so it is asked only about candidates that the policy would not pass over anyway. Every
node is reached through a `Stage`; Emotion and Rerank have understudies, without Topic or Recall the answer is less
specific, and whatever fails or is late is noted in `degraded`. No ray here: the same composer runs behind Serve and in
this process.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from configs.schema import Thresholds
from deployments.messages import Candidates, Classified, Query, Reranked
from deployments.work import Failure
from graph.answer import Findings, Scribe
from graph.editions import Editions, NotHeldError
from graph.memory import Memory, Tally
from graph.policy import SAME, Candidate, Recognised, best_match, decide, plausible
from graph.schema import ComfortAnswer, ComfortRequest, NodeState, Versions
from graph.stage import Stage
from graph.telemetry import Telemetry
from graph.trace import Trace
from graph.understudies import Understudies
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import Recalled
from models.text.normalise import normalise
from models.text.segment import TextProcessor
from models.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Stages:
    """The four model nodes as the composer reaches them."""

    emotion: Stage[Sentence, Classified]
    topic: Stage[Sentence, Classified]
    recall: Stage[Query, Recalled]
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
        editions: The knowledge: what the candidates' rows mean, version by version.
        scribe: Chooses the reply and writes the answer.
        budget: Time limits.
        execution: `gated` asks Topic, Recall and Rerank only about emotional sentences; `speculative` starts
            Emotion, Topic and Recall at once. Either way Rerank waits for all three.
        thresholds: What decides; an unset one is the model's own.
        memory: What was found out a moment ago.
    """

    def __init__(
        self,
        *,
        stages: Stages,
        understudies: Understudies,
        processor: TextProcessor,
        editions: Editions,
        scribe: Scribe,
        budget: Budget,
        execution: Literal["gated", "speculative"],
        thresholds: Thresholds,
        memory: Memory,
    ) -> None:
        self.telemetry = Telemetry()
        self.stages = stages
        self.scribe = scribe
        self._understudies = understudies
        self._processor = processor
        self._editions = editions
        self._budget = budget
        self._thresholds = thresholds
        self._memory = memory
        self._speculative = execution == "speculative"

    @property
    def tally(self) -> Tally:
        """How often its memory helped."""
        return self._memory.tally

    def decide_by(self, thresholds: Thresholds) -> None:
        """Decide by these from now on; requests under way go on."""
        self._thresholds = thresholds
        self._memory.forget()

    def thresholds(self) -> dict[str, float | None]:
        """Every threshold that decides now; None where it is the model's own and its node has not answered yet."""
        own = {stage.name: stage.description for stage in self.stages.all()}
        tuned = {name: said.threshold if said else None for name, said in own.items()}
        wsm = self._understudies.wsm.threshold
        models = {"emotion": tuned["emotion"], "topic": tuned["topic"], "match": tuned["rerank"], "wsm": wsm}
        return models | self._thresholds.model_dump(exclude_none=True)

    async def comfort(self, request: ComfortRequest, *, request_id: str) -> ComfortAnswer:
        """The answer to one sentence, within its deadline whatever the nodes do."""
        trace = Trace(request_id, self._budget.cutoff(request.deadline_ms), explain=request.explain)
        with trace.timed("total"):
            with trace.timed("text"):
                text = normalise(request.text)
            findings = await self._findings(text, trace)
            topic = findings.topic if self.scribe.can_answer(findings) else None
            decision = decide(findings.emotion, topic, findings.match)
        self.telemetry.answered(findings, decision.strategy, trace)
        return self.scribe.write(request, findings, decision, trace)

    def versions(self) -> Versions:
        """What it answers with now; null for the nodes, which say it themselves."""
        return self.scribe.versions(Findings(Sentence("", ()), self.knowledge))

    @property
    def knowledge(self) -> KnowledgeIndex:
        """The edition of the knowledge it answers from now; asking lets it look for a newer one."""
        return self._editions.pick()[0]

    async def _findings(self, text: str, trace: Trace) -> Findings:
        """The findings from the newest edition that all nodes asked hold."""
        tried: list[str] = []
        while True:
            knowledge, is_last = self._editions.pick(tried)
            key = (knowledge.manifest.version, text)
            try:
                return await self._memory.findings(key, trace, partial(self._find, text, knowledge, is_last))
            except NotHeldError:
                self._editions.put_off(knowledge)
                tried.append(knowledge.manifest.version)

    async def _find(self, text: str, knowledge: KnowledgeIndex, is_last: bool, trace: Trace) -> Findings:
        with trace.timed("text"):
            sentence = self._processor.process(text)
        findings = Findings(sentence, knowledge, is_last=is_last)
        ahead = asyncio.ensure_future(self._specifics(findings, trace)) if self._speculative else None
        try:
            findings.emotion = await self._emotion(findings, trace)
            if findings.emotion.sure:
                await (ahead or self._specifics(findings, trace))
                await self._rerank(findings, trace)
                if findings.start_again:
                    raise NotHeldError
                findings.match = self._match(findings)
        finally:
            if ahead is not None:
                ahead.cancel()
        return findings

    async def _specifics(self, findings: Findings, trace: Trace) -> None:
        await asyncio.gather(self._topic(findings, trace), self._recall(findings, trace))

    async def _emotion(self, findings: Findings, trace: Trace) -> Recognised:
        with trace.timed("emotion"):
            outcome = await self.stages.emotion.ask(findings.sentence, deadline=trace.cutoff)
        if isinstance(outcome, Failure):
            trace.degrade(self.stages.emotion.name)
            return self._understudies.emotion(findings.sentence, threshold=self._thresholds.lexicon)
        findings.emotion_view = view = _judged(outcome, self._thresholds.emotion)
        return Recognised(view.label, view.probability, view.sure)

    async def _topic(self, findings: Findings, trace: Trace) -> None:
        with trace.timed("topic"):
            outcome = await self.stages.topic.ask(findings.sentence, deadline=trace.cutoff)
        if isinstance(outcome, Failure):
            trace.degrade(self.stages.topic.name)
            return
        findings.topic_view = view = _judged(outcome, self._thresholds.topic)
        findings.topic = Recognised(view.label, view.probability, view.sure)

    async def _recall(self, findings: Findings, trace: Trace) -> None:
        with trace.timed("recall"):
            query = Query(findings.sentence, findings.knowledge.manifest.version)
            recalled = await self.stages.recall.ask(query, deadline=trace.cutoff)
        if isinstance(recalled, Failure):
            self._missed(self.stages.recall, recalled, findings, trace)
            return
        for index in recalled.degraded:
            trace.degrade(f"{self.stages.recall.name}.{index}")
        findings.recalled = recalled

    async def _rerank(self, findings: Findings, trace: Trace) -> None:
        """Compare with the plausible candidates; the others keep None for a similarity."""
        rows = self._plausible_rows(findings)
        if not rows or findings.recalled is None:
            return
        with trace.timed("rerank"):
            similarities = await self._similarities(findings, rows, trace)
        if similarities is not None:
            found = dict(zip(rows, similarities, strict=True))
            findings.similarities = tuple(found.get(row) for row in findings.recalled.rows)

    async def _similarities(self, findings: Findings, rows: tuple[int, ...], trace: Trace) -> tuple[float, ...] | None:
        candidates = Candidates(findings.sentence, rows, findings.knowledge.manifest.version)
        outcome = await self.stages.rerank.ask(candidates, deadline=trace.cutoff)
        if isinstance(outcome, Reranked):
            findings.reranker = outcome.version
            findings.match_threshold = _chosen(self._thresholds.match, outcome.threshold)
            return outcome.similarities
        self._missed(self.stages.rerank, outcome, findings, trace)
        if findings.start_again or time.time() >= trace.cutoff:
            return None
        findings.match_threshold = _chosen(self._thresholds.wsm, self._understudies.wsm.threshold)
        return self._understudies.similarities(findings.sentence, findings.knowledge, rows)

    def _plausible_rows(self, findings: Findings) -> tuple[int, ...]:
        text, surfaces = findings.sentence.text, findings.knowledge.surfaces
        return tuple(
            row
            for row in (findings.recalled.rows if findings.recalled else ())
            if plausible(
                self._candidate(findings, row, SAME if surfaces[row].sentence.text == text else 0.0),
                emotion=findings.emotion.label,
                topic_threshold=self._thresholds.match_topic,
            )
        )

    @staticmethod
    def _candidate(findings: Findings, row: int, similarity: float) -> Candidate:
        entry = findings.knowledge.entry_of(row)
        topics = findings.topic_view.probabilities if findings.topic_view else {}
        return Candidate(entry.id, similarity, frozenset(entry.emotions), topics.get(entry.topic, 1.0))

    @staticmethod
    def _missed(stage: Stage[Any, Any], failure: Failure, findings: Findings, trace: Trace) -> None:
        if failure.reason == "not_held" and not findings.is_last:
            findings.start_again = True
        else:
            trace.degrade(stage.name)

    def _match(self, findings: Findings) -> Candidate | None:
        if findings.recalled is None or findings.similarities is None:
            return None
        compared = zip(findings.recalled.rows, findings.similarities, strict=True)
        return best_match(
            [self._candidate(findings, row, similarity) for row, similarity in compared if similarity is not None],
            emotion=findings.emotion.label,
            threshold=findings.match_threshold,
            topic_threshold=self._thresholds.match_topic,
        )


def _chosen(wanted: float | None, tuned: float) -> float:
    return tuned if wanted is None else wanted


def _judged(view: Classified, wanted: float | None) -> Classified:
    """The node's view, with the threshold that is wanted instead of its model's own."""
    return view if wanted is None else replace(view, threshold=wanted)
