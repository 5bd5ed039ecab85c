"""Metrics as Prometheus scrapes them: what the dashboard and the rules ask for is there, and counts what was asked."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from graph.readings import FAMILIES
from tests.cluster.running import PLAIN, URGENT, Service, wait_for
from tests.graph.queries import unmet

pytestmark = pytest.mark.serve

Series = dict[str, list[tuple[Mapping[str, str], float]]]
"""Labels and value of every series by metric."""


def targets(service: Service) -> Iterator[str]:
    """Where Ray says metrics are, in the file that Prometheus is given."""
    arguments = [word for process in service.processes() for word in process.cmdline()]
    session = next(word.partition("=")[2] for word in arguments if word.startswith("--session_dir="))
    listed = json.loads((Path(session) / "prom_metrics_service_discovery.json").read_text(encoding="utf-8"))
    yield from (target for group in listed for target in group["targets"])


def scraped(service: Service) -> Series:
    """All series now."""
    series: Series = {}
    for target in targets(service):
        assert target.startswith("127.0.0.1:"), "metrics leave this machine"
        text = httpx.get(f"http://{target}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series.setdefault(sample.name, []).append((sample.labels, sample.value))
    return series


def total(series: Series, name: str, **labels: str) -> float:
    """The sum over the series of a metric that have these labels."""
    return sum(value for has, value in series.get(name, []) if labels.items() <= has.items())


def test_what_was_asked_is_counted_and_every_query_finds_its_series(service: Service) -> None:
    before = scraped(service)
    asked = {"text": f"{URGENT}{time.time_ns()}"}
    with httpx.Client(base_url=service.url, timeout=30) as http:
        for _ in range(3):
            assert http.post("/v1/comfort", json=asked).status_code == 200
        assert http.post("/v1/comfort", json={"text": PLAIN}).status_code == 200
        assert http.post("/v1/comfort", json={"text": ""}).status_code == 422
        assert http.get(f"/{time.time_ns()}").status_code == 404

    def risen(name: str, **labels: str) -> float:
        return total(now, name, **labels) - total(before, name, **labels)

    def here() -> bool:
        nonlocal now
        now = scraped(service)
        return risen("ray_anwei_answers_total") >= 4 and risen("ray_anwei_node_items_total", node="rerank") >= 1

    now: Series = {}
    wait_for("the metrics of these requests", here, timeout_s=40)  # every 5 s to Ray, every 10 to its agent
    assert risen("ray_anwei_answers_total") == pytest.approx(4)
    assert risen("ray_anwei_answers_total", strategy="none", degraded="no") == pytest.approx(1)
    assert risen("ray_anwei_cache_total", outcome="hit") == pytest.approx(2)
    assert risen("ray_anwei_responses_total", route="/v1/comfort", status="200") == pytest.approx(4)
    assert risen("ray_anwei_responses_total", route="/v1/comfort", status="422") == pytest.approx(1)
    assert risen("ray_anwei_responses_total", route="none", status="404") == pytest.approx(1)
    assert risen("ray_anwei_stage_seconds_bucket_total", stage="total", le="+Inf") == pytest.approx(4)
    assert risen("ray_anwei_match_similarity_count_total", scorer="rerank") == pytest.approx(3)
    assert total(now, "ray_anwei_deadline_seconds") == pytest.approx(1.0)
    assert {family.exported for family in FAMILIES} <= now.keys()
    assert unmet({name: [labels for labels, _ in series] for name, series in now.items()}) == []
