"""The service under test on a Ray of its own, and its processes by their role.

Processes are found through Ray, not by their title: other services may run on the same machine.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from ray import serve
from ray.cluster_utils import Cluster
from ray.dashboard.modules.serve.sdk import ServeSubmissionClient
from ray.util.state import list_actors

from configs.schema import PROJECT_ROOT, AppConfig
from graph.launch import running
from graph.serve_file import ServeFile
from graph.transport import switched

APP = "comfort"
CONTROLLER, PROXY, MANAGER, HAPROXY = "ServeController", "ProxyActor", "HAProxyManager", "haproxy"
_SERVE = (CONTROLLER, PROXY, MANAGER, HAPROXY)


class Service:
    """A running service.

    Args:
        url: Where it listens.
        dashboard: Where its Ray is told of deployments.
        cluster: The Ray it runs on.
        folder: Holds `artifacts` and `orders`.
        content: What was deployed.
    """

    def __init__(self, url: str, dashboard: str, cluster: Cluster, folder: Path, content: dict[str, Any]) -> None:
        self.url = url
        self.cluster = cluster
        self.artifacts = folder / "artifacts"
        self.orders = folder / "orders"
        self._dashboard = dashboard
        self._content = content
        self._expected: Counter[str] = Counter()
        self._all_replicas = True

    def processes(self) -> dict[str, list[int]]:
        """The living processes of every deployment and of Serve itself."""
        found: dict[str, list[int]] = {}
        for actor in list_actors(filters=[("state", "=", "ALIVE")], limit=1000):
            role = str(actor.class_name).removeprefix(f"ServeReplica:{APP}:")
            if actor.pid and is_running(int(actor.pid)):
                found.setdefault(role, []).append(int(actor.pid))
        # A replaced HAProxy ends its connections beside the new one, which is the youngest.
        proxies = [child.pid for pid in found.get(MANAGER, []) for child in psutil.Process(pid).children()]
        proxies = [pid for pid in proxies if is_running(pid) and psutil.Process(pid).name() == HAPROXY]
        return found | ({HAPROXY: proxies[-1:]} if proxies else {})

    def pids(self, role: str) -> list[int]:
        """The living processes of one of them."""
        return self.processes().get(role, [])

    def kill(self, role: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process of a role; its id.

        Raises:
            RuntimeError: there is none.
        """
        pids = self.pids(role)
        if not pids:
            raise RuntimeError(f"no process of {role} is alive")
        os.kill(pids[0], number)
        return pids[0]

    def settle(self) -> None:
        """Wait until every replica is there, and take that for what is whole from now on."""
        wait_until(self._healthy, what="every replica", timeout_s=180)
        self._expected = Counter({role: len(pids) for role, pids in self.processes().items()})

    def whole(self) -> bool:
        """Whether every process is there, and Serve says so too."""
        try:
            there = Counter({role: len(pids) for role, pids in self.processes().items()})
        except Exception:  # the control store is away, or starts
            return False
        wanted = {role: n for role, n in self._expected.items() if role in (*self.roles, *_SERVE)}
        return all(there[role] >= n for role, n in wanted.items()) and (self._healthy() or not self._all_replicas)

    def lose_node(self) -> None:
        """End the second node at once; from now on one process of each kind is whole, as one node takes no more."""
        node = next(iter(self.cluster.worker_nodes))
        # Its workers too, and first: they would notice only after a second that their node is gone.
        workers = list_actors(filters=[("state", "=", "ALIVE"), ("node_id", "=", node.node_id)], limit=1000)
        for pid in [actor.pid for actor in workers if actor.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.cluster.remove_node(node, allow_graceful=False)
        self._expected = Counter(dict.fromkeys(self._expected, 1))
        self._all_replicas = False

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the deployments."""
        return tuple(deployment["name"] for deployment in self._content["applications"][0]["deployments"])

    def update(self) -> None:
        """Deploy anew with another setting, so that every replica is replaced; returns once that has begun."""
        self._content["applications"][0]["args"]["ordinary_reply"] += "。"
        ServeSubmissionClient(self._dashboard).deploy_applications(self._content)
        wait_until(lambda: not self._healthy(), what="the update", timeout_s=120)

    def _healthy(self) -> bool:
        try:
            deployments = serve.status().applications[APP].deployments.values()
        except Exception:  # the controller is away, or starts
            return False
        return all(d.status == "HEALTHY" and set(d.replica_states) == {"RUNNING"} for d in deployments)


@contextmanager
def service(
    config: AppConfig, folder: Path, *, n_nodes: int = 1, n_composers: int = 2, redis: str | None = None
) -> Iterator[Service]:
    """The service on a cluster of `n_nodes` on this machine.

    Args:
        config: Names the artifacts (copied, as faults damage them) and the data.
        folder: For the copy and the orders to nodes.
        n_nodes: Nodes of the cluster; with two, every deployment has a replica on each.
        n_composers: Composer replicas.
        redis: HOST:PORT that keeps the control store's state; None keeps it in memory.
    """
    shutil.copytree(config.artifacts, folder / "artifacts", dirs_exist_ok=True)
    (folder / "orders").mkdir(exist_ok=True)
    environment = {"PYTHONPATH": str(PROJECT_ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_KV_TIMEOUT_S": "5"}
    if redis:
        environment["RAY_REDIS_ADDRESS"] = redis
    # The cluster's processes read the switches of the transport when they start.
    with environ(environment), switched(config.transport):
        port = free_port()
        head = {"num_cpus": 4, "include_dashboard": True, "dashboard_host": "127.0.0.1", "dashboard_port": port}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(n_nodes - 1):
                cluster.add_node(num_cpus=4)
            file = serve_file(config, folder, n_replicas=n_nodes, n_composers=n_composers)
            with running(file, address=cluster.address) as url:
                tested = Service(url, f"http://127.0.0.1:{port}", cluster, folder, file.content)
                tested.settle()
                yield tested
        finally:
            cluster.shutdown()  # type: ignore[no-untyped-call]


def serve_file(config: AppConfig, folder: Path, *, n_replicas: int, n_composers: int) -> ServeFile:
    """configs/serve.yaml with a fixed number of replicas, no memory of sentences, and orders to nodes."""
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    port = free_port()
    content["http_options"]["port"] = port
    application: dict[str, Any] = content["applications"][0]
    application["import_path"] = "load_tests.chaos.saboteur:build"
    application["args"] |= config.model_dump(mode="json", exclude={"placement", "execution"}) | {
        "artifacts": str(folder / "artifacts"),
        "orders": str(folder / "orders"),
        "cache": {"max_entries": 0},
        "ordinary_reply": "好的",
        "feedback": {"url": f"sqlite:///{folder / 'feedback.sqlite3'}"},
    }
    for deployment in application["deployments"]:
        deployment.pop("autoscaling_config", None)
        deployment["num_replicas"] = {"Composer": n_composers, "Feedback": 1}.get(deployment["name"], n_replicas)
        if n_replicas > 1:
            deployment["max_replicas_per_node"] = 1
    return ServeFile(content, config, APP, "127.0.0.1", port)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """HOST:PORT of a Redis, as long as the block runs."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(port), what="Redis", timeout_s=30)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def environ(values: dict[str, str]) -> Iterator[None]:
    """Environment variables, as long as the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def wait_until(condition: Callable[[], bool], *, what: str, timeout_s: float) -> float:
    """Seconds until the condition held.

    Raises:
        TimeoutError: it did not.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.25)
    return time.monotonic() - started


def is_running(pid: int) -> bool:
    """Whether a process is there and not stopped or dead."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def wake(pid: int) -> None:
    """End a process that was stopped, if Serve has not done so."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_listening(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
