"""The faults: how each is made and mended, and how long it is kept up."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from ray._private.node import Node
from ray._private.worker import global_worker

from load_tests.chaos.saboteur import ROLES
from load_tests.chaos.service import CONTROLLER, HAPROXY, MANAGER, PROXY, Service, wake

POISON = "毒丸"
ALLOWED_S = {"none": -inf, "in flight": 0.5, "until noticed": 20.0, "while away": inf}
"""Of each kind of allowed errors, how long after the fault a request may be sent and still fail."""
NODES = tuple(role.capitalize() for role in ROLES)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: As it stands in the table.
        make: Makes it, and returns what mends it.
        hold_s: Seconds until it is mended by hand; 0 leaves the mending to Serve.
        timeout_s: Longest wait for the service to be whole again.
        whole_within_s: By when every replica must be there again.
        allowed: Errors a customer may see: `none`, `in flight` (requests that were at what was lost), `until noticed`
            (what hangs counts as there for some seconds), or `while away` (until the only way in is back).
    """

    name: str
    make: Callable[[Service], Callable[[], None]]
    hold_s: float = 0.0
    timeout_s: float = 60.0
    whole_within_s: float = inf
    allowed: str = "none"


def killed(role: str) -> Fault:
    """`kill -9` of one process."""

    def make(service: Service) -> Callable[[], None]:
        service.kill(role)
        return nothing

    # HAProxy ends with the actor that watches it.
    allowed = {"Composer": "in flight", MANAGER: "while away", HAPROXY: "while away"}.get(role, "none")
    return Fault(f"kill -9 {role}", make, allowed=allowed, whole_within_s=5 if role == "Composer" else inf)


def only_proxy_killed() -> Fault:
    """`kill -9` of Ray's Python proxy where it is the only way in."""
    return replace(killed(PROXY), allowed="while away")


def stopped(role: str) -> Fault:
    """SIGSTOP of one replica: it hangs, and nobody hears that it is gone."""

    def make(service: Service) -> Callable[[], None]:
        pid = service.kill(role, signal.SIGSTOP)
        return lambda: wake(pid)

    return Fault(f"SIGSTOP {role}", make, timeout_s=90, allowed="until noticed" if role == "Composer" else "none")


def ordered(role: str, order: str, name: str) -> Fault:
    """A node that raises, is slow, or meets a poisoned item, for some seconds."""

    def make(service: Service) -> Callable[[], None]:
        file = service.orders / role
        file.write_text(order, encoding="utf-8")
        return file.unlink

    return Fault(f"{name} in {role.capitalize()}", make, hold_s=5)


def damaged(role: str, place: str, damage: Callable[[bytes], bytes], name: str) -> Fault:
    """A file on disk is damaged, and the replica that reads it starts anew."""

    def make(service: Service) -> Callable[[], None]:
        path = service.artifacts / place
        content = path.read_bytes()
        rewrite(path, damage(content))
        service.kill(role)
        return lambda: rewrite(path, content)

    return Fault(f"{name}: {place}", make, hold_s=8, timeout_s=120)


def updated() -> Fault:
    """Every replica is replaced, as by `serve deploy` with another setting."""

    def make(service: Service) -> Callable[[], None]:
        service.update()
        return nothing

    return Fault("update of every deployment", make, timeout_s=120)


def control_store_lost() -> Fault:
    """The head's control store dies and comes back after some seconds, its state kept by Redis."""

    def make(service: Service) -> Callable[[], None]:
        head: Node = service.cluster.head_node  # type: ignore[assignment]
        # This process' listener for messages would retry without pause, at the cost of half a core.
        global_worker.threads_stopped.set()
        head.kill_gcs_server()
        return head.start_gcs_server

    return Fault("control store lost for 10 s", make, hold_s=10, timeout_s=90)


def node_lost() -> Fault:
    """The second machine dies at once."""

    def make(service: Service) -> Callable[[], None]:
        service.lose_node()
        return nothing

    return Fault("loss of the worker node of two", make, timeout_s=90, allowed="in flight", whole_within_s=30)


def rewrite(path: Path, content: bytes) -> None:
    """Other bytes under a name, in a file of its own: who has the old one open goes on reading that."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)


def nothing() -> None:
    """Serve mends it."""


def empty(_: bytes) -> bytes:
    """Nothing is left."""
    return b""


def half(content: bytes) -> bytes:
    """A write that broke off."""
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """The right length with wrong bytes in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 64]) + content[middle + 64 :]


def standard() -> list[Fault]:
    """Every fault of a cluster of one node."""
    return [
        *(killed(role) for role in (*NODES, "Feedback", "Composer", CONTROLLER, PROXY, MANAGER, HAPROXY)),
        *(stopped(role) for role in (*NODES, "Composer")),
        *(ordered(role, "raise", "exception inside a batch") for role in ROLES),
        ordered("rerank", f"poison {POISON}", "poisoned item"),
        *(ordered(role, "slow 1.5", "every batch takes 1.5 s") for role in ("emotion", "rerank")),
        damaged("Emotion", "models/emotion/weights.safetensors", half, "half-written artifact"),
        damaged("Rerank", "models/matcher/weights.safetensors", flipped, "corrupt artifact"),
        damaged("Recall", "index/manifest.json", empty, "empty index manifest"),
        damaged("Recall", "index/dense/vectors.faiss", half, "half-written index"),
        updated(),
    ]


def short() -> list[Fault]:
    """Those a test can afford."""
    return [
        killed("Recall"),
        ordered("rerank", f"poison {POISON}", "poisoned item"),
    ]


def wait_s(fault: Fault) -> None:
    """Keep the fault up."""
    time.sleep(fault.hold_s)
