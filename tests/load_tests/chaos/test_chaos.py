"""A few faults on real Serve, run by the command that runs them all; how its rows and tables are made."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from configs.schema import PROJECT_ROOT, AppConfig
from load_tests.chaos.faults import Fault, empty, flipped, half, nothing
from load_tests.chaos.load import Shot, percentile
from load_tests.chaos.report import BEGIN, END, write
from load_tests.chaos.trial import row
from tests.cluster.test_serve import write_config


@pytest.mark.serve
def test_customers_are_answered_through_kills_and_a_poisoned_item(small_config: AppConfig, tmp_path: Path) -> None:
    config, _ = write_config(tmp_path, small_config)
    out = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "load_tests.chaos", "--short", "--config", str(config), "--out", str(out)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {each["fault"]: each for each in json.loads(out.read_text(encoding="utf-8"))["faults"]}
    assert rows["kill -9 Recall"]["errors"] == 0
    assert rows["kill -9 Recall"]["degraded"] > 0
    assert rows["kill -9 ServeController"]["errors"] == 0
    assert rows["poisoned item in Rerank"]["errors"] == rows["poisoned item in Rerank"]["spoiled"] == 0
    assert rows["poisoned item in Rerank"]["degraded"] > 0


def shot(sent: float, *, status: int = 200, degraded: tuple[str, ...] = (), text: str = "急") -> Shot:
    return Shot(sent, 0.5, status, degraded, text)


def test_a_row_counts_errors_and_understudies_and_when_the_last_was_seen() -> None:
    shots = [shot(1.0), shot(2.0, status=0), shot(3.0, degraded=("recall",)), shot(4.0)]
    seen = row(Fault("kill", lambda _: nothing), shots, 1.0, whole_s=6.0)
    assert (seen.requests, seen.errors, seen.statuses) == (4, 1, {0: 1})
    assert (seen.degraded, seen.recovered_s, seen.held) == (1, 2.5, False)
    assert row(Fault("kill", lambda _: nothing, allowed="in flight"), shots, 1.0, whole_s=6.0).held
    assert not row(Fault("kill", lambda _: nothing), [shot(1.0)], 1.0, whole_s=None).held


def test_the_poisoned_do_not_count_as_spoiled() -> None:
    shots = [shot(1.0, degraded=("rerank",), text="急毒丸"), shot(2.0, degraded=("rerank",)), shot(3.0)]
    seen = row(Fault("poisoned item", lambda _: nothing), shots, 0.0, whole_s=0.0)
    assert (seen.degraded, seen.spoiled) == (2, 1)


def test_damages() -> None:
    content = bytes(range(256)) * 4
    assert empty(content) == b""
    assert half(content) == content[:512]
    assert len(flipped(content)) == len(content)
    assert flipped(content) != content


def test_percentiles() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_tables_go_between_the_markers(tmp_path: Path) -> None:
    machine = {"date": "2026-01-02", "cores": 2, "processor": "x", "load_before": 0.1, "rate_per_s": 20.0}
    fault = row(
        Fault("kill -9 Topic", lambda _: nothing), [shot(1.0), shot(2.0, degraded=("topic",))], 1.0, whole_s=6.0
    )
    results = {
        "machine": machine,
        "faults": [fault.plain()],
        "soak": {"memory_mb_per_h": {"Topic": 0.1}},
        "skipped": {},
    }
    (tmp_path / "figures.json").write_text(json.dumps(results), encoding="utf-8")
    document = tmp_path / "document.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(tmp_path / "figures.json", document)
    said = document.read_text(encoding="utf-8")
    assert said.startswith("before\n")
    assert said.endswith("after\n")
    assert "| kill -9 Topic | 2 | 0 | 50 % | 500 | 1.5 | 6.0 | yes |" in said
    assert "| memory mb per h | Topic 0.1 |" in said
    assert "old" not in said
    document.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="measured: begin"):
        write(tmp_path / "figures.json", document)
