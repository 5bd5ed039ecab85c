"""The dashboard, the alerts and their document against the metrics there are; tests/cluster compares with real ones."""

import re
from collections import Counter

from configs.schema import PROJECT_ROOT
from graph.readings import FAMILIES
from tests.graph.queries import dashboard, needs, queries, rules

DOCUMENT = (PROJECT_ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
OF_SERVE = ("ray_serve_deployment_replica_healthy", "ray_serve_autoscaling_target_replicas")


def test_every_query_parses_and_asks_for_what_is_exported() -> None:
    exported = {family.exported: set(family.labels) for family in FAMILIES}
    exported |= {name: {"application", "deployment", "replica"} for name in OF_SERVE}
    asked = [(need, query) for query in queries() for need in needs(query)]
    assert len(asked) > 40
    assert [query for need, query in asked if not need.labels <= exported.get(need.metric, set())] == []
    assert {need.metric for need, _ in asked} <= exported.keys()


def test_every_metric_is_shown_or_alerted_upon_and_described() -> None:
    for family in FAMILIES:
        name = re.sub(r"_(bucket|sum|count)$", "", family.name)
        assert f"`{name}`" in DOCUMENT
        assert any(f"ray_{name}" in query for query in queries())
        for label in family.labels:
            assert label == "le" or f"`{label}`" in DOCUMENT


def test_every_alert_has_its_line_in_the_runbook() -> None:
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/metrics.md#{rule['alert'].lower()}"
        assert f"### {rule['alert']}\n" in DOCUMENT


def test_the_dashboards_panels_lie_beside_each_other() -> None:
    places = Counter(
        (x, y)
        for panel in dashboard()["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    )
    assert max(places.values()) == 1
    assert max(x for x, _ in places) < 24
