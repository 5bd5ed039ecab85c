"""The PromQL of the dashboard and the rules, and which metrics and labels it needs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser
import yaml

from configs.schema import PROJECT_ROOT

CLUSTER = PROJECT_ROOT / "configs" / "cluster"


class Need(NamedTuple):
    """What a query needs of a metric: labels with these values, and these labels with any."""

    metric: str
    values: frozenset[tuple[str, str]]
    labels: frozenset[str]

    def met(self, series: Iterable[Mapping[str, str]]) -> bool:
        """Whether one of the metric's series has them."""
        return any(self.values <= set(labels.items()) and self.labels <= labels.keys() for labels in series)


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((CLUSTER / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return read


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((CLUSTER / "prometheus-rules.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[str]:
    """Of every panel, and of every alert."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m")
    for rule in rules():
        yield rule["expr"]


def needs(query: str) -> Iterator[Need]:
    """What the query's selectors select by, and what the aggregations around them group by."""
    return _needs(promql_parser.parse(query), frozenset())


def _needs(node: Any, grouped: frozenset[str]) -> Iterator[Need]:
    """Goes down through the parsed query; `grouped` are the labels that the aggregation above asks for."""
    if isinstance(node, promql_parser.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, promql_parser.VectorSelector):
        matchers = node.matchers.matchers
        same = frozenset((each.name, each.value) for each in matchers if each.op == promql_parser.MatchOp.Equal)
        yield Need(str(node.name), same, grouped | {each.name for each in matchers})
    elif isinstance(node, promql_parser.AggregateExpr):
        yield from _needs(node.expr, frozenset(node.modifier.labels) if node.modifier else frozenset())
    else:
        for child in _children(node):
            yield from _needs(child, grouped)


def _children(node: Any) -> list[Any]:
    if isinstance(node, promql_parser.Call):
        return list(node.args)
    if isinstance(node, promql_parser.BinaryExpr):
        return [node.lhs, node.rhs]
    return [node.expr] if isinstance(node, promql_parser.ParenExpr) else []


def unmet(exported: Mapping[str, Iterable[Mapping[str, str]]]) -> list[tuple[Need, str]]:
    """Needs, and the query they are of, that `exported` (labels of every series, by metric) does not meet."""
    wanted = ((need, query) for query in queries() for need in needs(query))
    return [(need, query) for need, query in wanted if not need.met(exported.get(need.metric, ()))]
