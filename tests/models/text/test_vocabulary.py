"""Vocabularies: numbering, reserved rows, the file."""

from pathlib import Path

import pytest

from models.text.vocabulary import PAD, UNK, Vocabulary


def test_build_numbers_by_falling_count_then_token() -> None:
    vocabulary = Vocabulary.build([["b", "a", "c"], ["c", "b"], ["d"]], min_count=1)
    assert vocabulary.tokens == ("<pad>", "<unk>", "b", "c", "a", "d")
    assert vocabulary.encode(["c", "x", "a"]) == [3, UNK, 4]
    assert (PAD, UNK) == (0, 1)


def test_build_leaves_out_rare_tokens() -> None:
    assert len(Vocabulary.build([["a", "a", "b"]], min_count=2)) == 3


def test_rows_and_membership() -> None:
    vocabulary = Vocabulary(["货"])
    assert vocabulary.row("货") == 2
    assert vocabulary.row("款") is None
    assert "货" in vocabulary


def test_saved_is_loaded(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["快递", "#", " ", "\u2028", "\x85", "\\n"])
    vocabulary.save(tmp_path / "words.txt")
    assert Vocabulary.load(tmp_path / "words.txt") == vocabulary


def test_no_tokens_are_saved_and_loaded(tmp_path: Path) -> None:
    Vocabulary([]).save(tmp_path / "words.txt")
    assert len(Vocabulary.load(tmp_path / "words.txt")) == 2


@pytest.mark.parametrize("tokens", [["a", "a"], ["<pad>"], [""], ["a\nb"], ["a\rb"]])
def test_tokens_that_cannot_be_stored_are_refused(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match="token"):
        Vocabulary(tokens)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("快递\n")
    with pytest.raises(ValueError, match="must start with"):
        Vocabulary.load(path)
