"""Writes the answer: chooses the reply for a decision and puts together what the client sees."""

from dataclasses import dataclass, field

from deployments.messages import OTHER, Classified
from graph.policy import Candidate, Decision, Recognised
from graph.schema import (
    CandidateView,
    ComfortAnswer,
    ComfortRequest,
    Explanation,
    Match,
    Scored,
    Versions,
)
from graph.sessions import Sessions
from graph.trace import Trace
from indexes.content.replies import ReplyStore
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import Recalled
from models.text.sentence import Sentence


@dataclass(slots=True)
class Findings:
    """What the nodes, or their understudies, found out about a sentence so far.

    Rows are those of `knowledge`; unless that edition `is_last`, a node that does not hold it makes the request
    `start_again` from an older one.
    """

    sentence: Sentence
    knowledge: KnowledgeIndex
    emotion: Recognised = field(default_factory=lambda: Recognised(OTHER, 0.0, sure=False))
    topic: Recognised | None = None
    emotion_view: Classified | None = None
    topic_view: Classified | None = None
    recalled: Recalled | None = None
    reranker: str | None = None
    similarities: tuple[float | None, ...] | None = None
    match_threshold: float = 1.0
    match: Candidate | None = None
    is_last: bool = True
    start_again: bool = False

    def made_by(self) -> tuple[object, ...]:
        """Version and threshold of every node that took part; None for one that was not asked."""
        emotion, topic = self.emotion_view, self.topic_view
        return (
            (emotion.version, emotion.threshold) if emotion else None,
            (topic.version, topic.threshold) if topic else None,
            (self.reranker, self.match_threshold) if self.reranker else None,
        )


class Scribe:
    """Turns findings and a decision into an answer.

    Args:
        replies: Replies by emotion and topic.
        sessions: Which replies a session has seen.
    """

    def __init__(self, *, replies: ReplyStore, sessions: Sessions) -> None:
        self._replies = replies
        self._sessions = sessions

    @property
    def replies(self) -> ReplyStore:
        """The replies it chooses from."""
        return self._replies

    def choose_from(self, replies: ReplyStore) -> None:
        """Choose from these from the next answer on."""
        self._replies = replies

    def write(self, request: ComfortRequest, findings: Findings, decision: Decision, trace: Trace) -> ComfortAnswer:
        """The answer as it goes over the wire."""
        return ComfortAnswer(
            request_id=trace.request_id,
            handled=decision.strategy != "none",
            strategy=decision.strategy,
            reply=self._reply(request, findings, decision, trace),
            emotion=Scored(label=findings.emotion.label, probability=findings.emotion.probability),
            topic=self._topic(findings, decision),
            knowledge=self._match(findings, decision),
            degraded=trace.degraded,
            versions=self.versions(findings),
            explain=self._explain(findings, trace) if trace.explain else None,
        )

    def can_answer(self, findings: Findings) -> bool:
        """Whether there is a reply for this emotion and topic; without one the emotion alone decides."""
        return findings.topic is not None and bool(self._replies.of(findings.emotion.label, findings.topic.label))

    def versions(self, findings: Findings) -> Versions:
        """Who took part in these findings."""
        return Versions(
            emotion=findings.emotion_view.version if findings.emotion_view else None,
            topic=findings.topic_view.version if findings.topic_view else None,
            reranker=findings.reranker,
            index=findings.knowledge.manifest.version,
            replies=self._replies.version,
        )

    def _reply(self, request: ComfortRequest, findings: Findings, decision: Decision, trace: Trace) -> str | None:
        if decision.strategy == "none":
            return None
        if decision.entry is not None:
            return findings.knowledge.entry(decision.entry).reply
        topic = findings.topic.label if findings.topic and decision.strategy == "emotion_topic" else None
        used = self._sessions.used(request.session_id)
        reply = self._replies.choose(findings.emotion.label, topic, seed=trace.request_id, used=used)
        if reply is None:
            return None
        used.append(reply.id)
        return reply.text

    @staticmethod
    def _topic(findings: Findings, decision: Decision) -> Scored | None:
        topic = findings.topic
        if topic is None or topic.label == OTHER or decision.strategy == "none":
            return None
        return Scored(label=topic.label, probability=topic.probability)

    @staticmethod
    def _match(findings: Findings, decision: Decision) -> Match | None:
        if decision.entry is None or findings.match is None:
            return None
        entry = findings.knowledge.entry(decision.entry)
        return Match(id=entry.id, question=entry.question, similarity=findings.match.similarity)

    def _explain(self, findings: Findings, trace: Trace) -> Explanation:
        emotion, topic = findings.emotion_view, findings.topic_view
        return Explanation(
            text=findings.sentence.text,
            words=list(findings.sentence.words),
            emotion=dict(emotion.probabilities) if emotion else {findings.emotion.label: findings.emotion.probability},
            topic=dict(topic.probabilities) if topic else None,
            candidates=self._candidates(findings),
            thresholds={
                "emotion": emotion.threshold if emotion else None,
                "topic": topic.threshold if topic else None,
                "match": findings.match_threshold if findings.similarities is not None else None,
            },
            timings_ms=trace.timings_ms,
            cached=trace.cached,
        )

    @staticmethod
    def _candidates(findings: Findings) -> list[CandidateView]:
        recalled = findings.recalled
        if recalled is None:
            return []
        similarities = findings.similarities or (None,) * len(recalled.rows)
        return [
            CandidateView(
                id=findings.knowledge.entry_of(row).id,
                question=findings.knowledge.surfaces[row].sentence.text,
                bm25=recalled.bm25[place],
                dense=recalled.dense[place],
                fused=recalled.fused[place],
                similarity=similarities[place],
            )
            for place, row in enumerate(recalled.rows)
        ]
