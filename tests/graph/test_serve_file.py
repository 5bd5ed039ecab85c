"""Serve files: the shipped ones load; a misspelt key anywhere is refused with its path."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.schema import PROJECT_ROOT, ConfigError, Thresholds
from graph.serve_file import DEPLOYMENTS, read_serve_file

SERVE = PROJECT_ROOT / "configs" / "serve.yaml"


@pytest.mark.parametrize("name", ["serve.yaml", "fused.yaml", "gpu.yaml"])
def test_the_shipped_files_load_and_listen_on_loopback(name: str) -> None:
    file = read_serve_file(PROJECT_ROOT / "configs" / name)
    assert (file.host, file.port) == ("127.0.0.1", 8000)
    written = [d["name"] for d in file.content["applications"][0]["deployments"]]
    assert tuple(written) == DEPLOYMENTS[file.app.placement]


def changed(tmp_path: Path, path: str, value: object) -> Path:
    """configs/serve.yaml with the value at `path` set."""
    content: Any = copy.deepcopy(yaml.safe_load(SERVE.read_text(encoding="utf-8")))
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    place[last] = value
    file = tmp_path / "serve.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "path",
    [
        "proxy_locatoin",
        "http_options.prot",
        "logging_config.encodign",
        "applications.0.route_perfix",
        "applications.0.args.placment",
        "applications.0.args.deadlines.defualt_ms",
        "applications.0.deployments.1.max_ongoing_request",
        "applications.0.deployments.1.autoscaling_config.max_replica",
        "applications.0.deployments.1.ray_actor_options.num_cpu",
        "applications.0.deployments.0.user_config.thresholds.emotoin",
        "applications.0.deployments.1.request_router_config.max_backof_s",
    ],
)
def test_a_misspelt_key_anywhere_is_refused_with_its_path(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_serve_file(changed(tmp_path, path, 1))
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_deployment_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no deployment 'Emotoin' in placement split"):
        read_serve_file(changed(tmp_path, "applications.0.deployments.1.name", "Emotoin"))


def test_a_host_must_be_written_down(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="http_options.host is missing"):
        read_serve_file(changed(tmp_path, "http_options", {"port": 8000}))


def test_a_file_without_this_application_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no application with import_path"):
        read_serve_file(changed(tmp_path, "applications.0.import_path", "other:app"))


def test_thresholds_of_the_user_config_are_those_of_the_settings(tmp_path: Path) -> None:
    file = read_serve_file(changed(tmp_path, "applications.0.deployments.0.user_config.thresholds", {"emotion": 0.9}))
    assert file.app.thresholds == Thresholds(emotion=0.9)


def test_thresholds_stand_where_a_change_needs_no_restart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="args.thresholds: belongs into the user_config of the deployment Composer"):
        read_serve_file(changed(tmp_path, "applications.0.args.thresholds", {"emotion": 0.9}))
    with pytest.raises(ConfigError, match=r"deployments\.1\.user_config: only the deployment Composer takes one"):
        read_serve_file(changed(tmp_path, "applications.0.deployments.1.user_config", {"thresholds": {}}))
    with pytest.raises(ConfigError, match="thresholds.emotion: Input should be less than or equal to 1"):
        read_serve_file(changed(tmp_path, "applications.0.deployments.0.user_config.thresholds", {"emotion": 2}))
