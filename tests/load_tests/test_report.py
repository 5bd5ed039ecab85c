"""Tables and ratios of the comparison, from cells worked by hand."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from load_tests.bench import __main__ as bench
from load_tests.bench.measure import Cell
from load_tests.bench.report import Results, cells, ratios, write_report
from load_tests.capacity import arithmetic
from load_tests.document import fill, write_json
from load_tests.processes import LoadTestError

MACHINE = {"cpu": "A CPU", "cores": 2, "python": "3.11", "ray": "2.60.0", "torch": "2.13.0", "load_before": 0.1}


def cell(contender: str, traffic: str, clients: int, round_: int, rate: float, p50_ms: float = 10.0) -> Cell:
    figures = {"p95_ms": 20, "p99_ms": 30, "cpu_ms": 1.5, "client_cpu_ms": 0.1, "memory_mb": 900}
    counts = {"requests": 100, "handled": 1, "degraded": 0, "failed": 0}
    key = {"contender": contender, "traffic": traffic, "clients": clients, "round": round_}
    timed = {"p50_ms": p50_ms, "handled_p50_ms": 5 if traffic == "hard" else None}
    return Cell(**key, **counts, **figures, **timed, requests_per_s=rate)  # type: ignore[arg-type]


@pytest.fixture
def report() -> dict[str, object]:
    measured = []
    for round_, slow in enumerate((1.0, 2.0, 1.0)):  # the machine was half as quick in the second round
        for name, hard, real in (("split", 300, 700), ("fused", 400, 800), ("fastapi_2", 200, 600)):
            measured += [
                cell(name, "hard", 64, round_, hard / slow),
                cell(name, "real", 64, round_, real / slow),
                cell(name, "hard", 1, round_, 50 / slow, 12 * slow),
                cell(name, "real", 1, round_, 50 / slow, 6 * slow),
            ]
        measured += [cell("noop", "real", 64, round_, 1000 / slow), cell("noop", "real", 1, round_, 500, 2 * slow)]
        measured.append(cell("hop", "real", 1, round_, 300, 4 * slow))
    return {
        "machine": MACHINE,
        "settings": {"seconds": 5, "rounds": 3, "clients": [1, 64], "warm_up": 8},
        "sentences": {"hard": 1000, "real": 1000, "real_different": 300},
        "contenders": {name: f"about {name}" for name in ("noop", "hop", "split", "fused", "fastapi_2")},
        "cells": [one.as_json() for one in measured],
    }


def measured_in(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [part.strip() for part in line.strip("|").split("|")][1:]


def test_ratios_are_taken_within_a_round(report: dict[str, object]) -> None:
    text = ratios(Results(report))
    assert measured_in(text, "hard, best placement against FastAPI") == ["2.00", "1.5", "2.5", "must"]
    assert measured_in(text, "hard, `split` against FastAPI") == ["1.50", "1", "1.5", "aim"]
    assert measured_in(text, "hard, best placement against the no-op") == ["0.40", "0.35", "0.6", "must"]
    assert measured_in(text, "real, best placement against the no-op ingress, ") == ["0.80", "0.7", "0.9", "must"]
    # 12 ms against 2 + 2 x (4 - 2) = 6 ms.
    assert measured_in(text, "hard, 1 client") == ["2.00", "1.5", "1.1", "missed"]
    assert measured_in(text, "real, 1 client") == ["1.00", "1.5", "1.1", "aim"]


def test_what_was_not_measured_is_said(report: dict[str, object]) -> None:
    assert measured_in(ratios(Results(report)), "hard, `split` against Ray")[-1] == "not measured"


def test_a_figure_is_the_median_of_the_rounds(report: dict[str, object]) -> None:
    results = Results(report)
    assert results.value("split", "hard", 64, "requests_per_s") == 300
    assert "| about split | 1 | 50 | 12.0 |" in cells(results, "hard")
    assert "|  | 64 | 300 | 10.0 | 20.0 | 30.0 | 5.0 |" in cells(results, "hard")
    assert "|  | 64 | 700 | 10.0 | 20.0 | 30.0 | – |" in cells(results, "real")


def test_machines_for_a_day(report: dict[str, object]) -> None:
    # 10,000,000 / 86,400 = 115.74 a second; 0.6 of 800 is 480; 1157.4 / 480 = 2.41, so 3 and a spare one.
    text = arithmetic(Results(report))
    assert "480 a machine" in text
    assert measured_in(text, "10-fold peak") == ["1,157", "2.41", "4"]


def test_the_document_is_filled_from_the_report_alone(report: dict[str, object], tmp_path: Path) -> None:
    document, path = tmp_path / "performance.md", tmp_path / "bench.json"
    names = ("bench-ratios", "bench-hard", "bench-real", "bench-setting")
    document.write_text("".join(f"<!-- table {n} -->\nold\n<!-- end {n} -->\n" for n in names), encoding="utf-8")
    write_json(path, report)
    for _ in range(2):
        write_report(path, document=document, folder=tmp_path)
    text = document.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.count("about fused") == 2
    assert (tmp_path / "bench.png").stat().st_size > 10_000


def test_the_command_prints_the_ratios(
    report: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(bench, "_write", written.append)
    path = tmp_path / "bench.json"
    write_json(path, report)
    printed = CliRunner().invoke(bench.app, ["report", str(path)])
    assert printed.exit_code == 0, printed.output
    assert measured_in(printed.stdout, "hard, `split` against FastAPI") == ["1.50", "1", "1.5", "aim"]
    assert written == [path]


def test_a_document_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(LoadTestError, match="<!-- table growth -->"):
        fill("growth", "x", document=tmp_path / "a.md")
