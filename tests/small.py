"""Small artifacts, made by the real pipeline from a part of the real data, in well under two minutes.

Good enough to tell an upset customer from a calm one and to find a question that stands in the knowledge; the
fixture behind the behaviour tests and the real Serve test.
"""

import hashlib
import shutil
from pathlib import Path

import yaml
from filelock import FileLock

from configs.schema import PROJECT_ROOT, AppConfig, Feedback
from graph.pipeline import build_artifacts

ENTRIES_A_TOPIC = 3

TRAIN = """
embeddings: {n_epochs: 3, n_pretrained: 2000}
emotion: {n_epochs: 7, false_alarms: 0.02, longest_gram: 3}
topic: {n_epochs: 6, precision: 0.7}
encoder: {n_epochs: 5}
matcher: {n_epochs: 2}
"""


def build_small(folder: Path) -> AppConfig:
    """Sample data/ into `folder`, train on it there, and return the settings that use it."""
    config = settings_in(folder)
    (folder / "train.yaml").write_text(TRAIN, encoding="utf-8")
    sample(PROJECT_ROOT / "data", config.data)
    build_artifacts(config)
    return config


def copy_small(shared: Path, folder: Path) -> AppConfig:
    """A copy in `folder` of the small system in `shared`, which whoever comes first builds there."""
    with FileLock(shared / "lock"):
        built = shared / "built"
        if not built.exists():
            making = shared / "making"
            shutil.rmtree(making, ignore_errors=True)  # of a run that broke off
            making.mkdir()
            build_small(making)
            making.rename(built)
    shutil.copytree(built, folder, dirs_exist_ok=True)
    return settings_in(folder)


def settings_in(folder: Path) -> AppConfig:
    """The settings of a small system in `folder`."""
    return AppConfig(
        artifacts=folder / "artifacts",
        data=folder / "data",
        train=folder / "train.yaml",
        device="cpu",
        compiled=False,  # a minute of compiling, which tests/models/test_compiled.py does on a small network
        feedback=Feedback(url=f"sqlite:///{folder / 'feedback.sqlite3'}"),
    )


def sample(source: Path, target: Path) -> None:
    """A sixteenth of the utterances by a stable hash, some entries a topic, everything else whole."""
    target.mkdir(parents=True)
    shutil.copy(source / "taxonomy.yaml", target)
    for part in ("replies", "lexicons"):
        shutil.copytree(source / part, target / part)
    for part in ("utterances", "knowledge"):
        (target / part).mkdir()
    for path in sorted((source / "utterances").glob("*.tsv")):
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if hashlib.sha256(row.encode()).digest()[0] < 16]
        (target / "utterances" / path.name).write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    for path in sorted((source / "knowledge").glob("*.yaml")):
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))[:ENTRIES_A_TOPIC]
        text = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False)
        (target / "knowledge" / path.name).write_text(text, encoding="utf-8")
