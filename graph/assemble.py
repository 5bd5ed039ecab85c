"""Puts a composer together from settings, content and nodes, wherever the nodes live.

Called by the ingress replica (`graph.app`) and by the in-process graph (`graph.local`); both therefore answer alike.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import FastAPI

from configs.schema import AppConfig
from deployments.messages import Candidates, Classified, Query, Reranked
from deployments.slots import Slots
from graph import admin, security
from graph.answer import Scribe
from graph.breaker import Breaker
from graph.composer import Budget, Composer, Stages
from graph.editions import Editions
from graph.experiment import Experiment
from graph.feedback import Feedback, RemoteWriter
from graph.gateway import make_app
from graph.memory import Memory
from graph.places import Places
from graph.readings import ComposerReadings
from graph.recorder import Recorder
from graph.responses import count_responses
from graph.schema import Info
from graph.sessions import Sessions
from graph.stage import RemoteNode, Stage
from graph.understudies import Understudies
from indexes.content.lexicon import Lexicon
from indexes.content.replies import ReplyStore
from indexes.content.taxonomy import Taxonomy
from indexes.knowledge_index import KnowledgeIndex
from indexes.recall import Recalled
from indexes.shelf import Shelf
from models.embeddings import Embeddings
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.unsupervised import WSM

MAX_ENTRIES_A_CALL = 256
"""Of the feedback writer; with texts of the greatest length they stay below gRPC's 4 MB a message."""


class Nodes(NamedTuple):
    """The four model nodes; the field names are their roles."""

    emotion: RemoteNode[Sentence, Classified]
    topic: RemoteNode[Sentence, Classified]
    recall: RemoteNode[Query, Recalled]
    rerank: RemoteNode[Candidates, Reranked]


def assemble_feedback(config: AppConfig, writer: RemoteWriter) -> Feedback:
    """A composer's side of the feedback, over a writer anywhere."""
    settings = config.feedback
    timeout_s, flush_s = settings.timeout_ms / 1000, settings.flush_ms / 1000
    return Feedback(
        writer=writer,
        ratings=Stage(
            "feedback",
            writer,
            breaker=Breaker(failures=config.breaker.failures, open_s=config.breaker.open_s),
            timeout_s=timeout_s,
            max_batch_size=MAX_ENTRIES_A_CALL,
            max_queue=config.batching.max_queue,
            slots=config.batching.slots,
        ),
        recorder=Recorder(
            writer,
            max_queue=settings.max_queue,
            max_batch_size=MAX_ENTRIES_A_CALL,
            flush_s=flush_s,
            timeout_s=timeout_s,
        ),
        experiment=Experiment(config.experiment.control_share, config.experiment.salt),
        keep_text=settings.keep_text,
        patience_s=2 * flush_s,
        timeout_s=timeout_s,
    )


def assemble(config: AppConfig, nodes: Nodes) -> tuple[Composer, Info]:
    """A composer over `nodes`, and what is known about the service without asking them."""
    places = Places(config.artifacts)
    processor = TextProcessor()
    open_edition: Callable[[Path], KnowledgeIndex] = partial(KnowledgeIndex.open, segmenter=processor.version)
    editions = Editions(Shelf(places.index, open_edition))
    taxonomy = Taxonomy.read(config.data / "taxonomy.yaml")
    replies = ReplyStore.read(config.data / "replies", taxonomy)
    wsm = WSM.load(places.wsm, Embeddings.load(places.embeddings, segmenter=processor.version))
    scribe = Scribe(replies=replies, sessions=Sessions(max_sessions=config.limits.max_sessions))
    composer = Composer(
        stages=_stages(config, nodes),
        understudies=Understudies(Lexicon.read(config.data / "lexicons", taxonomy), wsm),
        processor=processor,
        editions=editions,
        scribe=scribe,
        budget=Budget(config.deadlines.default_ms, config.deadlines.max_ms, config.deadlines.reserve_ms),
        execution=config.execution,
        thresholds=config.thresholds,
        memory=Memory(max_entries=config.cache.max_entries, ttl_s=config.cache.ttl_s),
    )
    info = Info(
        emotions={label.id: label.zh for label in taxonomy.emotions},
        topics={label.id: label.zh for label in taxonomy.topics},
        thresholds=composer.thresholds(),
        versions=composer.versions(),
        counts={"replies": len(replies)},
        execution=config.execution,
        placement=config.placement,
    )
    return composer, info


def make_http(composer: Composer, info: Info, config: AppConfig, feedback: Feedback) -> FastAPI:
    """The HTTP interface around a composer, with the configured limits and guards."""
    app = make_app(
        composer,
        info=info,
        max_text_chars=config.limits.max_text_chars,
        max_batch_items=config.limits.max_batch_items,
        max_body_bytes=config.limits.max_body_bytes,
        ordinary_reply=config.ordinary_reply,
        max_in_flight=config.limits.max_in_flight,
        max_batches=config.limits.max_batches,
        # Twice as quick as promised, so that what is let in need not be cut short.
        target_s=config.deadlines.default_ms / 2000,
        body_timeout_s=config.limits.body_timeout_s,
        feedback=feedback,
    )
    admin.install(app, config)
    security.install(app, config.security)
    count_responses(app, composer.telemetry)
    return app


def readings_of(app: FastAPI, info: Info, config: AppConfig, feedback: Feedback) -> ComposerReadings:
    """What the metrics of the composer behind `app` are read from."""
    gateway = app.state.gateway
    return ComposerReadings(
        gateway.composer,
        emotions=tuple(info.emotions),
        admissions={"request": gateway.admission, "batch": gateway.batch_admission},
        recorder=feedback.recorder,
        deadline_s=config.deadlines.default_ms / 1000,
    )


def _stages(config: AppConfig, nodes: Nodes) -> Stages:
    limits, n_slots = config.deadlines, config.batching.slots
    # In one process all nodes compute in the same thread.
    shared = Slots(n_slots) if config.placement == "fused" else None
    places: tuple[RemoteNode[Any, Any], ...] = nodes
    timeouts_ms = (limits.emotion_ms, limits.topic_ms, limits.recall_ms, limits.rerank_ms)
    return Stages(
        *(
            Stage(
                role,
                node,
                breaker=Breaker(failures=config.breaker.failures, open_s=config.breaker.open_s),
                timeout_s=timeout_ms / 1000,
                max_batch_size=config.batching.max_batch_size,
                max_queue=config.batching.max_queue,
                slots=shared or n_slots,
            )
            for role, node, timeout_ms in zip(Nodes._fields, places, timeouts_ms, strict=True)
        )
    )
