"""The settings of the whole application, as one strict tree.

`AppConfig` is the argument of `graph.app.build`, so it is also what `applications[0].args` of a Serve YAML file
must look like. Every section is frozen and refuses unknown keys: a misspelt key stops the start with its path.
Only `graph` reads this module; nodes, indexes and models take plain keyword arguments.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

PROJECT_ROOT = Path(__file__).resolve().parents[1]

# A relative path is meant from the project's root, wherever a replica happens to run.
Located = Annotated[Path, AfterValidator(lambda path: PROJECT_ROOT / path)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Milliseconds = Annotated[int, Field(gt=0)]
Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:\d+)?$")]


ORDINARY_REPLY = "好的，我在听，请您接着说。"


def _located_store(url: str) -> str:
    kind, separator, place = url.partition(":///" if url.startswith("sqlite") else "://")
    if kind not in ("sqlite", "postgresql") or not separator or not place:
        raise ValueError("sqlite:///PATH or postgresql://USER@HOST/DATABASE is needed")
    return f"sqlite:///{PROJECT_ROOT / place}" if kind == "sqlite" else url


StoreUrl = Annotated[str, AfterValidator(_located_store)]


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key path, value and rule in one line."""


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Thresholds(Section):
    """Decision thresholds; an unset one means the value tuned on held-out data, stored in the artifact."""

    emotion: Probability | None = Field(default=None, description="For the probability of any emotion at all.")
    topic: Probability | None = Field(default=None, description="The paper gives none.")
    match: Probability | None = Field(default=None, description="PBmatch; paper section 5: 0.85.")
    match_topic: Probability = Field(
        default=0.2, description="A candidate whose topic is less probable than this is passed over."
    )
    lexicon: Probability = Field(default=0.6, description="The emotion lexicon, the Emotion node's understudy.")
    wsm: Probability | None = Field(default=None, description="WSM, PBmatch's understudy; paper Table 4: 0.75.")


class LiveSettings(Section):
    """The Composer's `user_config` in a Serve file: what `serve deploy` changes in a running service."""

    thresholds: Thresholds = Thresholds()
    replies: str | None = Field(
        default=None,
        description="Version of data/replies; another one makes every composer read them again; `deploy` sets it.",
    )


class Recall(Section):
    """How many candidates are looked up for the reranker."""

    top_k: int = Field(default=20, ge=1, le=100, description="Entries handed to the reranker (paper section 5: 20).")
    depth: int = Field(default=80, ge=1, le=1000, description="Surfaces taken from each of the two indexes.")


class Deadlines(Section):
    """Time budgets; one absolute deadline per request travels with it to every node."""

    default_ms: Milliseconds = Field(default=1000, description="When the client names none.")
    max_ms: Milliseconds = Field(default=5000, description="What a client's `deadline_ms` is clamped to.")
    emotion_ms: Milliseconds = Field(default=400, description="Longest wait for the Emotion node.")
    topic_ms: Milliseconds = Field(default=400, description="Longest wait for the Topic node.")
    recall_ms: Milliseconds = Field(default=400, description="Longest wait for the Recall node.")
    rerank_ms: Milliseconds = Field(default=500, description="Longest wait for the Rerank node.")
    reserve_ms: Milliseconds = Field(default=30, description="Kept back for understudies and the answer itself.")

    @classmethod
    def patient(cls, wait_ms: int) -> "Deadlines":
        """So long for everything that no answer is degraded for lack of time."""
        names = ("default_ms", "max_ms", "emotion_ms", "topic_ms", "recall_ms", "rerank_ms")
        return cls(**dict.fromkeys(names, wait_ms))

    @model_validator(mode="after")
    def _ordered(self) -> "Deadlines":
        if not self.reserve_ms < self.default_ms <= self.max_ms:
            raise ValueError(
                f"reserve_ms < default_ms <= max_ms must hold, got {self.reserve_ms}, {self.default_ms}, {self.max_ms}"
            )
        return self


class Batching(Section):
    """How concurrent requests share one call to a node, and how many may wait."""

    max_batch_size: int = Field(default=32, ge=1, le=1024)
    max_queue: int = Field(default=1024, ge=1, description="Items waiting per stage; beyond it the stage sheds load.")
    slots: int = Field(
        default=2, ge=1, le=16, description="Calls in flight from one composer to one node; in `fused`, to all nodes."
    )


class Breaker(Section):
    """When a composer stops calling a failing node, and how it finds out that the node is back."""

    failures: int = Field(default=3, ge=1, description="Failed calls in a row that open the breaker.")
    open_s: float = Field(default=1.0, gt=0, description="How long it stays open before one probe call is let through.")


class Cache(Section):
    """Sentences that are asked again soon; one memory per composer replica."""

    max_entries: int = Field(default=20_000, ge=0, description="Sentences remembered; 0 switches it off.")
    ttl_s: float = Field(default=60.0, gt=0, description="Seconds after which a sentence is forgotten.")


class Limits(Section):
    """Bounds on what a client may send."""

    max_text_chars: int = Field(default=500, ge=1, le=100_000)
    max_batch_items: int = Field(default=256, ge=1, le=4096)
    max_body_bytes: int = Field(default=2_000_000, ge=1024)
    max_sessions: int = Field(default=10_000, ge=1, description="Sessions whose used replies are remembered.")
    max_in_flight: int = Field(
        default=256, ge=1, description="Requests under way in one composer; beyond it the answer is 503."
    )
    max_batches: int = Field(
        default=4, ge=1, description="Full batches under way in one composer, likewise; small ones take less room."
    )
    body_timeout_s: float = Field(default=10.0, gt=0, description="Longest wait for a whole body, then 408.")


