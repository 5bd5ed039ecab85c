"""The command line on a small but real system: what it prints, what it writes, how it fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from configs.schema import PROJECT_ROOT, AppConfig
from graph.__main__ import app

URGENT = "卖家一直不发货，我急死了，等着送人呢"


@pytest.fixture(scope="module")
def config_file(small_config: AppConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    fields = {"artifacts", "data", "train", "device", "compiled"}
    content["applications"][0]["args"] |= small_config.model_dump(mode="json", include=fields)
    # No node answers within a millisecond; a command waits for it.
    nodes = ("emotion", "topic", "recall", "rerank")
    content["applications"][0]["args"]["deadlines"] = {f"{node}_ms": 1 for node in nodes}
    path = tmp_path_factory.mktemp("commands") / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def test_ask_answers_and_explains(config_file: Path) -> None:
    plain = run("ask", "这件有蓝色的吗", "--config", str(config_file))
    assert plain.exit_code == 0, plain.output
    assert "ordinary bot" in plain.output
    said = run("ask", URGENT, "--explain", "--config", str(config_file))
    assert said.exit_code == 0, said.output
    assert "anxious" in said.output
    assert "thresholds" in said.output


def test_ask_prints_what_http_gives(config_file: Path) -> None:
    said = json.loads(run("ask", URGENT, "--json", "--config", str(config_file)).output)
    assert (said["handled"], said["degraded"]) == (True, [])
    assert set(said["versions"]) == {"emotion", "topic", "reranker", "index", "replies"}


def test_replay_answers_every_line_in_order_and_repeats_itself(config_file: Path, tmp_path: Path) -> None:
    lines = [
        "这件有蓝色的吗",
        json.dumps({"text": URGENT, "explain": True}, ensure_ascii=False),
        "",
        "你们太过分了！！",
    ]
    source = tmp_path / "messages.txt"
    source.write_text("\n".join(lines), encoding="utf-8")
    outputs = []
    for name in ("first.jsonl", "second.jsonl"):
        done = run("replay", str(source), "--out", str(tmp_path / name), "--config", str(config_file))
        assert done.exit_code == 0, done.output
        outputs.append([json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()])
    first, second = outputs
    assert [answer["emotion"]["label"] for answer in first][:2] == ["other", "anxious"]
    assert [answer["degraded"] for answer in first] == [[], [], []]
    assert [a["reply"] for a in first] == [a["reply"] for a in second]
    assert "explain" in first[1]
    assert "explain" not in first[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"good\n{broken\n", ":2: starts like a JSON object but is none"),
        (b"good\n\xff\xfe\n", ":2: not UTF-8"),
        ('好\n{"txet": "好"}\n'.encode(), ":2: text: Field required"),
        (("啊" * 501).encode(), ":1: text: 501 characters; at most 500"),
    ],
)
def test_replay_names_the_bad_line_and_writes_nothing(tmp_path: Path, content: bytes, said: str) -> None:
    source, out = tmp_path / "messages.txt", tmp_path / "out.jsonl"
    source.write_bytes(content)
    command = [sys.executable, "-m", "graph", "replay", str(source), "--out", str(out)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("words", [["ask"], ["train", "everything"], ["nonsense"], ["ask", "好", "--explian"]])
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_train_and_index_build_do_nothing_when_nothing_changed(config_file: Path) -> None:
    assert run("train", "all", "--config", str(config_file)).exit_code == 0
    assert run("index", "build", "--config", str(config_file)).exit_code == 0
