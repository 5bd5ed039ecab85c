"""The dashboard and the alerts as a real Prometheus sees them, while the service is under load."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
import yaml

from graph.transport import free_ports
from tests.cluster.exported import discovery
from tests.cluster.running import PLAIN, URGENT, Service, wait_for
from tests.graph.queries import CLUSTER, dashboard, rules

pytestmark = [
    pytest.mark.serve,
    pytest.mark.skipif(which("prometheus") is None, reason="no prometheus here; Debian's package prometheus has it"),
]


def panels() -> list[tuple[str, str]]:
    """Title and query of every panel."""
    found = [(panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [(title, query.replace("$__rate_interval", "1m")) for title, query in found]


@contextmanager
def prometheus(folder: Path, targets: Path) -> Iterator[httpx.Client]:
    """A Prometheus on loopback that scrapes what Ray lists, with this project's rules."""
    (port,) = free_ports(1)
    config = folder / "prometheus.yml"
    content = {
        "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
        "rule_files": [str(CLUSTER / "prometheus-rules.yaml")],
        "scrape_configs": [{"job_name": "ray", "file_sd_configs": [{"files": [str(targets)]}]}],
    }
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    where = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    process = subprocess.Popen(
        ["prometheus", *where, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            wait_for("Prometheus", lambda: is_ready(http), timeout_s=30)
            yield http
    finally:
        process.terminate()
        process.wait(30)


def is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def load(url: str) -> Iterator[None]:
    """Plain and upset sentences, ten a second, until the block ends."""
    end = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=30) as http:
            while not end.wait(0.1):
                http.post("/v1/comfort", json={"text": f"{URGENT}{time.time_ns()}"})
                http.post("/v1/comfort", json={"text": PLAIN})

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def answered(http: httpx.Client, query: str) -> list[Any]:
    said = http.get("/api/v1/query", params={"query": query}).json()
    assert said["status"] == "success", f"{query}: {said}"
    result: list[Any] = said["data"]["result"]
    return result


def alerts(http: httpx.Client) -> list[dict[str, Any]]:
    groups = http.get("/api/v1/rules").json()["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_query_of_the_dashboard_returns_data_and_every_alert_can_be_evaluated(
    service: Service, tmp_path: Path
) -> None:
    silent = panels()
    assert len(silent) > 10

    with load(service.url), prometheus(tmp_path, discovery(service.process.pid)) as http:

        def all_speak() -> bool:
            silent[:] = [(title, query) for title, query in silent if not answered(http, query)]
            return not silent

        wait_for(f"data for {silent}", all_speak, timeout_s=90)
        wait_for("the alerts' evaluation", lambda: all(r["health"] != "unknown" for r in alerts(http)), timeout_s=60)
        loaded = {rule["name"]: rule for rule in alerts(http)}
        assert loaded.keys() == {rule["alert"] for rule in rules()}
        assert all(rule["health"] == "ok" and not rule.get("lastError") for rule in loaded.values())
        assert [name for name, rule in loaded.items() if rule["state"] == "firing"] == []
