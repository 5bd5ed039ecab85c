"""Labelled texts from files: the two formats that `graph evaluate` and training on own data read."""

from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path

__all__ = ["DatasetError", "read_classification", "read_matching"]


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
    rows = _rows(path, ("label", "text"))
    return [(label, text) for label, text in rows]


def read_matching(path: Path) -> list[tuple[str, str, int]]:
    """Read a TSV with the header `text_a text_b label`, the label 0 or 1.

    Returns:
        (text_a, text_b, label) of every row, in order.

    Raises:
        DatasetError: as for `read_classification`, or a label other than 0 and 1.
    """
    pairs = []
    for line, (text_a, text_b, label) in enumerate(_rows(path, ("text_a", "text_b", "label")), start=2):
        if label not in {"0", "1"}:
            raise DatasetError(f"{path} line {line}: label {label!r} must be 0 or 1: correct the row")
        pairs.append((text_a, text_b, int(label)))
    return pairs


def _rows(path: Path, header: Sequence[str]) -> list[list[str]]:
    lines = _lines(path)
    found = lines[0].split("\t") if lines else []
    if found != list(header):
        raise DatasetError(f"{path} line 1: header {found} must be {list(header)}, tab-separated: correct it")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != len(header) or not fields[header.index("label")].strip():
            raise DatasetError(
                f"{path} line {number}: {len(fields)} fields {fields!r} must be {len(header)} with a filled label "
                f"({', '.join(header)}): correct the row"
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
