"""The folders of compiled networks: put in place in one step, refused when a file is not the one that was made."""

from pathlib import Path

import pytest

from models.libraries import CompileError, check, fault, give_up, is_settled, library_place, seal, settle


def made(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "network.so").write_text(content)
    seal(folder)
    return folder


def test_the_place_is_named_by_network_artifact_and_surroundings(tmp_path: Path) -> None:
    place = library_place(tmp_path, "emotion", "0123456789ab")
    assert place.parent == tmp_path
    assert place.name.startswith("emotion-0123456789ab-")
    assert not is_settled(place)


def test_a_new_library_replaces_the_former(tmp_path: Path) -> None:
    place = made(tmp_path / "place", "former")
    settle(place, made(tmp_path / "aside" / "library", "new"))
    assert (place / "network.so").read_text() == "new"
    assert is_settled(place)
    assert fault(place) is None
    check(place)


def test_a_reason_stands_in_the_place_of_a_library(tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert fault(place) == "not compiled for this processor; compile it here: train compiled"
    give_up(place, "C++ compile error\n\nCommand: g++")
    assert is_settled(place)
    why = place / "failed.txt"
    assert why.read_text() == "C++ compile error\n\nCommand: g++\n"
    assert fault(place) == f"C++ compile error ({why} has all of it); try again: train compiled --force"


def test_a_reason_that_cannot_be_read_is_a_reason_too(tmp_path: Path) -> None:
    unreadable, garbled = tmp_path / "unreadable", tmp_path / "garbled"
    (unreadable / "failed.txt").mkdir(parents=True)
    garbled.mkdir()
    (garbled / "failed.txt").write_bytes(b"\xff no compiler\n")
    assert "why cannot be read: Is a directory" in str(fault(unreadable))
    assert "no compiler" in str(fault(garbled))


def test_a_library_that_is_there_is_not_given_up(tmp_path: Path) -> None:
    place = made(tmp_path / "place", "machine code")
    give_up(place, "the disk was full")
    assert fault(place) is None
    check(place)


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_another_file_is_refused(damage: str, tmp_path: Path) -> None:
    place = made(tmp_path / "place", "machine code")
    if damage == "changed":
        (place / "network.so").write_text("machine cod")
    elif damage == "missing":
        (place / "network.so").unlink()
    else:
        (place / "more.so").write_text("other code")
    with pytest.raises(CompileError, match="its files are not those that were made; compile it again"):
        check(place)
