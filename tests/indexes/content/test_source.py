"""Reading tables and YAML: every refusal names the file, the line, the value and the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.content.source import ContentError, read_entries, read_table, read_yaml

COLUMNS = ("emotion", "text")


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_rows_know_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffemotion\ttext\r\nanger\t一 "引号"\r\n\nother\t二')
    rows = list(read_table(path, COLUMNS))
    assert [row.where for row in rows] == [f"{path}:2", f"{path}:4"]
    assert [dict(row.cells) for row in rows] == [
        {"emotion": "anger", "text": '一 "引号"'},
        {"emotion": "other", "text": "二"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text\temotion\n", r"file:1: header .*must be \['emotion', 'text'\]"),
        ("", "file:1: header"),
        ("emotion\ttext\na\tb\nanger\n", "file:3: 1 cells in 'anger': must be 2"),
        ("emotion\ttext\na\tb\tc\n", "file:2: 3 cells"),
        (b"emotion\ttext\n\xff\xfe", "file: byte 13 is not UTF-8"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        list(read_table(write(tmp_path, text), COLUMNS))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="absent: cannot be read"):
        list(read_table(tmp_path / "absent", COLUMNS))


def test_entries_know_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "# notes\n- id: a\n  list:\n    - 一\n    - 二\n\n- id: b\n")
    assert read_entries(path) == [
        (f"{path}:2", {"id": "a", "list": ["一", "二"]}),
        (f"{path}:7", {"id": "b"}),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n", "file:1: a dict: must be a list"),
        ("", "file:1: a NoneType: must be a list"),
        ("- a: 1\n  b: [\n", "file:3: not YAML"),
        ("- a: 1\n- b: 1\n  b: 2\n", "file:2: not YAML: key 'b' is written twice"),
        ("- !!python/object/apply:os.getcwd []\n", "file:1: not YAML: could not determine a constructor"),
    ],
)
def test_broken_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        read_entries(write(tmp_path, text))


def test_plain_values_are_read(tmp_path: Path) -> None:
    assert read_yaml(write(tmp_path, "a: {b: [1, 二]}\n")) == {"a": {"b": [1, "二"]}}
