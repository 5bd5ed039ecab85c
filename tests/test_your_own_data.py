"""docs/your-own-data.md does what it says: its commands are run in order, on the log they name, on a small system."""

import csv
import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from configs.schema import PROJECT_ROOT, AppConfig
from graph.__main__ import app
from indexes.content.taxonomy import Taxonomy
from indexes.knowledge_index import Manifest
from indexes.mining.drafts import DraftFolder

WITHOUT_CONFIG = ({"drafts", "list"}, {"drafts", "edit"}, {"drafts", "reject"})


def shown_commands() -> list[list[str]]:
    text = (PROJECT_ROOT / "docs" / "your-own-data.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[3:] for line in lines if line.startswith(".venv/bin/python -m graph")]


@pytest.fixture
def own_config(small_config: AppConfig, tmp_path: Path) -> tuple[Path, AppConfig]:
    shutil.copytree(small_config.data, tmp_path / "data", copy_function=os.link)
    shutil.copytree(small_config.artifacts, tmp_path / "artifacts", copy_function=os.link)
    config = small_config.model_copy(update={"data": tmp_path / "data", "artifacts": tmp_path / "artifacts"})
    content = yaml.safe_load((PROJECT_ROOT / "configs" / "serve.yaml").read_text(encoding="utf-8"))
    fields = {"artifacts", "data", "train", "device", "compiled"}
    content["applications"][0]["args"] |= config.model_dump(mode="json", include=fields)
    path = tmp_path / "serve.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path, config


def run(words: list[str], config_file: Path) -> None:
    draft = next((d.id for d in DraftFolder(Path("mined/drafts")).all()), "") if Path("mined").exists() else ""
    words = [
        str(PROJECT_ROOT / word) if word.startswith("data/samples") else word.replace("DRAFT", draft) for word in words
    ]
    if set(words[:2]) not in WITHOUT_CONFIG:
        words += ["--config", str(config_file)]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 0, f"{words}: {done.output} {done.exception!r}"


def label(folder: Path, taxonomy: Taxonomy) -> None:
    """Three people: one follows the lexicon, one mostly, one takes every third sentence for anxious."""
    with (folder / "tasks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, every in (("anna", 0), ("bo", 7), ("chen", 3)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for number, row in enumerate(rows, start=1):
                other = every and number % every == 0
                writer.writerow(row | {"label": "anxious" if other else row["suggestion"] or taxonomy.emotion_ids[-1]})


def test_the_documents_commands_lead_from_a_log_to_an_answer_and_back(
    own_config: tuple[Path, AppConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config_file, config = own_config
    index = config.artifacts / "index"
    versions = [Manifest.read(index).version]
    for words in shown_commands():
        run(words, config_file)
        if words[:2] == ["annotate", "export"]:
            label(tmp_path / "round1", Taxonomy.read(config.data / "taxonomy.yaml"))
        if words[1] in ("publish", "rollback"):
            versions.append(Manifest.read(index).version)
    assert versions[0] == versions[2] != versions[1]
    merged = json.loads((tmp_path / "round1/merged/report.json").read_text(encoding="utf-8"))
    assert merged["kept"] == merged["tasks"] == 40
    assert 0 < merged["fleiss_kappa"] < 1
    header, *rows = (tmp_path / "round1/merged/training.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "label\ttext"
    assert len(rows) == 40
    written = [path for name in ("round1", "pairs", "mined") for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert written
    assert not any("13900001234" in path.read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize(
    ("words", "content", "said"),
    [
        (["mine", "bad.txt", "--out", "out"], b"ok\n\xff\n", "bad.txt:2: not UTF-8"),
        (["mine", "bad.csv", "--out", "out"], b"sentence\nx\n", "text must be among them"),
        (["annotate", "select", "bad.txt", "--out", "out"], b"\n", "no text in it"),
        (["annotate", "export", "bad.jsonl", "--out", "out"], b"", "no tasks in it"),
        (["drafts", "list", "nowhere"], b"", "nowhere: no such folder"),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], content: bytes, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    bad = next((word for word in words if word.startswith("bad")), "bad")
    (tmp_path / bad).write_bytes(content)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert said in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == [bad]
