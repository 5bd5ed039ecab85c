"""Updating a running service: what is sent, and what is refused; tests/cluster sees it work."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.schema import PROJECT_ROOT
from graph.errors import LaunchError
from graph.serve_file import ServeFile, read_serve_file
from graph.transport import free_ports
from graph.update import update, with_replies
from indexes.content.source import ContentError

SERVE = PROJECT_ROOT / "configs" / "serve.yaml"


def composers(file: ServeFile) -> list[dict[str, Any]]:
    return [deployment for deployment in file.deployments() if deployment["name"] == "Composer"]


def test_new_replies_are_a_change_that_serve_sees() -> None:
    file = read_serve_file(SERVE)
    (stamped,) = composers(with_replies(file, "v2"))
    (before,) = composers(file)
    assert stamped == before | {"user_config": {"thresholds": {}, "replies": "v2"}}
    assert "replies" not in before["user_config"]


def test_a_file_that_says_nothing_of_the_composer_gets_it_said(tmp_path: Path) -> None:
    content = yaml.safe_load(SERVE.read_text(encoding="utf-8"))
    content["applications"][0].pop("deployments")
    path = tmp_path / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert with_replies(read_serve_file(path), "v2").deployments() == [
        {"name": "Composer", "user_config": {"replies": "v2"}}
    ]


def test_without_a_service_one_line_says_so() -> None:
    with pytest.raises(LaunchError, match="no Ray answers at"):
        update(read_serve_file(SERVE), f"http://127.0.0.1:{free_ports(1)[0]}")


def test_broken_replies_are_not_deployed(tmp_path: Path) -> None:
    file = read_serve_file(SERVE)
    (tmp_path / "replies").mkdir()
    (tmp_path / "replies" / "a.tsv").write_text("emotion\ttopic\n", encoding="utf-8")
    (tmp_path / "taxonomy.yaml").write_bytes((PROJECT_ROOT / "data" / "taxonomy.yaml").read_bytes())
    with pytest.raises(ContentError):
        update(replace(file, app=file.app.model_copy(update={"data": tmp_path})), "http://127.0.0.1:1")
