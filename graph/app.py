"""The graph as it is drawn in the README: four nodes, one composer, one writer; the only file that wraps and binds.

    HTTP ─► Composer ─┬─► Emotion
                      ├─► Topic
                      ├─► Recall
                      ├─► Rerank
                      └─► Feedback

`build` is the application builder of a Serve YAML file; its `args` are an `AppConfig`. The classes themselves know
nothing of Serve, so the same ones run in three placements: `split` (a deployment each), `fused` (all in the
composer's replica) and in process (`graph.local`). Replicas and resources are given only in YAML, by deployment name.

What makes nodes is imported where they are made: every composer imports this file, and with its nodes elsewhere it
needs neither torch nor a database, and starts in half the time.
"""

import gc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, cast

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from configs.schema import AppConfig
from deployments.messages import Entry, Receipt
from deployments.replica import Replica
from deployments.work import Description, Failure, Item, Node, Result, Work
from graph.assemble import Nodes, assemble, assemble_feedback, make_http, readings_of
from graph.exporter import export, inside_replica
from graph.feedback import RemoteWriter
from graph.live import Live
from graph.loopback import keep_replica_on_loopback, made_on_loopback
from graph.private_logs import join_serve_logs, protect_logs
from graph.readings import node_readings
from graph.stage import RemoteNode
from indexes.feedback.entries import Tallies

_OBJECTS_PER_COLLECTION = 20_000
"""Python's default is 700, which is less than a full batch makes. Only what refers to itself waits for it."""


class HandleNode(Generic[Item, Result]):
    """A node behind a Serve handle."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        self._handle = handle

    async def many(self, works: Sequence[Work[Item]]) -> Sequence[Result | Failure]:
        """One remote call for all works."""
        return cast(Sequence[Result | Failure], await _reply(self._handle.many.remote(works)))

    async def describe(self) -> Description:
        """What the node computes with."""
        return cast(Description, await _reply(self._handle.describe.remote()))


class HandleWriter(HandleNode[Entry, Receipt]):
    """The feedback writer behind a Serve handle."""

    async def tallies(self, since: float | None) -> Tallies:
        """What the report is computed from."""
        return cast(Tallies, await _reply(self._handle.tallies.remote(since)))


async def _reply(response: Any) -> Any:
    """A remote call's reply; cancelling this cancels the remote call, which Serve does not do itself."""
    try:
        return await response
    except BaseException:
        response.cancel()
        raise


class Ingress:
    """The ingress: the composer and its HTTP interface in one deployment, so that no hop lies between them."""

    def __init__(self, config: dict[str, Any], handles: dict[str, DeploymentHandle[Any]] | None) -> None:
        self._config = AppConfig.model_validate(config)
        keep_replica_on_loopback()
        _keep_logs(keep_text=self._config.security.log_text)
        self._here: dict[str, Replica[Any, Any]] = {}
        if handles is None:
            from graph.nodes import nodes_here, writer_here  # noqa: PLC0415

            here = nodes_here(self._config)
            nodes = Nodes(**here)
            writer = writer_here(self._config)
            self._writer: RemoteWriter = writer
            self._here = here | {"feedback": writer}
        else:
            remote: list[RemoteNode[Any, Any]] = [HandleNode(handles[role]) for role in Nodes._fields]
            nodes = Nodes(*remote)
            self._writer = HandleWriter(handles["feedback"])
        self._composer, self._info = assemble(self._config, nodes)
        self._live = Live(self._composer, data=self._config.data)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Called by Serve after the constructor and when `user_config` changes, while requests go on."""
        await self._live.change(user_config)

    async def check_health(self) -> None:
        """Called by Serve on the event loop that serves requests: a loop that is stuck does not answer in time.

        An idle composer looks for published knowledge here.
        """
        _ = self._composer.knowledge

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Called by Serve after the constructor."""
        feedback = assemble_feedback(self._config, self._writer)
        app = make_http(self._composer, self._info, self._config, feedback)
        nodes = (partial(node_readings, role, replica) for role, replica in self._here.items())
        export(readings_of(app, self._info, self._config, feedback), *nodes)
        _keep_what_is_loaded()
        return app


def build(config: AppConfig) -> serve.Application:
    """The bound application.

    Args:
        config: Typed settings; Serve fills them from the YAML's `args`.
    """
    from graph.nodes import node_makers  # noqa: PLC0415

    return bind(config, node_makers(config))


def bind(config: AppConfig, makers: Sequence[Callable[[], Node[Any, Any]]]) -> serve.Application:
    """The application over nodes that `makers` make, in the order of `Nodes`; `fused` makes its own."""
    settings = config.model_dump(mode="json")
    ingress = _deployment(serve.ingress()(Ingress), "Composer")
    if config.placement == "fused":
        return cast(serve.Application, ingress.bind(settings, None))

    from deployments.feedback import FeedbackReplica  # noqa: PLC0415
    from graph.nodes import writer_limits, writer_maker  # noqa: PLC0415

    def made(maker: Callable[[], Any]) -> Callable[[], Any]:
        return partial(_made_in_replica, maker, keep_text=config.security.log_text)

    handles = {
        role: _deployment(Replica, role.capitalize()).bind(
            made(maker), **_limits(config), started=partial(_export_node, role)
        )
        for role, maker in zip(Nodes._fields, makers, strict=True)
    }
    handles["feedback"] = _deployment(FeedbackReplica, "Feedback").bind(
        made(writer_maker(config)), **writer_limits(config), started=partial(_export_node, "feedback")
    )
    return cast(serve.Application, ingress.bind(settings, handles))


def _deployment(cls: type, name: str) -> Any:
    # `serve.deployment(cls)` is annotated as returning a decorator; it returns a Deployment.
    return cast(Any, serve.deployment(cls)).options(name=name)


def _made_in_replica(maker: Callable[[], Any], *, keep_text: bool) -> Any:
    _keep_logs(keep_text=keep_text)
    return made_on_loopback(maker)


def _keep_logs(*, keep_text: bool) -> None:
    if inside_replica():
        join_serve_logs(keep_text=keep_text)
    protect_logs(keep_text=keep_text)


def _export_node(role: str, replica: Replica[Any, Any]) -> None:
    export(partial(node_readings, role, replica))
    _keep_what_is_loaded()


def _keep_what_is_loaded() -> None:
    """Look for garbage neither among what was loaded nor after every few requests: that took a 25th of all time."""
    if inside_replica():
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_PER_COLLECTION)


def _limits(config: AppConfig) -> dict[str, int]:
    return {"max_batch_size": config.batching.max_batch_size, "max_queue": config.batching.max_queue}
