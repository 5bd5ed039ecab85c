"""Chat logs as people have them: who said what, in which conversation.

Three forms, by the file's ending: `.jsonl` and `.ndjson` hold one object a line, `.csv` and `.tsv` a header and rows,
anything else one customer sentence a line. Fields beside `text` may be missing: `role` (customer or agent), `session`
(lines of one conversation stand in order) and `strategy`, by which the service's own log says how it answered. A
wrong file is refused as a whole. Mining and annotation read logs through this.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from indexes.content.source import ContentError

Role = Literal["customer", "agent"]
UNMATCHED = frozenset({"emotion_topic", "emotion"})
"""How the service answers an emotional question that no knowledge matched: these are worth mining."""
_OBJECTS = (".jsonl", ".ndjson")
_TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing said.

    Attributes:
        text: as typed.
        role: by whom.
        session: the conversation; "" if the log does not say.
        strategy: how the service answered it; "" if another system did.
    """

    text: str
    role: Role = "customer"
    session: str = ""
    strategy: str = ""


def read_logs(paths: Iterable[Path]) -> list[LogLine]:
    """All lines of some logs, in order; blank ones are left out.

    Raises:
        ContentError: a file is missing, not UTF-8 or of another form (names the line), or all are empty.
    """
    files = list(paths)
    lines = [line for path in files for line in _read(path) if line.text.strip()]
    if not lines:
        raise ContentError(f"{', '.join(map(str, files))}: no text in it; a log needs at least one line")
    return lines


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file.

    Raises:
        ContentError: it cannot be read, or a line is not UTF-8.
    """
    try:
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise ContentError(f"{path}: cannot be read ({error.strerror})") from None
    lines = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        try:
            lines.append(line.decode("utf-8").removesuffix("\r"))
        except UnicodeDecodeError:
            raise ContentError(f"{path}:{number}: not UTF-8; convert the file first") from None
    return lines


def read_objects(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """`file:line` and the JSON object of each line that is not blank.

    Raises:
        ContentError: a line is none, or not UTF-8.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ContentError(f"{where}: not a JSON object: {error.msg}") from None
        if not isinstance(value, dict):
            raise ContentError(f"{where}: a {type(value).__name__}: must be a JSON object")
        yield where, value


def read_columns(path: Path, *, required: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """`file:line` and the cells by column of each row of a table whose first line names its columns.

    Raises:
        ContentError: a required column is missing, a row has another number of cells, or a line is not UTF-8.
    """
    delimiter = _TABLES.get(path.suffix.lower(), "\t")
    text = io.StringIO("\n".join(read_lines(path)), newline="")
    rows = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE)
    header = next(rows, [])
    missing = [name for name in required if name not in header]
    if missing:
        raise ContentError(f"{path}:1: columns {header}: {', '.join(missing)} must be among them")
    for row in rows:
        where = f"{path}:{rows.line_num}"
        if not row:
            continue
        if len(row) != len(header):
            raise ContentError(f"{where}: {len(row)} cells: must be {len(header)}, as in the header")
        yield where, dict(zip(header, row, strict=True))


def _read(path: Path) -> Iterator[LogLine]:
    suffix = path.suffix.lower()
    if suffix in _OBJECTS:
        return (_line(values, where) for where, values in read_objects(path))
    if suffix in _TABLES:
        return (_line(values, where) for where, values in read_columns(path, required=["text"]))
    return (LogLine(line) for line in read_lines(path))


def _line(values: Mapping[str, object], where: str) -> LogLine:
    text = values.get("text")
    if not isinstance(text, str):
        raise ContentError(f"{where}: text {text!r}: every line needs a text")
    role = values.get("role") or "customer"
    if role not in get_args(Role):
        raise ContentError(f"{where}: role {role!r}: must be one of {', '.join(get_args(Role))}")
    session, strategy = values.get("session") or "", values.get("strategy") or ""
    return LogLine(text, "agent" if role == "agent" else "customer", str(session), str(strategy))
