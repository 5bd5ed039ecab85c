"""The pipeline: unchanged inputs are not built again, changed ones rebuild what depends on them and nothing else."""

import json
from functools import partial
from pathlib import Path

import pytest

from configs.schema import AppConfig, ConfigError
from graph.bars import Progress
from graph.errors import InputError
from graph.pipeline import Step, build_artifacts, run_steps, stale_steps
from graph.train_file import read_train_file
from models.training.classification import ClassifierParams


def test_unchanged_inputs_build_nothing(small_config: AppConfig) -> None:
    assert build_artifacts(small_config) == []


def test_a_changed_reply_trains_nothing(small_config: AppConfig) -> None:
    path = small_config.data / "replies" / "general.tsv"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(
            before + "anger\tnone\treflect\t您这口气憋得够久了，把订单号发来，咱们一件一件把它理清楚。\n", "utf-8"
        )
        assert build_artifacts(small_config) == []
    finally:
        path.write_text(before, encoding="utf-8")


def test_a_step_is_built_again_by_force_or_when_its_hyperparameters_change(small_config: AppConfig) -> None:
    assert build_artifacts(small_config, until="index", force=True) == ["index"]
    before = small_config.train.read_text(encoding="utf-8")
    try:
        small_config.train.write_text(before.replace("encoder: {n_epochs: 5}", "encoder: {n_epochs: 1}"), "utf-8")
        assert build_artifacts(small_config, until="index") == ["encoder", "index"]
    finally:
        small_config.train.write_text(before, encoding="utf-8")
    assert build_artifacts(small_config) == ["encoder", "index"]


def test_a_missing_artifact_is_built_again(small_config: AppConfig) -> None:
    folder = small_config.artifacts / "models" / "wsm"
    folder.rename(folder.with_name("aside"))
    try:
        assert build_artifacts(small_config) == ["thresholds"]
    finally:
        (folder.with_name("aside") / "config.json").unlink()
    manifest = json.loads((small_config.artifacts / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest) == {"embeddings", "emotion", "topic", "encoder", "index", "matcher", "thresholds"}


def written(folder: Path, name: str, _: Progress) -> None:
    (folder / name).write_text(name, encoding="utf-8")


def test_a_step_that_completes_another_is_due_whenever_that_is_made_again(tmp_path: Path) -> None:
    steps = [
        Step("network", tmp_path / "network", "1"),
        Step("threshold", tmp_path / "threshold", "1", needs=("network",), completes="network"),
        Step("report", tmp_path / "report", "1", needs=("threshold",)),
    ]

    def built(until: str = "all", *, force: bool = False) -> list[str]:
        build = partial(written, tmp_path)
        return run_steps(steps, build, tmp_path / "manifest.json", until=until, force=force, progress=lambda *_: None)

    assert built() == ["network", "threshold", "report"]
    assert built() == []
    assert built("network", force=True) == ["network"]
    assert built("network") == []
    assert built() == ["threshold"]
    (tmp_path / "network").unlink()
    assert built() == ["network", "threshold"]
    assert built("threshold", force=True) == ["threshold"]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # it may have written its artifact already
        run_steps(steps, killed, tmp_path / "manifest.json", until="network", force=True, progress=killed)
    assert built() == ["threshold"]


def test_where_nothing_can_be_compiled_a_line_says_so_and_nothing_else_is_missing(
    small_config: AppConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    config = small_config.model_copy(update={"compiled": True})
    assert build_artifacts(config) == []
    (line,) = [record.getMessage() for record in caplog.records if record.name == "graph.compiling"]
    assert line.startswith("no C++ compiler (no-such-compiler) on this machine: install one, or set compiled to false;")
    assert stale_steps(config) == []
    with pytest.raises(InputError, match="set compiled to true and device to cpu"):
        build_artifacts(small_config, until="compiled")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("emotoin: {}", "unknown key emotoin"),
        ("emotion: {n_epoch: 3}", "unknown key emotion.n_epoch"),
        ("emotion: {n_epochs: many}", "emotion.n_epochs"),
        ("emotion: 3", "must be a mapping"),
    ],
)
def test_a_fault_in_the_hyperparameters_is_named_by_its_path(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_train_file(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_set_has_its_classs_default(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("emotion: {n_epochs: 3}\ntopic:\n", encoding="utf-8")
    assert read_train_file(path).emotion == ClassifierParams(n_epochs=3)
    assert read_train_file(path).topic == ClassifierParams()
