"""Reads configs/train.yaml into the hyperparameter classes of the trainers, strictly."""

from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from configs.schema import ConfigError, explain, read_yaml
from models.training.classification import ClassifierParams
from models.training.embeddings import EmbeddingParams
from models.training.encoder import EncoderParams
from models.training.matching import MatcherParams

Params = TypeVar("Params")


@dataclass(frozen=True, slots=True)
class TrainFile:
    """Hyperparameters by part."""

    embeddings: EmbeddingParams = field(default_factory=EmbeddingParams)
    emotion: ClassifierParams = field(default_factory=ClassifierParams)
    topic: ClassifierParams = field(default_factory=ClassifierParams)
    encoder: EncoderParams = field(default_factory=EncoderParams)
    matcher: MatcherParams = field(default_factory=MatcherParams)


def read_train_file(path: Path) -> TrainFile:
    """Read and check.

    Raises:
        ConfigError: an unknown section or key, or an unusable value, named by its path.
    """
    return _build(TrainFile, read_yaml(path) or {}, path, "")


def _build(cls: type[Params], values: object, path: Path, prefix: str) -> Params:
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: {prefix or 'the file'}: must be a mapping (got {values!r})")
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = [f"{prefix}{key}" for key in values if key not in known]
    if unknown:
        raise ConfigError(f"{path}: unknown key {', '.join(unknown)}; there are {', '.join(known)}")
    sections = {k: t for k, f in known.items() if isinstance(t := f.type, type) and is_dataclass(t)}
    if sections:
        built = {key: _build(sections[key], values[key] or {}, path, f"{prefix}{key}.") for key in values}
        return cls(**built)
    try:
        return TypeAdapter(cls).validate_python(values)
    except ValidationError as error:
        raise explain(error, path=path, prefix=prefix) from None
