"""Metrics as Prometheus scrapes them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

Series = dict[str, list[tuple[Mapping[str, str], float]]]
"""Labels and value of every series by metric."""


def discovery(pid: int) -> Path:
    """The file in which Ray of the service that process `pid` started says where metrics are."""
    arguments = [word for process in psutil.Process(pid).children(recursive=True) for word in process.cmdline()]
    session = next(word.partition("=")[2] for word in arguments if word.startswith("--session_dir="))
    return Path(session) / "prom_metrics_service_discovery.json"


def targets(pid: int) -> Iterator[str]:
    """Where Ray says metrics are."""
    listed = json.loads(discovery(pid).read_text(encoding="utf-8"))
    yield from (target for group in listed for target in group["targets"])


def scraped(pid: int) -> Series:
    """All series of the service that process `pid` started."""
    series: Series = {}
    for target in targets(pid):
        assert target.startswith("127.0.0.1:"), "metrics leave this machine"
        text = httpx.get(f"http://{target}/metrics", timeout=10).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series.setdefault(sample.name, []).append((sample.labels, sample.value))
    return series


def total(series: Series, name: str, **labels: str) -> float:
    """The sum over the series of a metric that have these labels."""
    return sum(value for has, value in series.get(name, []) if labels.items() <= has.items())
