"""What a running service reports of itself."""

import time

import httpx
import pytest

from graph.readings import FAMILIES
from tests.cluster.exported import Series, scraped, total
from tests.cluster.running import DEADLINE_S, PLAIN, URGENT, Service, wait_for
from tests.graph.queries import unmet

pytestmark = pytest.mark.serve


def test_what_was_asked_is_counted_and_every_query_finds_its_series(service: Service) -> None:
    before = scraped(service.process.pid)
    asked = {"text": f"{URGENT}{time.time_ns()}"}
    with httpx.Client(base_url=service.url, timeout=30) as http:
        for _ in range(3):
            assert http.post("/v1/comfort", json=asked).status_code == 200
        assert http.post("/v1/comfort", json={"text": PLAIN}).status_code == 200
        assert http.post("/v1/comfort", json={"text": ""}).status_code == 422
        assert http.get(f"/{time.time_ns()}").status_code == 404

    now: Series = {}

    def risen(name: str, **labels: str) -> float:
        return total(now, name, **labels) - total(before, name, **labels)

    def here() -> bool:
        nonlocal now
        now = scraped(service.process.pid)
        return risen("ray_anwei_answers_total") >= 4 and risen("ray_anwei_node_items_total", node="rerank") >= 1

    wait_for("the metrics of these requests", here, timeout_s=40)  # every 5 s to Ray, every 10 to its agent
    assert risen("ray_anwei_answers_total") == pytest.approx(4)
    assert risen("ray_anwei_answers_total", strategy="none", degraded="no") == pytest.approx(1)
    assert risen("ray_anwei_cache_total", outcome="hit") == pytest.approx(2)
    assert risen("ray_anwei_responses_total", route="/v1/comfort", status="200") == pytest.approx(4)
    assert risen("ray_anwei_responses_total", route="/v1/comfort", status="422") == pytest.approx(1)
    assert risen("ray_anwei_responses_total", route="none", status="404") == pytest.approx(1)
    assert risen("ray_anwei_stage_seconds_bucket_total", stage="total", le="+Inf") == pytest.approx(4)
    assert risen("ray_anwei_match_similarity_count_total", scorer="rerank") == pytest.approx(3)
    assert total(now, "ray_anwei_deadline_seconds") == pytest.approx(DEADLINE_S)
    assert {family.exported for family in FAMILIES} <= now.keys()
    assert unmet({name: [labels for labels, _ in series] for name, series in now.items()}) == []
