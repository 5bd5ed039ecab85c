"""The nodes themselves: how each is made, and the shells they get in this process.

The composer of `split` reaches its nodes through handles and never imports this, which loads torch, the indexes and the
database; see `graph.assemble` for its side.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from configs.schema import AppConfig
from deployments.classify import Classify
from deployments.feedback import FeedbackReplica, FeedbackWriter
from deployments.recall import Recall
from deployments.replica import Replica
from deployments.rerank import Rerank
from deployments.work import Node
from graph.assemble import MAX_ENTRIES_A_CALL, Nodes
from graph.places import Places
from models.text.personal import mask_personal
from models.text.segment import segmenter_version


def node_makers(config: AppConfig) -> tuple[Callable[[], Node[Any, Any]], ...]:
    """One maker per node in the order of `Nodes`; called where the node shall live."""
    places = Places(config.artifacts)
    device, segmenter = config.device, segmenter_version()
    compiled = places.compiled if config.compiled else None
    classify = partial(Classify, device=device, segmenter=segmenter, compiled=compiled)
    makers: tuple[Callable[[], Node[Any, Any]], ...] = (
        partial(classify, folder=places.emotion),
        partial(classify, folder=places.topic),
        partial(
            Recall,
            index=places.index,
            encoder=places.encoder,
            segmenter=segmenter,
            top_k=config.recall.top_k,
            depth=config.recall.depth,
            device=device,
            compiled=compiled,
        ),
        partial(
            Rerank,
            folder=places.matcher,
            index=places.index,
            segmenter=segmenter,
            device=device,
            compiled=compiled,
        ),
    )
    return makers


def nodes_here(config: AppConfig) -> dict[str, Replica[Any, Any]]:
    """All nodes in this process by role, with the same shell they have as deployments.

    They compute in one thread together: torch takes and gives back Python's lock with every operation, and threads of
    their own spend a part of their time on handing it over. The composer's one slot for all (`deployments.slots`) makes
    up for what two cores could do more.
    """
    batching, thread = config.batching, ThreadPoolExecutor(max_workers=1, thread_name_prefix="nodes")
    return {
        role: Replica(maker, max_batch_size=batching.max_batch_size, max_queue=batching.max_queue, executor=thread)
        for role, maker in zip(Nodes._fields, node_makers(config), strict=True)
    }


def writer_maker(config: AppConfig) -> Callable[[], FeedbackWriter]:
    """Makes the feedback writer where it shall live."""
    return partial(FeedbackWriter, url=config.feedback.url, mask=mask_personal, keep_days=config.feedback.keep_days)


def writer_limits(config: AppConfig) -> dict[str, Any]:
    """How much the feedback writer takes at once."""
    return {"max_batch_size": MAX_ENTRIES_A_CALL, "max_queue": config.feedback.max_queue}


def writer_here(config: AppConfig) -> FeedbackReplica:
    """The feedback writer in this process, with the same shell it has as a deployment."""
    limits = writer_limits(config)
    return FeedbackReplica(writer_maker(config), max_batch_size=limits["max_batch_size"], max_queue=limits["max_queue"])
