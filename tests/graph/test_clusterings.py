"""The clustering evaluation: groups are read from both tables, and every method gets a score."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from graph.clusterings import compare, read_groups
from graph.commands.clustering import evaluate_clustering
from indexes.content.source import ContentError


def test_groups_come_from_labels_or_from_duplicates(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("label\ttext\n退款\t钱呢\n发货\t货呢\n退款\t退钱\n", encoding="utf-8")
    assert read_groups(tmp_path / "labels.tsv") == (["钱呢", "货呢", "退钱"], ["退款", "发货", "退款"])
    pairs = "text_a\ttext_b\tlabel\na\tb\t1\nb\tc\t1\nc\td\t0\ne\tf\t1\n"
    (tmp_path / "pairs.tsv").write_text(pairs, encoding="utf-8")
    texts, groups = read_groups(tmp_path / "pairs.tsv")
    group = dict(zip(texts, groups, strict=True))
    assert sorted(group) == ["a", "b", "c", "e", "f"]
    assert group["a"] == group["b"] == group["c"] != group["e"] == group["f"]


@pytest.mark.parametrize("content", ["label\tsentence\n1\ta\n", "label\ttext\nx\ta\nx\tb\n", "text\na\n"])
def test_a_file_without_groups_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(ContentError):
        read_groups(tmp_path / "bad.tsv")


def test_clear_groups_are_found_by_all_methods() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 6)
    vectors = generator.normal(size=(8, 30))[labels] + 0.1 * generator.normal(size=(48, 30))
    unit = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
    scores = compare(unit, [str(label) for label in labels])
    assert set(scores) == {"self_adapting", "hdbscan", "average_linkage"}
    assert all(
        score.ari == 1.0 and score.nmi == pytest.approx(1.0) and score.clusters == 8 for score in scores.values()
    )


def test_the_command_prints_a_table_and_writes_a_report(tmp_path: Path) -> None:
    rows = [f"{label}\t{label}{i}{end}" for label in ("退款", "发货") for i, end in enumerate(("急", "呢", "慢", "啊"))]
    (tmp_path / "groups.tsv").write_text("\n".join(["label\ttext", *rows]) + "\n", encoding="utf-8")
    app = typer.Typer()
    app.command()(evaluate_clustering)
    out = tmp_path / "report.json"
    done = CliRunner().invoke(app, ["--groups", str(tmp_path / "groups.tsv"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text(encoding="utf-8"))
    assert (report["texts"], report["groups"]) == (8, 2)
    assert report["models"]["self_adapting"].keys() == {"clusters", "ari", "nmi", "seconds"}
