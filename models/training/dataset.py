"""Labelled texts from files: the formats that `graph evaluate` and training on own data read."""

from codecs import BOM_UTF8
from collections.abc import Collection, Sequence
from pathlib import Path

__all__ = ["DatasetError", "read_classification", "read_knowledge", "read_matching", "read_queries"]


class DatasetError(Exception):
    """A file of labelled texts cannot be used; the message names file, line, rule and remedy."""


def read_classification(path: Path) -> list[tuple[str, str]]:
    """Read a TSV with the header `label text`.

    Returns:
        (label, text) of every row, in order.

    Raises:
        DatasetError: no file, not UTF-8, another header, a row with another number of columns, or an empty
            label. A text may be empty: a message of nothing visible is a message.
    """
    rows = _rows(path, ("label", "text"), filled=("label",))
    return [(label, text) for label, text in rows]


def read_matching(path: Path) -> list[tuple[str, str, int]]:
    """Read a TSV with the header `text_a text_b label`, the label 0 or 1.

    Returns:
        (text_a, text_b, label) of every row, in order.

    Raises:
        DatasetError: as for `read_classification`, or a label other than 0 and 1.
    """
    pairs = []
    for line, (text_a, text_b, label) in enumerate(
        _rows(path, ("text_a", "text_b", "label"), filled=("label",)), start=2
    ):
        if label not in {"0", "1"}:
            raise DatasetError(f"{path} line {line}: label {label!r} must be 0 or 1: correct the row")
        pairs.append((text_a, text_b, int(label)))
    return pairs


def read_knowledge(path: Path) -> list[tuple[str, str]]:
    """Read a TSV with the header `id question`; an entry with several questions has several rows.

    Returns:
        (id, question) of every row, in order.

    Raises:
        DatasetError: as for `read_classification`, or an empty field.
    """
    return [(entry, question) for entry, question in _rows(path, ("id", "question"), filled=("id", "question"))]


def read_queries(path: Path, *, known: Collection[str]) -> list[tuple[str, str]]:
    """Read a TSV with the header `query id`; a query with several right entries has several rows.

    Args:
        path: the file.
        known: the ids there are.

    Returns:
        (query, id) of every row, in order.

    Raises:
        DatasetError: as for `read_knowledge`, or an id that is not known.
    """
    rows = []
    for line, (query, entry) in enumerate(_rows(path, ("query", "id"), filled=("query", "id")), start=2):
        if entry not in known:
            raise DatasetError(f"{path} line {line}: id {entry!r} is not in the knowledge: correct the row")
        rows.append((query, entry))
    return rows


def _rows(path: Path, header: Sequence[str], *, filled: Sequence[str]) -> list[list[str]]:
    lines = _lines(path)
    found = lines[0].split("\t") if lines else []
    if found != list(header):
        raise DatasetError(f"{path} line 1: header {found} must be {list(header)}, tab-separated: correct it")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != len(header) or not all(fields[header.index(name)].strip() for name in filled):
            raise DatasetError(
                f"{path} line {number}: {len(fields)} fields {fields!r} must be {len(header)} ({', '.join(header)}) "
                f"with {' and '.join(filled)} filled: correct the row"
            )
        rows.append(fields)
    if not rows:
        raise DatasetError(f"{path} has no rows below its header: give a file with texts")
    return rows


def _lines(path: Path) -> list[str]:
    try:
        # split(b"\n"), not splitlines(): customers' texts hold other line separators that are no line ends here
        raw = path.read_bytes().removeprefix(BOM_UTF8).rstrip(b"\r\n").split(b"\n")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}): give another file") from error
    lines = []
    for number, line in enumerate(raw, start=1):
        try:
            lines.append(line.decode("utf-8").removesuffix("\r"))
        except UnicodeDecodeError:
            raise DatasetError(f"{path} line {number}: not UTF-8: convert the file first") from None
    return lines
