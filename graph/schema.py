"""What travels over HTTP: requests and answers, validated strictly (design: HTTP).

Limits that an operator can change (text length, batch size) are checked in the gateway against `AppConfig`;
here stand the rules that never change.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Strategy = Literal["knowledge", "emotion_topic", "emotion", "none"]
Arm = Literal["comfort", "control"]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Wire(BaseModel):
    """A frozen message that refuses unknown fields and does not coerce types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ComfortRequest(Wire):
    """One customer sentence."""

    text: str = Field(min_length=1, description="The customer's sentence.", examples=["拍了一周还不发货，急死了"])
    session_id: Identifier | None = Field(default=None, description="Replies do not repeat inside a session.")
    user_id: Identifier | None = None
    tenant: Identifier | None = None
    channel: Identifier | None = None
    deadline_ms: int | None = Field(default=None, ge=1, le=3_600_000, description="Clamped by the server.")
    explain: bool = Field(default=False, description="Add probabilities, candidates and timings.")


class BatchRequest(Wire):
    """Several sentences at once; a bad item becomes an error entry, not a failed batch."""

    items: list[object] = Field(
        min_length=1,
        json_schema_extra={"items": {"$ref": "#/components/schemas/ComfortRequest"}},
        description="Up to 256 of what /v1/comfort takes.",
    )


class Scored(Wire):
    """A label and its calibrated probability in [0, 1]."""

    label: str
    probability: float


class Match(Wire):
    """The piece of knowledge that answers, and how similar its question is to the sentence, in [0, 1]."""

    id: str
    question: str
    similarity: float


class Versions(Wire):
    """Which trained models, index and replies gave this answer; null for a node that did not take part."""

    emotion: str | None
    topic: str | None
    reranker: str | None
    index: str | None
    replies: str


class CandidateView(Wire):
    """One knowledge candidate with every score it got; null where that scorer did not see it."""

    id: str
    question: str
    bm25: float | None
    dense: float | None
    fused: float
    similarity: float | None


class Explanation(Wire):
    """Why this answer: all probabilities, all candidates, thresholds and where the time went."""

    text: str = Field(description="The sentence as the models saw it.")
    words: list[str]
    emotion: dict[str, float]
    topic: dict[str, float] | None
    candidates: list[CandidateView]
    thresholds: dict[str, float | None]
    timings_ms: dict[str, float]
    cached: bool = Field(description="Found out by an earlier or concurrent request for the same sentence.")


class ComfortAnswer(Wire):
    """The answer to one sentence. `handled: false` means: let the ordinary bot go on."""

    request_id: str
    handled: bool
    strategy: Strategy
    reply: str | None
    emotion: Scored
    topic: Scored | None
    knowledge: Match | None
    degraded: list[str] = Field(description="Nodes whose understudy answered, or `deadline`.")
    arm: Arm | None = Field(default=None, description="The session's arm of the experiment; `control` gets no comfort.")
    versions: Versions
    explain: Explanation | None = None


Comfort = Callable[[ComfortRequest, str | None], Awaitable[ComfortAnswer]]
"""How a route asks for an answer; the second argument is the client's request id."""


class FieldError(Wire):
    """One fault of a request: where it is and which rule it breaks."""

    field: str
    message: str


class Problem(Wire):
    """An error document (RFC 9457, application/problem+json)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class BatchItemError(Wire):
    """What stands in a batch answer for an item that could not be answered."""

    error: Problem


class BatchAnswer(Wire):
    """Answers in the order of the items."""

    items: list[ComfortAnswer | BatchItemError]


class NodeState(Wire):
    """A node as the composer sees it."""

    state: Literal["starting", "ready", "failing"]
    breaker: Literal["closed", "open", "half_open"]
    version: str | None
    failures: dict[str, int] = Field(
        default={}, description="Sentences it gave no answer for since the start, by reason; `cancelled` counts calls."
    )


class Readiness(Wire):
    """`ready`: every node answers; `degraded`: understudies stand in; `starting`: not every node has answered yet."""

    status: Literal["ready", "degraded", "starting"]
    nodes: dict[str, NodeState]


class Info(Wire):
    """What this service knows and decides by."""

    emotions: dict[str, str] = Field(description="Label to its Chinese name.")
    topics: dict[str, str]
    thresholds: dict[str, float | None]
    versions: Versions
    counts: dict[str, int]
    execution: str
    placement: str
