"""`evaluate` on hand-made files in two languages: report, resume, plots, and refusals with the line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.__main__ import main

SPANISH = {
    "envío": ("¿Dónde está mi paquete?", "El envío no ha llegado todavía", "Mi paquete está retrasado otra vez"),
    "devolución": ("Quiero la devolución del dinero", "¿Cuándo me devuelven el dinero?", "La devolución no está hecha"),
    "other": ("Buenos días", "¿Tienen esta camisa en azul?", "Gracias por la respuesta"),
}
CHINESE = (
    ("快递怎么还没到", "包裹为什么还没送到", "怎么申请退款"),
    ("退款多久到账", "退的钱什么时候到", "衣服有蓝色的吗"),
    ("这件有优惠吗", "现在买有没有活动", "快递到哪里了"),
    ("可以开发票吗", "发票怎么开", "退款多久到账"),
)
QUICK = ["--epochs", "1", "--threads", "1", "--device", "cpu", "--set", "embeddings.n_epochs=1"]


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Exit code of `python -m graph evaluate ...`."""
    monkeypatch.setattr(sys, "argv", ["graph", "evaluate", *map(str, words)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def tsv(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def spanish(folder: Path) -> Path:
    rows = [f"{label}\t{text} {n}" for n in range(8) for label, texts in SPANISH.items() for text in texts]
    return tsv(folder / "spanish.tsv", "label\ttext", rows)


def chinese(folder: Path) -> Path:
    rows = [f"{a}\t{b}\t1" for a, b, _ in CHINESE] + [f"{a}\t{c}\t0" for a, _, c in CHINESE]
    return tsv(folder / "chinese.tsv", "text_a\ttext_b\tlabel", rows)


def read(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def test_classification_in_spanish_without_dev_and_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reports" / "es.json"
    words = ["classification", "--train", spanish(tmp_path), "--models", "swem_hier,mlc,svm", "--seeds", 2, *QUICK]
    words += ["--set", "mlc.dropout=0.2", "--without-duplicates", "--out", out]
    assert run(monkeypatch, *words) == 0
    shown = capsys.readouterr()
    assert all(name in shown.out for name in ("swem_hier", "mlc", "svm", "macro F1"))
    report = read(out)
    assert (report["tested_on"], report["dev_from"]) == ("dev", "train")
    assert report["labels"] == ["devolución", "envío", "other"]
    mlc = report["models"]["mlc"]
    for part in ("test", "dev", "test_without_duplicates"):
        assert {"accuracy", "macro_f1", "macro_precision", "ece"} <= mlc[part].keys()
    assert set(mlc["test"]["accuracy"]) == {"mean", "std"}
    assert set(mlc["test"]["per_class"]["envío"]) == {"precision", "recall", "f1", "support"}
    assert (mlc["seeds"], report["models"]["svm"]["seeds"]) == ([1, 2], [1])
    assert (mlc["settings"]["dropout"], report["models"]["swem_hier"]["settings"]["dropout"]) == (0.2, 0.5)
    two = [own["accuracy"] for own in mlc["runs"]]
    assert mlc["test"]["accuracy"]["mean"] == pytest.approx(sum(two) / 2, abs=1e-5)
    assert mlc["test"]["accuracy"]["std"] == pytest.approx(abs(two[0] - two[1]) / 2**0.5, abs=1e-5)
    assert {"mean", "std"} == set(mlc["train_seconds"]) == set(mlc["items_per_second"])
    assert str(tmp_path) not in out.read_text("utf-8")
    plots = {path.name for path in out.parent.glob("*.png")}
    assert plots == {f"es.{kind}.png" for kind in ("confusion", "reliability", "precision-coverage")}

    kept = (out.with_suffix(".work") / "runs.jsonl").read_text("utf-8")
    assert run(monkeypatch, *words) == 0
    assert (out.with_suffix(".work") / "runs.jsonl").read_text("utf-8") == kept
    again = read(out)
    assert again["models"] == report["models"]
    assert again["embeddings"] == report["embeddings"]


def test_matching_in_chinese(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pairs, out = chinese(tmp_path), tmp_path / "zh.json"
    words = ["matching", "--train", pairs, "--dev", pairs, "--test", pairs, "--models", "wcd,rwmd,wmd,wsm,bcnn,pbmatch"]
    assert run(monkeypatch, *words, *QUICK, "--without-duplicates", "--out", out) == 0
    report = read(out)
    assert report["test_rows_in_train"] == 8
    assert (report["tested_on"], report["tuned_for"], report["right_share"]["test"]) == ("test", "accuracy", 0.5)
    for name, own in report["models"].items():
        wanted = {"accuracy", "f1", "precision", "recall", "auc", "threshold", "oracle_f1"}
        assert all(set(own["test"][measure]) == {"mean", "std"} for measure in wanted), name
        # Dev is test here, so what is tuned on dev is the best there is.
        assert own["test"]["at"]["f1"]["f1"]["mean"] == own["test"]["oracle_f1"]["mean"]
        assert set(own["test"]["priors"]) == {"file", "balanced", "paper"}
        assert "test_without_duplicates" not in own  # nothing would be left
    assert report["models"]["wsm"]["test"]["ece"] == {"mean": None, "std": None}
    assert report["models"]["pbmatch"]["n_parameters"] > 0
    assert {path.name for path in tmp_path.glob("*.png")} == {"zh.precision-recall.png", "zh.reliability.png"}


def test_recall(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    knowledge = tsv(tmp_path / "k.tsv", "id\tquestion", [f"k{n}\t{a}" for n, (a, _, _) in enumerate(CHINESE)])
    queries = tsv(tmp_path / "q.tsv", "query\tid", [f"{b}\tk{n}" for n, (_, b, _) in enumerate(CHINESE)])
    out = tmp_path / "recall.json"
    assert run(monkeypatch, "recall", "--knowledge", knowledge, "--queries", queries, "--out", out) == 0
    report = read(out)
    assert set(report["methods"]) == {"bm25", "dense", "rrf", "union", "convex"}
    # Each query shares characters with its own entry; only one other query shares any with another entry (还没).
    assert report["methods"]["bm25"]["recall_at_20"] == 1.0
    assert report["methods"]["union"]["recall_at_5"] == 1.0
    assert set(report["methods"]["rrf"]) == {"recall_at_1", "recall_at_5", "recall_at_20", "mrr"}
    tsv(queries, "query\tid", ["发票怎么开\tk3", "发票怎么开\tk9"])
    capsys.readouterr()
    assert run(monkeypatch, "recall", "--knowledge", knowledge, "--queries", queries, "--out", tmp_path / "x.json") == 1
    assert "q.tsv line 3: id 'k9' is not in the knowledge" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "header", "row", "said"),
    [
        ("classification", "label\ttext", "envío", "bad.tsv line 3: 1 fields"),
        ("classification", "text\tlabel", "a\tb", "bad.tsv line 1: header"),
        ("matching", "text_a\ttext_b\tlabel", "a\tb\t2", "bad.tsv line 3: label '2' must be 0 or 1"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    task: str,
    header: str,
    row: str,
    said: str,
) -> None:
    good = "a\tb\t1" if task == "matching" else "a\tb"
    bad = tsv(tmp_path / "bad.tsv", header, [good, row])
    out = tmp_path / "reports" / "out.json"
    assert run(monkeypatch, task, "--train", bad, "--out", out, *QUICK) == 1
    error = capsys.readouterr().err.strip()
    assert said in error
    assert error.count("\n") == 0
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models", "mlc,bert"], "cnn"),
        (["--set", "mlc.dropuot=0.1"], "no such hyperparameter"),
        (["--set", "seed=4"], "--seeds"),
        (["--seeds", "0"], "--seeds"),
        (["--vectors", "word2vec"], "--vectors"),
    ],
)
def test_wrong_usage_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    out = tmp_path / "out.json"
    assert run(monkeypatch, "classification", "--train", spanish(tmp_path), "--out", out, *QUICK, *words) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_tables_of_a_document_and_their_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, reports = tmp_path / "results.md", tmp_path / "reports"
    pairs = chinese(tmp_path)
    words = ["matching", "--train", pairs, "--dev", pairs, "--models", "wsm,wmd", "--out", reports / "zh.json", *QUICK]
    assert run(monkeypatch, *words) == 0
    (reports / "published.yaml").write_text("zh: {title: Chinese, measures: [accuracy]}\n", encoding="utf-8")
    document.write_text("<!-- table zh -->\n<!-- end zh -->\n", encoding="utf-8")
    assert run(monkeypatch, "table", reports, "--into", document, "--check") == 1
    assert "its tables are not those of" in capsys.readouterr().err
    assert run(monkeypatch, "table", reports, "--into", document) == 0
    assert run(monkeypatch, "table", reports, "--into", document, "--check") == 0
    assert "| **wsm** |" in document.read_text("utf-8")
