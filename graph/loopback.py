"""Keeps every port of a Ray that is started here on loopback; called before Ray is imported.

`ray.init` replaces a node address of 127.0.0.1 by the machine's own, and with that address its control store, raylet,
workers and agents listen on all interfaces. Ray leaves 127.0.0.1 alone where it takes clusters for impossible, which
this switch says; it is read while Ray is imported, here and in every process that Ray starts.
"""

import os
import sys

from graph.errors import LaunchError

_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def keep_ray_on_loopback() -> None:
    """Set the switch, unless the caller's environment sets it already.

    Raises:
        LaunchError: Ray is already imported, so the switch would do nothing.
    """
    if _SWITCH not in os.environ and "ray" in sys.modules:
        raise LaunchError(f"Ray is imported already; set {_SWITCH}=0 in the environment first")
    os.environ.setdefault(_SWITCH, "0")
