"""Trained things on disk: a typed folder that is refused rather than misread.

Every trained model is a folder with `config.json` (kind, format, plain configuration, segmenter version,
digest of the data it was built from, digest of every other file), `weights.safetensors` and its
vocabularies. Nothing is pickled. `models.embeddings`, `models.classifier`, `models.matcher` and
`models.encoder` save and load through this file alone.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from models.text.vocabulary import Vocabulary

__all__ = ["Artifact", "ArtifactError", "artifact_version", "digest_of", "load_artifact", "save_artifact"]

_FORMAT = 1
_CONFIG = "config.json"
_WEIGHTS = "weights.safetensors"


class ArtifactError(Exception):
    """An artifact cannot be used; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """What a folder holds, checked.

    Attributes:
        kind: what it is, e.g. "classifier".
        config: plain configuration, JSON values only.
        segmenter: version of the `TextProcessor` whose words it was built from.
        data_digest: digest of the data it was built from (see `digest_of`).
        tensors: weights by name.
        vocabularies: vocabularies by name ("words" is stored as words.txt).
        version: first 12 hexadecimal digits of the digest of the content.
    """

    kind: str
    config: dict[str, Any]
    segmenter: str
    data_digest: str
    tensors: dict[str, NDArray[Any]]
    vocabularies: dict[str, Vocabulary]
    version: str


def digest_of(parts: Iterable[str]) -> str:
    """SHA-256 over strings in order, each with its length, as hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def save_artifact(
    folder: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    segmenter: str,
    data_digest: str,
    tensors: Mapping[str, NDArray[Any]],
    vocabularies: Mapping[str, Vocabulary],
) -> str:
    """Write an artifact beside its place, then move it there; a reader sees the old folder or the new one.

    Args:
        folder: where it shall be; its parents are made, an older artifact there is replaced.
        kind: what it is.
        config: plain configuration, JSON values only.
        segmenter: version of the `TextProcessor` used.
        data_digest: digest of the training data.
        tensors: weights by name.
        vocabularies: vocabularies by name.

    Returns:
        The version of what was written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in sorted(tensors.items())}, beside / _WEIGHTS)
        for name, vocabulary in vocabularies.items():
            vocabulary.save(beside / f"{name}.txt")
        header = {
            "kind": kind,
            "format": _FORMAT,
            "segmenter": segmenter,
            "data_digest": data_digest,
            "config": dict(config),
            "vocabularies": sorted(vocabularies),
            "files": {path.name: _sha256(path) for path in sorted(beside.iterdir())},
        }
        (beside / _CONFIG).write_text(_canonical(header), encoding="utf-8")
        _replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return _version(header)


def load_artifact(folder: Path, *, kind: str, segmenter: str) -> Artifact:
    """Read and check an artifact.

    Args:
        folder: what `save_artifact` wrote.
        kind: the kind that is wanted.
        segmenter: version of the `TextProcessor` that will feed it.

    Raises:
        ArtifactError: the folder or a file is missing, it is of another kind or format, it was built with
            another segmenter, or a file is not the one that was saved.
    """
    header = _header(folder)
    _check(folder, header, kind=kind, segmenter=segmenter)
    try:
        tensors = safetensors.numpy.load_file(folder / _WEIGHTS)
        vocabularies = {name: Vocabulary.load(folder / f"{name}.txt") for name in header["vocabularies"]}
    except (SafetensorError, ValueError, OSError) as error:
        raise ArtifactError(f"{folder} cannot be read ({error}): train it again") from error
    return Artifact(
        kind=kind,
        config=header["config"],
        segmenter=segmenter,
        data_digest=header["data_digest"],
        tensors=tensors,
        vocabularies=vocabularies,
        version=_version(header),
    )


def artifact_version(folder: Path) -> str:
    """The version of an artifact, without reading its weights.

    Raises:
        ArtifactError: there is none.
    """
    return _version(_header(folder))


def _header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        missing = {
            "kind",
            "format",
            "segmenter",
            "data_digest",
            "config",
            "vocabularies",
            "files",
        } - header.keys()
    except FileNotFoundError as error:
        raise ArtifactError(f"{folder} holds no {_CONFIG}: train it first") from error
    except (OSError, ValueError, AttributeError) as error:
        raise ArtifactError(f"{folder / _CONFIG} cannot be read ({error}): train it again") from error
    if missing:
        raise ArtifactError(f"{folder / _CONFIG} lacks {sorted(missing)}: train it again")
    return dict(header)


def _check(folder: Path, header: dict[str, Any], *, kind: str, segmenter: str) -> None:
    if header["kind"] != kind:
        raise ArtifactError(f"{folder} is of kind {header['kind']!r}, wanted {kind!r}: point to another folder")
    if header["format"] != _FORMAT:
        raise ArtifactError(f"{folder} has format {header['format']!r}, this program reads {_FORMAT}: train it again")
    if header["segmenter"] != segmenter:
        raise ArtifactError(
            f"{folder} was built with segmenter {header['segmenter']!r}, "
            f"this program uses {segmenter!r}: train it again"
        )
    expected = {_WEIGHTS, *(f"{name}.txt" for name in header["vocabularies"])}
    for name in sorted(expected | header["files"].keys()):
        if not (folder / name).is_file():
            raise ArtifactError(f"{folder} lacks {name}: train it again")
        if header["files"].get(name) != _sha256(folder / name):
            raise ArtifactError(f"{folder / name} is not the file that was saved (its digest differs): train it again")


def _replace(new: Path, place: Path) -> None:
    """Move `new` to `place`; an old folder is moved away first, as it cannot be overwritten in one step."""
    new.chmod(0o755)
    if not place.exists():
        os.replace(new, place)
        return
    grave = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    os.replace(place, grave / place.name)
    os.replace(new, place)
    shutil.rmtree(grave, ignore_errors=True)


def _canonical(header: Mapping[str, Any]) -> str:
    return json.dumps(header, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _version(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(header).encode()).hexdigest()[:12]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
