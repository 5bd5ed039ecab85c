"""The graph without its batchers: every node is called with one sentence at a time, where it stands.

What someone writes first: load the models, answer a request. Same node classes, same artifacts, same policy; so the
answers must be the same as the graph's, which a test holds it to.
"""

from collections.abc import Callable
from typing import Any, Generic, cast

from configs.schema import AppConfig
from deployments.work import Description, Item, Node, Outcome, Result
from graph.assemble import Nodes, assemble
from graph.composer import Composer, Stages
from graph.nodes import node_makers
from graph.schema import Info, NodeState
from graph.stage import RemoteNode, Stage


class Unbatched(Generic[Item, Result]):
    """A stage that calls its node at once.

    Args:
        name: The node's role.
        make_node: Builds it.
    """

    def __init__(self, name: str, make_node: Callable[[], Node[Item, Result]]) -> None:
        self.name = name
        self._node = make_node()
        self.description: Description | None = Description(self._node.version, self._node.threshold)

    async def ask(self, item: Item, *, deadline: float) -> Outcome[Result]:
        """The node's result; blocks until it is there, whatever the deadline."""
        return self._node.many([item])[0]

    async def state(self) -> NodeState:
        """Always ready."""
        return NodeState(state="ready", breaker="closed", version=self._node.version)


def plain_composer(config: AppConfig) -> tuple[Composer, Info]:
    """A composer over unbatched nodes in this process."""
    stages = [Unbatched(role, maker) for role, maker in zip(Nodes._fields, node_makers(config), strict=True)]
    absent = cast(RemoteNode[Any, Any], None)
    composer, info = assemble(config, Nodes(absent, absent, absent, absent))
    composer.stages = Stages(*(cast(Stage[Any, Any], stage) for stage in stages))
    return composer, info
