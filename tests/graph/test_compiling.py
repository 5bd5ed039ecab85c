"""Compiling after training: each network once for what it is, failures noted, what nothing needs removed."""

import sys
from pathlib import Path

import pytest

from configs.schema import AppConfig
from graph.compiling import compile_missing, is_wanted, uncompiled
from graph.content import Content
from graph.places import Places
from models import compiled
from models.artifact import artifact_version
from models.libraries import library_place

NAMES = ("emotion", "encoder", "matcher_compare", "matcher_read", "topic")


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def test_a_failure_is_noted_said_and_not_tried_again(
    small_config: AppConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the compiler ran out of memory\nwith many lines of explanation")

    monkeypatch.setattr(compiled, "_compile", broken)
    monkeypatch.setenv("CXX", sys.executable)  # never run, but a machine without a compiler is not what is tested
    (tmp_path / "models").symlink_to(small_config.artifacts / "models")
    config, content = small_config.model_copy(update={"artifacts": tmp_path}), Content(small_config.data)
    folder = Places(tmp_path).compiled
    former = library_place(folder, "emotion", "0" * 12)
    former.mkdir(parents=True)
    now = library_place(folder, "emotion", artifact_version(Places(tmp_path).emotion))
    outdated, elsewhere = now.with_name(f"{now.name[:-1]}x"), now.with_name(f"{now.name[:-17]}otherone-00000000")
    outdated.mkdir()
    elsewhere.mkdir()

    assert not compile_missing(config, content, silent)
    lines = [record.getMessage() for record in caplog.records if record.name == "graph.compiling"]
    assert len(lines) == len(NAMES)
    assert all("computing as trained, more slowly: the compiler ran out of memory (" in line for line in lines)
    assert all(line.endswith("try again: train compiled --force") for line in lines)
    places = sorted(path for path in folder.iterdir() if path != elsewhere)
    assert tuple(path.name.split("-")[0] for path in places) == NAMES
    assert {(place / "failed.txt").read_text() for place in places} == {
        "the compiler ran out of memory\nwith many lines of explanation\n"
    }
    assert len(uncompiled(config)) == len(NAMES)
    assert elsewhere.exists()
    assert not former.exists()
    assert not outdated.exists()

    caplog.clear()
    assert not compile_missing(config, content, silent)
    assert not caplog.records


def test_it_is_wanted_on_a_processor_unless_switched_off(small_config: AppConfig) -> None:
    assert not is_wanted(small_config)
    assert is_wanted(small_config.model_copy(update={"compiled": True}))
    assert not is_wanted(small_config.model_copy(update={"compiled": True, "device": "cuda"}))
