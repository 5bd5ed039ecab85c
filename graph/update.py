"""Updates a running service in place through Serve's REST interface, as `serve deploy` does, after a strict check.

Called by the command `deploy`. Serve itself sees only a changed file: edited replies are made visible to it by their
version in the Composer's `user_config`.
"""

import copy
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray.dashboard.modules.serve.sdk import ServeSubmissionClient
from ray.exceptions import AuthenticationError

from graph.errors import LaunchError
from graph.launch import deploy, why
from graph.live import read_replies
from graph.serve_file import COMPOSER, ServeFile

_TIMEOUT_S = 600.0
_POLL_S = 0.5
_TAKEN_UP_S = 2.0
"""After this Serve, which looks ten times a second, no longer tells of what was there before."""


def update(file: ServeFile, dashboard: str) -> tuple[int, int]:
    """Deploy `file` and wait until every replica follows it.

    Args:
        file: What to deploy.
        dashboard: The URL of the cluster's dashboard.

    Returns:
        How many replicas went on running, and how many are new.

    Raises:
        LaunchError: there is no cluster, or the update failed.
        ContentError: the replies break a rule; nothing was deployed.
    """
    stamped = with_replies(file, read_replies(file.app.data).version)
    client = _client(dashboard)
    before = _replicas(_application(client, file.name))
    deploy(client, stamped)
    time.sleep(_TAKEN_UP_S)
    after = _replicas(_settled(client, stamped))
    return len(before & after), len(after - before)


def with_replies(file: ServeFile, version: str) -> ServeFile:
    """The same with the version of the replies in the Composer's `user_config`, so that new ones are a change."""
    content = copy.deepcopy(file.content)
    application = next(a for a in content["applications"] if a.get("name", "default") == file.name)
    deployments = application.setdefault("deployments", [])
    if not any(deployment["name"] == COMPOSER for deployment in deployments):
        deployments.append({"name": COMPOSER})
    composer = next(deployment for deployment in deployments if deployment["name"] == COMPOSER)
    composer["user_config"] = {**(composer.get("user_config") or {}), "replies": version}
    return replace(file, content=content)


def _client(dashboard: str) -> ServeSubmissionClient:
    try:
        return ServeSubmissionClient(dashboard, headers=_token())
    except ConnectionError:
        raise LaunchError(f"no Ray answers at {dashboard}; start one with `serve`, or name it by --dashboard") from None
    except AuthenticationError:
        raise LaunchError(f"the Ray at {dashboard} wants its token; set RAY_AUTH_MODE=token, RAY_AUTH_TOKEN") from None


def _token() -> dict[str, str] | None:
    """The token of a Ray that was started by this user; Ray's client looks for it only if RAY_AUTH_MODE says so."""
    path = Path.home() / ".ray" / "auth_token"
    if "RAY_AUTH_MODE" in os.environ or not path.exists():
        return None
    return {"Authorization": f"Bearer {path.read_text(encoding='ascii').strip()}"}


def _settled(client: ServeSubmissionClient, file: ServeFile) -> dict[str, Any]:
    wanted = next(a for a in file.content["applications"] if a.get("name", "default") == file.name)
    told = next(deployment["user_config"] for deployment in wanted["deployments"] if deployment["name"] == COMPOSER)
    end = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < end:
        state = _application(client, file.name)
        if state.get("status") in ("DEPLOY_FAILED", "UNHEALTHY"):
            raise LaunchError(f"the update failed: {why(state)}")
        composer = state.get("deployments", {}).get(COMPOSER, {})
        follows = composer.get("deployment_config", {}).get("user_config") == told
        if state.get("status") == "RUNNING" and follows and composer.get("status") == "HEALTHY":
            return state
        time.sleep(_POLL_S)
    raise LaunchError(f"not updated after {_TIMEOUT_S:.0f} s; see the dashboard, and Serve's logs")


def _application(client: ServeSubmissionClient, name: str) -> dict[str, Any]:
    state: dict[str, Any] = client.get_serve_details().get("applications", {}).get(name, {})
    return state


def _replicas(application: dict[str, Any]) -> set[str]:
    deployments = application.get("deployments", {}).values()
    return {replica["replica_id"] for deployment in deployments for replica in deployment.get("replicas", [])}
