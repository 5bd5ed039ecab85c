"""A few faults on real Serve, run by the command that runs them all; how its rows and tables are made."""

import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from configs.schema import PROJECT_ROOT, AppConfig
from load_tests.chaos.catalogue import Settings, catalogue, short
from load_tests.chaos.faults import Fault, empty, flipped, half, nothing
from load_tests.chaos.load import Shot, percentile
from load_tests.chaos.report import BEGIN, END, write
from load_tests.chaos.run import Report, broken, run
from load_tests.chaos.trial import row
from tests.cluster.running import write_config

SETTINGS = Settings(rate_per_s=1.0, seconds=1.0, capacity_s=1.0, n_cases=1, texts=("急",))


@pytest.mark.serve
def test_customers_are_answered_through_kills_and_a_poisoned_item(small_config: AppConfig, tmp_path: Path) -> None:
    config, _ = write_config(tmp_path, small_config)
    out = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "load_tests.chaos", "--short", "--config", str(config), "--out", str(out)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads(out.read_text(encoding="utf-8"))["trials"]
    assert rows["kill -9 Recall"]["errors"] == 0
    assert rows["kill -9 Recall"]["degraded"] > 0
    assert rows["poisoned item in Rerank"]["errors"] == rows["poisoned item in Rerank"]["spoiled"] == 0
    assert rows["poisoned item in Rerank"]["degraded"] > 0


def shot(sent: float, *, status: int = 200, degraded: tuple[str, ...] = (), text: str = "急") -> Shot:
    return Shot(sent, 0.5, status, degraded, text)


def test_a_row_counts_errors_and_understudies_and_when_the_last_was_seen() -> None:
    shots = [shot(1.0), shot(2.0, status=0), shot(3.0, degraded=("recall",)), shot(4.0)]
    seen = row(Fault("kill", lambda _: nothing), shots, 1.0, 1.0, whole_s=6.0)
    assert (seen.requests, seen.errors, seen.statuses) == (4, 1, {0: 1})
    assert (seen.degraded, seen.recovered_s, seen.held) == (1, 2.5, False)
    for allowed, held in (("in flight", False), ("until noticed", True), ("while away", True)):
        assert row(Fault("kill", lambda _: nothing, allowed=allowed), shots, 1.0, 1.0, whole_s=6.0).held == held
    assert row(Fault("kill", lambda _: nothing, allowed="in flight"), shots, 2.0, 2.0, whole_s=6.0).held
    assert not row(Fault("kill", lambda _: nothing), [shot(1.0)], 1.0, 1.0, whole_s=None).held
    late = Fault("kill", lambda _: nothing, whole_within_s=5)
    assert not row(late, [], 1.0, 1.0, whole_s=6.0).held
    assert row(late, [], 1.0, 1.0, whole_s=4.0).held


def test_the_poisoned_do_not_count_as_spoiled() -> None:
    shots = [shot(1.0, degraded=("rerank",), text="急毒丸"), shot(2.0, degraded=("rerank",)), shot(3.0)]
    seen = row(Fault("poisoned item", lambda _: nothing), shots, 0.0, 0.0, whole_s=0.0)
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


def test_what_errors_said_is_counted_without_their_numbers() -> None:
    shots = [Shot(1.0, 0.5, 503, (), "急", f"{n} requests are under way") for n in (8, 12)]
    seen = row(Fault("kill", lambda _: nothing), shots, 0.0, 0.0, whole_s=1.0)
    assert seen.said == {"# requests are under way": 2}


def test_no_two_trials_have_a_name_and_a_place_is_started_once() -> None:
    trials = catalogue()
    assert len({trial.name for trial in trials}) == len(trials)
    assert len(list(groupby(trials, key=lambda trial: trial.place))) == len({trial.place for trial in trials})
    assert {trial.name for trial in short()} <= {trial.name for trial in trials}


def test_a_trial_that_dies_costs_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = catalogue()[:3]
    lives = iter([[Report(first.name, {"held": True})], [], [Report(third.name, {"held": True})]])
    monkeypatch.setattr("load_tests.chaos.run._reports", lambda *_: iter(next(lives)))
    kept: dict[str, dict[str, Any]] = {}
    run([first, second, third], AppConfig(), SETTINGS, lambda trial, figures: kept.update({trial.name: figures}))
    assert kept[first.name] == kept[third.name] == {"held": True}
    assert kept[second.name] == broken("the process that ran it died, or hung")


def test_a_service_that_does_not_start_costs_all_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, _ = catalogue()[:3]
    monkeypatch.setattr("load_tests.chaos.run._reports", lambda *_: iter([Report("", broken("port taken"))]))
    kept: dict[str, dict[str, Any]] = {}
    run([first, second], AppConfig(), SETTINGS, lambda trial, figures: kept.update({trial.name: figures}))
    assert kept == {trial.name: {"held": False, "broken": "port taken"} for trial in (first, second)}


def test_tables_go_between_the_markers(tmp_path: Path) -> None:
    machine = {"date": "2026-01-02", "cores": 2, "processor": "x", "load_before": 0.1}
    shots = [shot(1.0), shot(2.0, degraded=("topic",))]
    fault = row(Fault("kill -9 Topic", lambda _: nothing), shots, 1.0, 1.0, whole_s=6.0)
    trials = {
        "kill -9 Topic": fault.plain() | {"place": "one node", "rate_per_s": 20.0},
        "steady load": {"held": True, "memory_mb_per_h": {"Topic": 0.1}},
        "loss": {"held": False, "broken": "died"},
        "store": {"skipped": "no redis-server"},
    }
    results = {"machine": machine, "trials": trials}
    (tmp_path / "figures.json").write_text(json.dumps(results), encoding="utf-8")
    document = tmp_path / "document.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(tmp_path / "figures.json", document)
    said = document.read_text(encoding="utf-8")
    assert said.startswith("before\n")
    assert said.endswith("after\n")
    assert "| kill -9 Topic | one node | 2 | 20 | 0 | 50 % | 500 | 1.5 | 6.0 | yes |" in said
    assert "| steady load | yes |" in said
    assert "| memory mb per h | Topic 0.1 |" in said
    assert "Not measured: store (no redis-server)." in said
    assert "Not finished: loss (died)." in said
    assert "old" not in said
    document.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="measured: begin"):
        write(tmp_path / "figures.json", document)
