"""Handing a configuration to Serve: asked again while Serve is not ready, refused in one line with its reason."""

import pytest
from ray.dashboard.modules.serve.sdk import ServeSubmissionClient

from configs.schema import PROJECT_ROOT
from graph import launch
from graph.errors import LaunchError
from graph.serve_file import read_serve_file

FILE = read_serve_file(PROJECT_ROOT / "configs" / "serve.yaml")


class Serve(ServeSubmissionClient):
    """Ray's client, whose requests end as given."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    def deploy_applications(self, config: object) -> None:
        self.asked += 1
        if self._answers:
            raise RuntimeError(f"Request failed with {self._answers.pop(0)}.")


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_POLL_S", 0.001)


def test_a_serve_that_is_not_ready_is_asked_again() -> None:
    client = Serve("status code 500: Traceback\nTimeoutError\n", "status code 503: starting")
    launch.deploy(client, FILE)
    assert client.asked == 3


def test_a_configuration_that_is_wrong_is_refused_at_once_with_the_reason() -> None:
    client = Serve("status code 400: Traceback\n  here\nValueError: num_replicas must be positive\n")
    with pytest.raises(LaunchError, match=r"refused the configuration: ValueError: num_replicas must be positive$"):
        launch.deploy(client, FILE)
    assert client.asked == 1


def test_a_serve_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_PATIENCE_S", 0.02)
    client = Serve(*["status code 500: no controller"] * 1000)
    with pytest.raises(LaunchError, match="no controller"):
        launch.deploy(client, FILE)
    assert 1 < client.asked < 1000
