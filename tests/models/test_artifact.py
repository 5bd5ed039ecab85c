"""Artifacts: bit-true round trips, and every reason to refuse one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.artifact import ArtifactError, digest_of, load_artifact, save_artifact
from models.text.vocabulary import Vocabulary

TENSORS: dict[str, NDArray[Any]] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "b": np.array([1, 2], dtype=np.int64),
}


def save(folder: Path, *, kind: str = "thing", threshold: float = 0.5) -> str:
    return save_artifact(
        folder,
        kind=kind,
        config={"threshold": threshold, "labels": ["愤怒", "其他"]},
        segmenter="s1",
        data_digest="d",
        tensors=TENSORS,
        vocabularies={"words": Vocabulary(["货", "款"])},
    )


def test_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    version = save(tmp_path / "deep" / "thing")
    artifact = load_artifact(tmp_path / "deep" / "thing", kind="thing", segmenter="s1")
    assert artifact.version == version
    assert len(version) == 12
    assert artifact.config == {"threshold": 0.5, "labels": ["愤怒", "其他"]}
    assert artifact.vocabularies["words"].tokens[2:] == ("货", "款")
    assert artifact.data_digest == "d"
    for name, tensor in TENSORS.items():
        assert artifact.tensors[name].dtype == tensor.dtype
        assert np.array_equal(artifact.tensors[name], tensor)


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    first = save(tmp_path / "one")
    assert save(tmp_path / "two") == first
    assert save(tmp_path / "three", threshold=0.6) != first


def test_saving_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    save(tmp_path / "thing")
    (tmp_path / "thing" / "stray").write_text("x")
    version = save(tmp_path / "thing", threshold=0.9)
    assert load_artifact(tmp_path / "thing", kind="thing", segmenter="s1").version == version
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]
    assert not (tmp_path / "thing" / "stray").exists()


def test_a_failed_save_keeps_the_old_artifact(tmp_path: Path) -> None:
    version = save(tmp_path / "thing")
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path / "thing", threshold=float("nan"))
    assert load_artifact(tmp_path / "thing", kind="thing", segmenter="s1").version == version
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def _change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    header = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in header.items() if value is not None}))


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "holds no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "config.json").write_text("[]"), "cannot be read"),
        (lambda f: (f / "weights.safetensors").unlink(), "lacks weights.safetensors"),
        (lambda f: (f / "words.txt").unlink(), "lacks words.txt"),
        (lambda f: _flip_a_bit(f / "weights.safetensors"), "digest differs"),
        (lambda f: (f / "words.txt").write_text("<pad>\n<unk>\n款\n货\n"), "digest differs"),
        (lambda f: _change_config(f, kind="other"), "of kind 'other', wanted 'thing'"),
        (lambda f: _change_config(f, format=99), "has format 99"),
        (lambda f: _change_config(f, segmenter="s2"), "built with segmenter 's2', this program uses 's1'"),
        (lambda f: _change_config(f, segmenter=None), r"lacks \['segmenter'\]"),
        (lambda f: _change_config(f, files={}), "digest differs"),
    ],
)
def test_refusals(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    save(tmp_path / "thing")
    damage(tmp_path / "thing")
    with pytest.raises(ArtifactError, match=message) as refused:
        load_artifact(tmp_path / "thing", kind="thing", segmenter="s1")
    assert "\n" not in str(refused.value)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="train it first"):
        load_artifact(tmp_path / "nothing", kind="thing", segmenter="s1")


def test_digests_tell_parts_apart() -> None:
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])
    assert digest_of(["ab"]) == digest_of(["ab"])
    assert len(digest_of(["\ud800"])) == 64
