"""The real graph with a hook around every node, so that a fault inside a node can be ordered from outside.

`build` is the import path of the application under test; the nodes are the real ones. What a node shall suffer stands
in a file of its role's name, looked at before every batch: `raise`, `slow SECONDS` or `poison WORD`.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ray import serve

from configs.schema import AppConfig
from deployments.work import Node
from graph.app import bind
from graph.assemble import Nodes
from graph.nodes import node_makers

ROLES = Nodes._fields


class SabotagedConfig(AppConfig):
    """The application's settings, and where orders are read."""

    orders: Path


class Saboteur:
    """A node that suffers what it is ordered to, and is otherwise the node it holds.

    Args:
        make: Makes the real node.
        order: The file that is looked at.
    """

    def __init__(self, make: Callable[[], Node[Any, Any]], order: Path) -> None:
        self._node = make()
        self._order = order
        self.version = self._node.version
        self.threshold = self._node.threshold

    def many(self, items: Sequence[Any]) -> Sequence[Any]:
        """What the real node says, unless ordered otherwise.

        Raises:
            RuntimeError: ordered.
        """
        verb, _, value = (self._order.read_text(encoding="utf-8") if self._order.exists() else "").partition(" ")
        if verb == "slow":
            time.sleep(float(value))
        if verb == "raise" or (verb == "poison" and any(value in repr(item) for item in items)):
            raise RuntimeError("ordered to fail")
        return self._node.many(items)


def build(config: SabotagedConfig) -> serve.Application:
    """The application with a saboteur in every node."""
    settings = AppConfig.model_validate(config.model_dump(exclude={"orders"}))
    makers = [
        partial(Saboteur, maker, config.orders / role) for role, maker in zip(ROLES, node_makers(settings), strict=True)
    ]
    return bind(settings, makers)
