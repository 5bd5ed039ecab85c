"""Starts and stops the service on this machine: Ray if none is given, deploy, wait, announce, clean stop.

Deploys through Serve's documented REST interface, the one `serve deploy` uses, so that a service started by
`make serve` can later be updated with the same file.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import ray
from ray import serve
from ray.dashboard.modules.serve.sdk import ServeSubmissionClient

from configs.schema import PROJECT_ROOT
from graph.errors import LaunchError
from graph.preflight import port_fault
from graph.serve_file import ServeFile
from graph.transport import switched

PID_FILE = PROJECT_ROOT / ".run" / "serve.pid"
DASHBOARD_FILE = PROJECT_ROOT / ".run" / "dashboard"
_DEPLOY_TIMEOUT_S = 300.0
_POLL_S = 0.5
_PATIENCE_S = 60.0


@contextmanager
def running(file: ServeFile, *, address: str | None = None) -> Iterator[str]:
    """The service, up and ready, until the block ends.

    Args:
        file: What to deploy.
        address: A Ray cluster to use; None starts one that ends with this process.

    Yields:
        The URL of the service.

    Raises:
        LaunchError: the port is taken, the deployment failed, or it was not ready in time.
    """
    check_port(file)
    with switched(file.app.transport, forwarded_for=file.app.security.forwarded_for), ray_cluster(address) as dashboard:
        # Ray's own client of that interface: it carries the cluster's authentication token.
        client = ServeSubmissionClient(dashboard)
        deploy(client, file)
        url = f"http://{file.host}:{file.port}"
        _wait_ready(client, file, url)
        with _noted(dashboard):
            yield url


@contextmanager
def ray_cluster(address: str | None = None) -> Iterator[str]:
    """A cluster to deploy to; Serve on it ends with the block.

    Args:
        address: The cluster's; None starts one on loopback, which ends with the block too.

    Yields:
        The dashboard's URL.
    """
    dashboard = _start_ray(address)
    try:
        yield dashboard
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()


def check_port(file: ServeFile) -> None:
    """Raise `LaunchError` if something already listens where the service shall."""
    fault = port_fault(file.host, file.port)
    if fault:
        raise LaunchError(fault)


def wait_for_signal() -> None:
    """Block until Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


@contextmanager
def pid_file(path: Path = PID_FILE) -> Iterator[None]:
    """Note this process' id while the block runs, for `stop`."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(str(os.getpid()), encoding="ascii")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _noted(dashboard: str) -> Iterator[None]:
    # Ray takes another port than 8265 if that is taken; `deploy` must find this one.
    DASHBOARD_FILE.parent.mkdir(exist_ok=True)
    DASHBOARD_FILE.write_text(dashboard, encoding="ascii")
    try:
        yield
    finally:
        DASHBOARD_FILE.unlink(missing_ok=True)


def dashboard_here() -> str:
    """The address of the dashboard of the service that runs here, or Ray's usual one."""
    return DASHBOARD_FILE.read_text(encoding="ascii") if DASHBOARD_FILE.exists() else "http://127.0.0.1:8265"


def stop(path: Path = PID_FILE, *, timeout_s: float = 60.0) -> bool:
    """End the service that `path` names; False if none runs.

    Raises:
        LaunchError: it did not end in time.
    """
    pid = int(path.read_text(encoding="ascii")) if path.exists() else None
    if pid is None or not _is_service(pid):
        path.unlink(missing_ok=True)
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + timeout_s
    while _is_service(pid):
        if time.monotonic() > end:
            raise LaunchError(f"process {pid} did not end within {timeout_s:.0f} s; end it with kill -9 {pid}")
        time.sleep(_POLL_S)
    return True


def _is_service(pid: int) -> bool:
    # The id may have been reused by another program since.
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in words


def _start_ray(address: str | None) -> str:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Replicas import `graph` and its neighbours from the project's root.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is not None:
        context = ray.init(address=address, **quiet)
    else:
        context = ray.init(
            address="local",
            include_dashboard=True,
            dashboard_host="127.0.0.1",
            **quiet,
            _node_ip_address="127.0.0.1",
        )
    return f"http://{context.dashboard_url}"


def deploy(client: ServeSubmissionClient, file: ServeFile) -> None:
    """Hand the file to Serve, which starts to carry it out; asked again while Serve's own side is not ready.

    Raises:
        LaunchError: Serve does not take it.
    """
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            client.deploy_applications(file.content)
            return
        except RuntimeError as error:  # Ray's only one: the status stands in its message
            if "status code 5" not in str(error) or time.monotonic() > end:
                raise LaunchError(f"Serve refused the configuration: {_last_line(str(error))}") from None
            time.sleep(_POLL_S)


def _wait_ready(client: ServeSubmissionClient, file: ServeFile, url: str) -> None:
    end = time.monotonic() + _DEPLOY_TIMEOUT_S
    while time.monotonic() < end:
        state = client.get_serve_details().get("applications", {}).get(file.name, {})
        if state.get("status") in ("DEPLOY_FAILED", "UNHEALTHY"):
            raise LaunchError(f"the application did not start: {why(state)}")
        if state.get("status") == "RUNNING" and _is_ready(url):
            return
        time.sleep(_POLL_S)
    raise LaunchError(f"not ready after {_DEPLOY_TIMEOUT_S:.0f} s; the logs are in /tmp/ray/session_latest/logs/serve")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def why(state: dict[str, Any]) -> str:
    """The last line of what Serve says about an application that failed."""
    messages = [state.get("message", "")]
    messages += [d.get("message", "") for d in state.get("deployments", {}).values()]
    return _last_line(next((m for m in reversed(messages) if m), ""))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip(" .")]  # Ray ends a trace with a line of a dot
    return lines[-1] if lines else "no reason given"