class Security(Section):
    """Who may ask, how often, and from which pages. Everything is off by default: the service listens on loopback."""

    api_keys: Located | None = Field(
        default=None, description="A file of SHA-256 digests, one a line; set, /v1 and /webhooks need a key."
    )
    admin_tokens: Located | None = Field(
        default=None, description="Such a file for /v1/admin; unset, there is no /v1/admin."
    )
    rate_limit: str | None = Field(
        default=None,
        pattern=r"^[1-9]\d*/(second|minute|hour|day)$",
        description="Requests per key, else per address, and per composer replica: 600/minute.",
    )
    allowed_origins: list[Origin] = Field(default=[], description="Pages of other hosts that may call (CORS).")
    forwarded_for: bool = Field(
        default=False, description="Take the address from X-Forwarded-For; only behind a proxy that sets it."
    )
    log_text: bool = Field(
        default=False, description="Let messages of exceptions, which may quote a text, into the logs."
    )


class Feedback(Section):
    """Where answers and ratings are recorded, and what of them."""

    url: StoreUrl = Field(
        default=f"sqlite:///{PROJECT_ROOT / '.run' / 'feedback.sqlite3'}",
        description="sqlite:///PATH (one machine), or postgresql://USER@HOST/DATABASE.",
    )
    keep_text: bool = Field(
        default=False, description="Record the customer's sentences and comments too, without personal data."
    )
    keep_days: int | None = Field(default=None, ge=1, description="Older records are deleted; unset keeps all.")
    max_queue: int = Field(
        default=10_000, ge=1, description="Answers waiting to be recorded; beyond it they are dropped and counted."
    )
    flush_ms: Milliseconds = Field(default=200, description="How long answers are collected for one transaction.")
    timeout_ms: Milliseconds = Field(default=5000, description="Longest wait for the writer; off the answers' path.")


class Experiment(Section):
    """The split of sessions into the arms `comfort` and `control`."""

    control_share: Probability = Field(default=0.0, description="Share of sessions that get no comfort.")
    salt: str = Field(default="1", min_length=1, description="Another salt deals the sessions anew.")


class AppConfig(Section):
    """Everything `graph.app.build` needs to know."""

    artifacts: Located = Field(default=PROJECT_ROOT / "artifacts", description="Trained models and indexes.")
    data: Located = Field(default=PROJECT_ROOT / "data", description="What the system knows, as text files.")
    drafts: Located = Field(
        default=PROJECT_ROOT / "mined" / "drafts", description="Drafts of knowledge that /v1/admin reviews."
    )
    train: Located = Field(default=PROJECT_ROOT / "configs" / "train.yaml", description="Hyperparameters, a YAML file.")
    placement: Literal["split", "fused"] = Field(
        default="split",
        description="split: one deployment a node; fused: all nodes in the composer's replica.",
    )
    execution: Literal["gated", "speculative"] = Field(
        default="gated",
        description="gated: emotion first, the rest only for emotional sentences; "
        "speculative: emotion, topic and recall at once.",
    )
    transport: Literal["throughput", "plain"] = Field(
        default="throughput",
        description="throughput: HAProxy, gRPC between replicas, one event loop a replica; plain: Ray's defaults.",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compiled: bool = Field(
        default=True,
        description="Compile the networks for the processor they are built on, and serve those; needs a C++ compiler. "
        "Without one, on another kind of processor, or if false, they compute as trained.",
    )
    thresholds: Thresholds = Field(
        default=Thresholds(), description="In a Serve file they stand in the Composer's `user_config` instead."
    )
    recall: Recall = Recall()
    deadlines: Deadlines = Deadlines()
    batching: Batching = Batching()
    breaker: Breaker = Breaker()
    cache: Cache = Cache()
    limits: Limits = Limits()
    security: Security = Security()
    ordinary_reply: str = Field(
        default=ORDINARY_REPLY,
        min_length=1,
        description="What a chat client gets over /v1/chat/completions for a sentence that asks for no comfort.",
    )
    feedback: Feedback = Feedback()
    experiment: Experiment = Experiment()


def read_yaml(path: Path) -> Any:
    """Safely loaded YAML of any shape.

    Raises:
        ConfigError: the file is missing, not UTF-8 or not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give an existing one with --config") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None


def explain(error: ValidationError, *, path: Path | str, prefix: str = "") -> ConfigError:
    """A pydantic error as one line: file, key path, rule and value of every fault."""
    faults = []
    for fault in error.errors():
        where = prefix + ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"{where}: unknown key")
        else:
            faults.append(f"{where}: {fault['msg']} (got {fault['input']!r})")
    return ConfigError(f"{path}: " + "; ".join(faults))


def parse_app_config(values: object, *, path: Path | str, prefix: str = "") -> AppConfig:
    """`AppConfig` from loaded YAML.

    Raises:
        ConfigError: an unknown key or an unusable value, named by its path.
    """
    try:
        return AppConfig.model_validate(values or {})
    except ValidationError as error:
        raise explain(error, path=path, prefix=prefix) from None
