"""Reading the files under `data/`: tables and lists of entries, with errors that lead to the line.

The files are written by people, so every reader refuses the first thing that breaks a rule, and says where it
stands, what it is and which rule it breaks. The readers of this package share this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

MAX_TEXT_CHARS = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ContentError(Exception):
    """A file of written content breaks a rule; the message names the place, the value and the rule."""


class Written(BaseModel):
    """A validated piece of content: immutable, without unknown fields, without conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _clean(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with white space")
    if _CONTROL.search(text):
        raise ValueError("must be one line without tabs or control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS), AfterValidator(_clean)]
"""One line of written text."""

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A line of a table: where it stands and its cells by column name."""

    where: str
    cells: Mapping[str, str]


def files_in(folder: Path, suffix: str) -> list[Path]:
    """The files of `folder` with this suffix, by name.

    Raises:
        ContentError: there is none.
    """
    found = sorted(folder.glob(f"*{suffix}"))
    if not found:
        raise ContentError(f"{folder}: no *{suffix} files; at least one is needed")
    return found


def read_text(path: Path) -> str:
    """The whole file.

    Raises:
        ContentError: it is missing or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ContentError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ContentError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def read_table(path: Path, columns: Sequence[str]) -> Iterator[TableRow]:
    """The rows of a tab-separated file whose first line names exactly `columns`; blank lines are skipped.

    Raises:
        ContentError: another header, or a row with another number of cells.
    """
    lines = read_text(path).split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if header != list(columns):
        raise ContentError(f"{path}:1: header {header}: must be {list(columns)}, separated by tabs")
    for number, raw in enumerate(lines[1:], 2):
        line = raw.rstrip("\r")
        if not line:
            continue
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise ContentError(
                f"{path}:{number}: {len(cells)} cells in {line!r}: must be {len(columns)}, separated by tabs"
            )
        yield TableRow(f"{path}:{number}", dict(zip(columns, cells, strict=True)))


def read_yaml(path: Path) -> Any:
    """The value in a YAML file.

    Raises:
        ContentError: not YAML, or a mapping names a key twice.
    """
    return _Yaml.read(path)[0]


def read_entries(path: Path) -> list[tuple[str, Any]]:
    """The items of a YAML file that holds a list, each with its place `file:line`.

    Raises:
        ContentError: not YAML, not a list, or a mapping names a key twice.
    """
    value, lines = _Yaml.read(path)
    if not isinstance(value, list):
        raise ContentError(f"{path}:1: a {type(value).__name__}: must be a list of entries")
    return [(f"{path}:{line}", item) for line, item in zip(lines, value, strict=True)]


def validated(model: type[ModelT], values: object, where: str) -> ModelT:
    """`values` as a `model`.

    Raises:
        ContentError: they break one of its rules; names the first.
    """
    try:
        # Sequences are written as lists and kept as tuples; nothing else is converted.
        return model.model_validate(_tuples(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "entry"
        given = "" if first["type"] == "missing" else f" {first['input']!r}"
        rule = first["msg"].removeprefix("Value error, ")
        raise ContentError(f"{where}: {field}{given}: {rule}") from None


def _tuples(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


class _Yaml(yaml.CSafeLoader):
    """The safe loader, refusing keys that are written twice (the second would silently win)."""

    @classmethod
    def read(cls, path: Path) -> tuple[Any, list[int]]:
        """The value, and the line of each item if it is a list."""
        loader = cls(read_text(path))
        try:
            node = loader.get_single_node()
            if node is None:
                return None, []
            items = node.value if isinstance(node, yaml.SequenceNode) else []
            return loader.construct_document(node), [item.start_mark.line + 1 for item in items]
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ContentError(f"{path}:{line}: not YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise ContentError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
        finally:
            loader.dispose()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if every key is written once."""
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            keys = [key.value for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} is written twice", node.start_mark)
        return mapping
