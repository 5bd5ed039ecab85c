"""Keeps every port of a Ray that is started here on loopback; whoever reaches one of them runs code on the machine.

`ray.init` replaces a node address of 127.0.0.1 by the machine's own, and with that address its control store, raylet,
workers and agents listen on all interfaces. Ray leaves 127.0.0.1 alone where it takes clusters for impossible, which
this switch says; it is read while Ray is imported, here and in every process that Ray starts.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from graph.errors import LaunchError

Made = TypeVar("Made")

_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_LOOPBACK = "127.0.0.1"


def keep_ray_on_loopback() -> None:
    """Set the switch, unless the caller's environment sets it already; called before Ray is imported.

    Raises:
        LaunchError: Ray is already imported, so the switch would do nothing.
    """
    if _SWITCH not in os.environ and "ray" in sys.modules:
        raise LaunchError(f"Ray is imported already; set {_SWITCH}=0 in the environment first")
    os.environ.setdefault(_SWITCH, "0")


def made_on_loopback(make: Callable[[], Made]) -> Made:
    """What `make` makes, inside a replica whose port is kept on loopback."""
    keep_replica_on_loopback()
    return make()


def keep_replica_on_loopback() -> None:
    """Make the replica in this process listen where its node does, if that is on loopback.

    Serve binds a replica's gRPC server to all interfaces without a setting for it. It does so after the replica's
    constructor, which calls this.
    """
    # Ray must not be imported before its switch is set; and nothing here is part of its interface.
    services: Any = import_module("ray._private.services")
    replica: Any = import_module("ray.serve._private.replica")
    listen: Callable[[Any, str], int] = replica.add_port_to_grpc_server
    if services.get_node_ip_address() == _LOOPBACK:
        replica.add_port_to_grpc_server = lambda server, address: listen(server, address.replace("[::]", _LOOPBACK))
