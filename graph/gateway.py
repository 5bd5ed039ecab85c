"""The HTTP interface: routes, limits and problem documents around a composer. No ray, no models.

`make_app` is called once per composer replica by `graph.app`, and by tests with a composer of their own.
"""

import asyncio
import math
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Header, Response
from fastapi.telemetry import TelemetryConfig
from pydantic import ValidationError

from configs.schema import ORDINARY_REPLY
from graph import __version__, chat, rasa
from graph import feedback as feedback_routes
from graph.admission import Admission
from graph.body_limit import BodyLimit
from graph.composer import Composer
from graph.feedback import Feedback
from graph.json_route import JsonRoute
from graph.playground import pages
from graph.problems import ERRORS, RequestProblem, install, invalid
from graph.schema import (
    BatchAnswer,
    BatchItemError,
    BatchRequest,
    ComfortAnswer,
    ComfortRequest,
    FieldError,
    Info,
    NodeState,
    Readiness,
)

_WARM_UP_S = 5.0
_WARM_UP_STEP_S = 0.1
TRACES_ONLY = TelemetryConfig(metrics=False, logs=False)
"""What FastAPI shall report itself: `graph.telemetry` counts, and looking for exporters costs every request."""
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Gateway:
    """What the routes do, apart from HTTP.

    Args:
        composer: Answers sentences.
        max_text_chars: Longest sentence.
        max_batch_items: Most sentences of a batch.
        admission: Bounds the requests of one sentence under way.
        batch_admission: Bounds the sentences of batches under way.
        feedback: Records every answer and runs the experiment; None does neither.
    """

    def __init__(
        self,
        composer: Composer,
        *,
        max_text_chars: int,
        max_batch_items: int,
        admission: Admission,
        batch_admission: Admission,
        feedback: Feedback | None = None,
    ) -> None:
        self.composer = composer
        self.admission = admission
        self.batch_admission = batch_admission
        self._max_text_chars = max_text_chars
        self._max_batch_items = max_batch_items
        self._feedback = feedback
        self._all_have_answered = False

    async def comfort(self, request: ComfortRequest, request_id: str | None) -> ComfortAnswer:
        """One answer; the request's id is the client's if it names a usable one."""
        with self.admission.entered():
            return await self._comfort(request, request_id)

    async def _comfort(self, request: ComfortRequest, request_id: str | None) -> ComfortAnswer:
        check_text(request.text, max_chars=self._max_text_chars)
        usable = request_id is not None and _REQUEST_ID.fullmatch(request_id)
        answer = await self.composer.comfort(
            request, request_id=request_id if usable and request_id else uuid.uuid4().hex
        )
        return self._feedback.answered(request, answer) if self._feedback else answer

    async def batch(self, request: BatchRequest) -> BatchAnswer:
        """One entry per item, in order; a bad item is an error entry."""
        if len(request.items) > self._max_batch_items:
            rule = f"{len(request.items)} items; at most {self._max_batch_items} are allowed, send several batches"
            raise RequestProblem(422, rule, errors=[FieldError(field="items", message=rule)])
        with self.batch_admission.entered(len(request.items)):
            return BatchAnswer(items=list(await asyncio.gather(*map(self._item, request.items))))

    async def readiness(self) -> Readiness:
        """Ask every node; ready only once all have answered, afterwards degraded at worst."""
        nodes, feedback = await asyncio.gather(self.composer.stages.states(), self._feedback_state())
        # Answers do not need the feedback writer, so it is shown but does not decide.
        shown = nodes | feedback
        if all(node.state == "ready" for node in nodes.values()):
            self._all_have_answered = True
            return Readiness(status="ready", nodes=shown)
        return Readiness(status="degraded" if self._all_have_answered else "starting", nodes=shown)

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Before the first request: call every node once, so that a new replica takes no customer to a cold handle.

        A node that is down does not keep the composer from starting, as its understudy answers. After the last
        request: record what waits.
        """
        end = time.monotonic() + _WARM_UP_S
        while (await self.readiness()).status != "ready" and time.monotonic() < end:
            await asyncio.sleep(_WARM_UP_STEP_S)
        yield
        if self._feedback is not None:
            await self._feedback.recorder.close()

    async def info(self, known: Info) -> Info:
        """`known` with the thresholds, versions and replies in use now; null for a node that never answered."""
        composer = self.composer
        await composer.stages.states()
        said = {stage.name: stage.description for stage in composer.stages.all()}
        versions = {name: d.version if d else None for name, d in said.items()}
        update = {"emotion": versions["emotion"], "topic": versions["topic"], "reranker": versions["rerank"]}
        knowledge = composer.knowledge
        counts = {
            "replies": len(composer.scribe.replies),
            "knowledge": len(knowledge.entries),
            "surfaces": len(knowledge.surfaces),
        }
        return known.model_copy(
            update={
                "versions": composer.versions().model_copy(update=update),
                "counts": known.counts | counts,
                "thresholds": composer.thresholds(),
            }
        )

    async def _feedback_state(self) -> dict[str, NodeState]:
        return {"feedback": await self._feedback.state()} if self._feedback else {}

    async def _item(self, item: object) -> ComfortAnswer | BatchItemError:
        try:
            return await self._comfort(ComfortRequest.model_validate(item), None)
        except ValidationError as error:
            return BatchItemError(error=invalid(error))
        except RequestProblem as error:
            return BatchItemError(error=error.problem)


def check_text(text: str, *, max_chars: int) -> None:
    """The rules for a sentence that an operator can change.

    Raises:
        RequestProblem: 422, it is blank or longer than `max_chars`.
    """
    if len(text) > max_chars:
        rule = f"{len(text)} characters; at most {max_chars} are allowed, shorten it"
    elif not text.strip():
        rule = "nothing but white space; send the customer's sentence"
    else:
        return
    raise RequestProblem(422, f"text: {rule}", errors=[FieldError(field="text", message=rule)])


def make_app(
    composer: Composer,
    *,
    info: Info,
    max_text_chars: int,
    max_batch_items: int,
    max_body_bytes: int,
    ordinary_reply: str = ORDINARY_REPLY,
    max_in_flight: int = 256,
    max_batches: int = 4,
    target_s: float = 0.5,
    body_timeout_s: float = 10.0,
    feedback: Feedback | None = None,
) -> FastAPI:
    """The ASGI application around one composer."""
    gateway = Gateway(
        composer,
        max_text_chars=max_text_chars,
        max_batch_items=max_batch_items,
        admission=Admission(most=max_in_flight, target_s=target_s),
        batch_admission=Admission(most=max_batches * max_batch_items, target_s=math.inf),
        feedback=feedback,
    )
    app = FastAPI(
        title="anwei",
        version=__version__,
        summary="Comfort for upset customers of an online shop.",
        docs_url=None,
        redoc_url=None,
        lifespan=gateway.lifespan,
        telemetry=TRACES_ONLY,
    )
    app.state.gateway = gateway
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes, timeout_s=body_timeout_s)
    install(app)

    async def comfort(request: ComfortRequest, x_request_id: str | None = Header(default=None)) -> ComfortAnswer:
        """Recognise the emotion of one sentence and answer with the most specific comfort that is sure."""
        return await gateway.comfort(request, x_request_id)

    app.router.add_api_route("/v1/comfort", comfort, methods=["POST"], responses=ERRORS, route_class_override=JsonRoute)

    @app.post("/v1/comfort/batch", responses=ERRORS)
    async def batch(request: BatchRequest) -> BatchAnswer:
        """Answer up to 256 sentences, in order; one bad item does not fail the others."""
        return await gateway.batch(request)

    @app.get("/v1/info")
    async def information() -> Info:
        """Labels, thresholds, versions and counts."""
        return await gateway.info(info)

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """Alive: the process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """Ready: every node has answered; 503 until then. Shows the state of each node."""
        readiness = await gateway.readiness()
        response.status_code = 503 if readiness.status == "starting" else 200
        return readiness

    if feedback is not None:
        feedback_routes.install(app, feedback)
    chat.install(app, gateway.comfort, ordinary_reply=ordinary_reply)
    rasa.install(app, gateway.comfort)
    pages.install(app)
    return app
