"""The interface is what it was: its OpenAPI document is compared with the kept one.

A change that is meant is kept by `python -m tests.graph.test_openapi`; the difference then shows in the review.
"""

import json
from pathlib import Path
from typing import Any

from configs.schema import AppConfig
from graph.assemble import assemble_feedback, make_http
from graph.nodes import writer_here
from tests.graph.scripted import Script, some_info

KEPT = Path(__file__).with_name("openapi.json")


def interface() -> dict[str, Any]:
    """The document the application serves, without its version, which every release changes."""
    config, composer = AppConfig(), Script().composer()
    # The writer opens its store when it is first asked, which does not happen here.
    feedback = assemble_feedback(config, writer_here(config))
    document = make_http(composer, some_info(composer), config, feedback).openapi()
    del document["info"]["version"]
    return document


def test_the_interface_is_the_kept_one() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert interface() == kept, f"if this change is meant: .venv/bin/python -m {__name__}"


if __name__ == "__main__":
    KEPT.write_text(json.dumps(interface(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
