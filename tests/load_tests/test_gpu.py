"""The matcher's measurement: it needs torch and numpy alone, and what it counts is what stands in the network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from configs.schema import PROJECT_ROOT
from load_tests.gpu import main, order_kept
from load_tests.gpu_table import as_text
from load_tests.roofline import Cost, Peaks, cost, rate
from models.layers.table import TokenTable
from models.matcher import Matcher
from models.pbmatch import PBmatch
from models.text.vocabulary import Vocabulary

FOREIGN = ("ray", "pydantic", "jieba", "fastapi", "typer", "matplotlib", "yaml", "faiss", "jnius", "sklearn", "scipy")
RUN = """
import sys
for name in {foreign}:
    sys.modules[name] = None  # whoever imports it gets an ImportError
from load_tests.gpu import main
sys.exit(main({arguments}))
"""
WORDS = ("快递", "退款", "到", "没", "了", "急", "货", "怎么", "还", "钱")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained matcher and sixty sentences for it."""
    folder = tmp_path_factory.mktemp("artifacts")
    words, chars = Vocabulary(WORDS), Vocabulary(sorted(set("".join(WORDS))))
    sizes = {"n_words": len(words), "n_chars": len(chars), "width": 8, "n_tuned_words": 9, "n_tuned_chars": 9}
    config = {**sizes, "n_kernels": 4, "hidden": 4, "encoder": {**sizes, "output_width": 8}}
    torch.manual_seed(3)
    model = PBmatch(**config)  # type: ignore[arg-type]
    generator = np.random.default_rng(2)
    for table in (module for module in model.modules() if isinstance(module, TokenTable)):
        n_tokens = len(table.tuned) + len(table.fixed)
        table.start_from(generator.normal(size=(n_tokens, 8)).astype(np.float32))
    Matcher(
        model=model, model_config=config, words=words, chars=chars, segmenter="s", device="cpu"
    ).save(folder / "models" / "matcher")  # fmt: skip
    drawn = [generator.choice(WORDS, size=generator.integers(1, 12)).tolist() for _ in range(60)]
    (folder / "index").mkdir()
    lines = [json.dumps({"entry": 0, "text": "".join(words), "words": words}) for words in drawn]
    (folder / "index" / "surfaces.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_it_runs_with_torch_and_numpy_alone(artifacts: Path, tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    arguments = ["--device", "cpu", "--seconds", "0.01", "--queries", "1", "3"]
    arguments += ["--artifacts", str(artifacts), "--out", str(out)]
    program = RUN.format(foreign=FOREIGN, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(out.read_text(encoding="utf-8"))
    cells = {(cell["what"], cell["precision"], cell["queries"]): cell for cell in report["cells"]}
    whats = {"forward": ["float32"], "plain": ["float32"], "shapes": ["float32", "bfloat16", "float16"]}
    assert set(cells) == {(w, p, n) for w, own in whats.items() for p in own for n in (1, 3)} | {
        ("cross-encoder", "float32", 1)
    }
    for (what, precision, queries), cell in cells.items():
        assert cell["fused_limit_pairs_per_s"] >= cell["limit_pairs_per_s"] > 0
        assert cell["pairs_per_s"] > 0
        if what != "cross-encoder":
            assert cell["pairs"] == 20 * queries
            assert cell["error"] < (1e-5 if precision == "float32" else 1e-2)
            assert cell["order_kept"] == 1.0
    table = [line for line in as_text(report).splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(cells)
    assert done.stdout.count("\n") == 1 + len(cells)


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--artifacts", str(tmp_path), "--device", "cpu"]) == 1
    assert "train first" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert main(["--device", "cuda"]) == 1
    with pytest.raises(SystemExit, match="2"):
        main(["--queries", "0"])


def test_cost_of_a_layer_worked_by_hand() -> None:
    layer, table = nn.Linear(8, 16), nn.Embedding(1000, 8)
    model = nn.ModuleList([layer, table])
    rows = torch.tensor([1, 2, 3, 4])

    def call() -> None:
        with torch.no_grad():
            layer(table(rows).view(2, 16)[:, :8])

    found = cost(call, model)
    weights = 4 * (8 * 16 + 16)
    looked_up, taken, results = 4 * 4 * 8, 4 * 2 * 8, 4 * 2 * 16
    assert found == Cost(2 * 2 * 8 * 16, 2 * looked_up + weights + taken + results, weights + looked_up)


def test_the_limit_is_the_larger_of_operations_and_bytes() -> None:
    peaks = Peaks({"float32": 100.0, "float16": 1000.0}, 10.0)
    assert peaks.least_s(Cost(200, 10, 5), "float32") == (2.0, 2.0)
    assert peaks.least_s(Cost(200, 10, 5), "float16") == (1.0, 0.5)


def test_at_least_two_calls_are_timed() -> None:
    calls: list[int] = []
    assert rate(lambda: calls.append(1), torch.device("cpu"), 0.0) > 0
    assert len(calls) == 3


def test_order_counts_only_what_is_told_apart() -> None:
    expected = np.array([[0.1, 0.5, 0.51]], dtype=np.float32)
    assert order_kept(expected, np.array([[0.2, 0.4, 0.3]], dtype=np.float32)) == 1.0
    assert order_kept(expected, np.array([[0.35, 0.4, 0.3]], dtype=np.float32)) == 0.5
    assert order_kept(expected[:, 1:], expected[:, 1:]) == 1.0
