"""Starts the ingress alone as `graph serve` starts the graph: `python -m load_tests.bench.servers.noop PORT`."""

import sys
from typing import Any

import yaml

from configs.schema import PROJECT_ROOT, AppConfig
from graph.launch import running, wait_for_signal
from graph.serve_file import ServeFile

_ROUTE = "load_tests.bench.servers.noop_app:build"


def serve_file(port: int) -> ServeFile:
    """The graph's own Serve file with the application exchanged, its composer's settings kept."""
    content: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    content["http_options"]["port"] = port
    (application,) = content["applications"]
    composer, node = application["deployments"][:2]
    del composer["user_config"]  # its thresholds
    application |= {"import_path": _ROUTE, "args": {}, "deployments": [composer, {**node, "name": "Nothing"}]}
    return ServeFile(content, AppConfig(), application["name"], "127.0.0.1", port)


def main() -> None:
    """Serve until Ctrl-C."""
    with running(serve_file(int(sys.argv[1]))):
        wait_for_signal()


if __name__ == "__main__":
    main()
