"""Ratings and the experiment beside the composer: what happens to an answer before it leaves, and to what comes back.

`Feedback.answered` assigns the arm, withholds the comfort in the arm `control` and hands the answer to the recorder,
all without waiting. The routes below are installed by `graph.gateway`.
"""

import asyncio
import time
from typing import Any, Protocol

from fastapi import FastAPI

from deployments.messages import Entry, Receipt
from deployments.work import Failure, Outcome
from graph.experiment import Experiment, named_session, session_of
from graph.feedback_schema import FeedbackReceipt, FeedbackRequest, Satisfaction, Since
from graph.problems import RequestProblem
from graph.recorder import Recorder
from graph.satisfaction import report
from graph.schema import Arm, ComfortAnswer, ComfortRequest, NodeState, Problem
from graph.stage import RemoteNode, Stage
from indexes.feedback.entries import Answered, Rating, Tallies

_RETRY_AFTER_S = 2
# Counting millions of answers takes seconds; the ingress itself gives up after 30.
_REPORT_TIMEOUT_S = 25.0
# A readiness probe must not wait as long as a rating may.
_STATE_TIMEOUT_S = 0.5
_FULL = "the disk of the feedback store is full; the rating was not kept, send it again later"
_AWAY = "the feedback store does not answer; the rating was not kept, send it again later"
_BEHIND = "answers are still on their way to the feedback store; send the rating again later"
_UNCOUNTED = "the feedback store does not answer; ask again later"


class RemoteWriter(RemoteNode[Entry, Receipt], Protocol):
    """The feedback writer somewhere."""

    async def tallies(self, since: float | None) -> Tallies:
        """What the report is computed from."""
        ...


class Feedback:
    """One composer's side of the feedback.

    Args:
        writer: Counts for the report.
        ratings: The way of ratings to the writer.
        recorder: The way of answers to the writer.
        experiment: Deals the arms.
        keep_text: Whether texts go along.
        patience_s: How long a rating waits for its answer to be recorded, since a client can be quicker.
        timeout_s: Longest wait for a rating's receipt.
    """

    def __init__(
        self,
        *,
        writer: RemoteWriter,
        ratings: Stage[Entry, Receipt],
        recorder: Recorder,
        experiment: Experiment,
        keep_text: bool,
        patience_s: float,
        timeout_s: float,
    ) -> None:
        self.recorder = recorder
        self._writer = writer
        self._ratings = ratings
        self._experiment = experiment
        self._keep_text = keep_text
        self._patience_s = patience_s
        self._timeout_s = timeout_s

    def answered(self, request: ComfortRequest, answer: ComfortAnswer) -> ComfortAnswer:
        """The answer as the client gets it: with its arm, and without comfort in the arm `control`."""
        session = session_of(request, answer.request_id)
        arm = self._experiment.arm(session)
        self.recorder.note(self._record(request, answer, session, arm))
        if arm == "comfort":
            return answer.model_copy(update={"arm": arm})
        withheld = {"handled": False, "strategy": "none", "reply": None, "topic": None, "knowledge": None}
        return answer.model_copy(update={"arm": arm, **withheld})

    async def rate(self, request: FeedbackRequest) -> FeedbackReceipt:
        """Store a rating; returns once it is committed.

        Raises:
            RequestProblem: 404, no such answer or session; 503, it could not be stored.
        """
        rating = Rating(
            satisfaction=request.satisfaction,
            at=time.time(),
            request_id=request.request_id,
            session=named_session(request.session_id) if request.session_id is not None else None,
            comment=request.comment if self._keep_text else None,
        )
        outcome = await self._store(rating)
        if outcome is Receipt.UNKNOWN:
            await asyncio.sleep(self._patience_s)
            outcome = await self._store(rating)
        if outcome is not Receipt.STORED:
            raise self._refusal(outcome)
        return FeedbackReceipt(**request.model_dump(exclude={"comment"}))

    async def satisfaction(self, since: float | None) -> Satisfaction:
        """The report; `since` in seconds since the epoch.

        Raises:
            RequestProblem: 503, the writer does not answer.
        """
        try:
            tallies = await asyncio.wait_for(self._writer.tallies(since), _REPORT_TIMEOUT_S)
        except Exception:
            raise _unavailable(_UNCOUNTED) from None
        return report(tallies, since=since)

    async def state(self) -> NodeState:
        """The writer as this composer sees it."""
        return await self._ratings.state(within_s=_STATE_TIMEOUT_S)

    async def _store(self, rating: Rating) -> Outcome[Receipt]:
        return await self._ratings.ask(rating, deadline=time.time() + self._timeout_s)

    def _refusal(self, outcome: Outcome[Receipt]) -> RequestProblem:
        if outcome is Receipt.UNKNOWN:
            if self.recorder.behind:
                return _unavailable(_BEHIND)
            return RequestProblem(404, "no answer of that request_id or session_id is recorded; check the ids")
        if isinstance(outcome, Failure) or outcome is Receipt.UNAVAILABLE:
            return _unavailable(_AWAY)
        return _unavailable(_FULL)

    def _record(self, request: ComfortRequest, answer: ComfortAnswer, session: str, arm: Arm) -> Answered:
        return Answered(
            request_id=answer.request_id,
            session=session,
            at=time.time(),
            arm=arm,
            emotion=answer.emotion.label,
            probability=answer.emotion.probability,
            topic=answer.topic.label if answer.topic else None,
            strategy=answer.strategy,
            versions=answer.versions.model_dump(),
            degraded=tuple(answer.degraded),
            text=request.text if self._keep_text else None,
        )


def _unavailable(detail: str) -> RequestProblem:
    return RequestProblem(503, detail, headers={"retry-after": str(_RETRY_AFTER_S)})


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "content": {"application/problem+json": {}}} for status in statuses}


def install(app: FastAPI, feedback: Feedback) -> None:
    """Add the routes for ratings and for the report."""

    @app.post("/v1/feedback", responses=_problems(400, 404, 413, 422, 503))
    async def rate(request: FeedbackRequest) -> FeedbackReceipt:
        """Rate a session: 1 very satisfied, 2 so-so, 3 unsatisfied. A later rating of it replaces an earlier one."""
        return await feedback.rate(request)

    @app.get("/v1/satisfaction", responses=_problems(422, 503))
    async def satisfaction(since: Since | None = None) -> Satisfaction:
        """Share of very satisfied sessions by arm, emotion and strategy, with intervals and significance."""
        return await feedback.satisfaction(since.timestamp() if since else None)
