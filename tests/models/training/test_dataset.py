"""Labelled files: read in order, every bad row named by its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from models.training.dataset import DatasetError, read_classification, read_matching


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def test_classification(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tsv", "label\ttext\nanger\t气死我了\u2028真的\nother\t在吗\n")
    assert read_classification(path) == [("anger", "气死我了\u2028真的"), ("other", "在吗")]


def test_a_text_may_be_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tsv", "label\ttext\nanger\t\nother\t在吗\n\n")
    assert read_classification(path) == [("anger", ""), ("other", "在吗")]


def test_matching_with_other_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "d.tsv", "\ufefftext_a\ttext_b\tlabel\r\n还没发\t没发货\t1\r\n还没发\t退款\t0")
    assert read_matching(path) == [("还没发", "没发货", 1), ("还没发", "退款", 0)]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_classification, "", "line 1: header"),
        (read_classification, "text\tlabel\na\tb\n", "line 1: header"),
        (read_classification, "label\ttext\n", "no rows"),
        (read_classification, "label\ttext\na\tb\nanger\n", "line 3: 1 fields"),
        (read_classification, "label\ttext\na\tb\tc\n", "line 2: 3 fields"),
        (read_classification, "label\ttext\n \ta\n", "line 2"),
        (read_classification, "label\ttext\na\tb\n\na\tb\n", "line 3"),
        (read_matching, "text_a\ttext_b\tlabel\na\tb\t1\na\tb\tyes\n", "line 3: label 'yes' must be 0 or 1"),
    ],
)
def test_bad_files(tmp_path: Path, read: Callable[[Path], object], text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(write(tmp_path / "d.tsv", text))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_classification(tmp_path / "nothing.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"label\ttext\na\tb\na\t\xff\n")
    with pytest.raises(DatasetError, match="line 3: not UTF-8"):
        read_classification(tmp_path / "latin.tsv")
