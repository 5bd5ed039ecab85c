"""Every command that a document shows exists, with those options; every request it shows is accepted."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from configs.schema import PROJECT_ROOT
from graph.__main__ import app
from graph.chat_schema import ChatRequest
from graph.feedback_schema import FeedbackRequest
from graph.rasa import RasaMessage
from graph.schema import BatchRequest, ComfortRequest
from indexes.feedback.store import FeedbackStore
from tests.graph.test_openapi import interface

DOCUMENTS = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").glob("*.md"))]
GROUPS = {"annotate", "drafts", "evaluate", "index"}
"""Commands that have commands of their own."""
REQUESTS: dict[str, type[BaseModel]] = {
    "/v1/comfort": ComfortRequest,
    "/v1/comfort/batch": BatchRequest,
    "/v1/feedback": FeedbackRequest,
    "/v1/chat/completions": ChatRequest,
    "/webhooks/rest/webhook": RasaMessage,
}


def commands(start: str) -> Iterator[str]:
    """Lines of the documents' shell blocks that begin with `start`, continuation lines joined."""
    for path in DOCUMENTS:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith(start):
                    yield line.split("  #")[0].strip()


@pytest.mark.parametrize("command", sorted(set(commands("make "))))
def test_make_targets_exist(command: str) -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    target, *settings = shlex.split(command)[1:]
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
    for setting in settings:
        name, value = setting.split("=")
        assert re.search(rf"^{name} \?=", makefile, re.MULTILINE)
        assert name != "CONFIG" or (PROJECT_ROOT / value).is_file()


@pytest.mark.parametrize("command", sorted(set(commands(".venv/bin/python -m graph"))))
def test_command_lines_parse(command: str) -> None:
    words = shlex.split(command)[3:]
    if words != ["--help"]:
        options = [word for word in words if word.startswith("-")]
        names = [word for word in words if not word.startswith("-")]
        known = names[:2] if names[0] in GROUPS else names[:1]
        shown = CliRunner().invoke(app, [*known, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, shown.output
        assert all(option in shown.output for option in options)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The interface as the service describes it."""
    return interface()


@pytest.mark.parametrize("command", sorted(set(commands("curl "))))
def test_requests_are_accepted(command: str, openapi: dict[str, Any]) -> None:
    words = shlex.split(command)
    path = re.sub(r"^http://127\.0\.0\.1:8000", "", next(word for word in words if word.startswith("http")))
    if "-d" not in words:
        assert "get" in openapi["paths"][path]
        return
    assert "post" in openapi["paths"][path]
    body = json.loads(words[words.index("-d") + 1])
    REQUESTS[path].model_validate(body)
    for item in body.get("items", []):
        ComfortRequest.model_validate(item)


@pytest.mark.parametrize("command", sorted(set(commands(".venv/bin/python -c"))))
def test_small_programs_run(command: str, tmp_path: Path) -> None:
    FeedbackStore.open(f"sqlite:///{tmp_path / '.run' / 'feedback.sqlite3'}").close()
    subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=tmp_path, check=True, timeout=60)
    FeedbackStore.open(f"sqlite:///{tmp_path / 'backup.sqlite3'}", create=False).close()


def test_the_documents_show_something_to_check() -> None:
    assert all(list(commands(start)) for start in ("make ", ".venv/bin/python -m graph", "curl "))


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*DOCUMENTS, PROJECT_ROOT / "data" / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
