"""The shelf: what is published comes to the front, what is asked for stays, what fails changes nothing."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexes.errors import IndexUnavailableError
from indexes.knowledge_index import Manifest
from indexes.shelf import Shelf


def write(folder: Path, knowledge: str) -> str:
    """A folder that is nothing but a manifest; its version."""
    manifest = Manifest(
        format=1, knowledge=knowledge, segmenter="s", encoder="e", k1=0.9, b=0.4, n_entries=1, n_surfaces=1, files={}
    )
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return manifest.version


def point(place: Path, folder: Path) -> None:
    beside = place.with_name("beside")
    os.symlink(folder, beside)
    os.replace(beside, place)


def opened(folder: Path) -> str:
    """The edition of these tests: what the manifest was built from."""
    knowledge: str = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["knowledge"]
    return knowledge


@pytest.fixture
def versions(tmp_path: Path) -> dict[str, str]:
    found = {name: write(tmp_path / name, name) for name in ("a", "b", "c", "d")}
    point(tmp_path / "index", tmp_path / "a")
    return found


def soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def test_a_new_version_comes_to_the_front_and_the_old_one_is_still_held(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    shelf = Shelf(tmp_path / "index", opened, look_s=0.0)
    assert (shelf.version, shelf.newest(), shelf.held()) == (versions["a"], "a", [versions["a"]])
    point(tmp_path / "index", tmp_path / "b")
    assert soon(lambda: shelf.newest() == "b")
    assert shelf.held() == [versions["b"], versions["a"]]
    assert (shelf.get(versions["a"]), shelf.get("unknown")) == ("a", None)


def test_what_is_not_whole_is_opened_again_until_it_is(tmp_path: Path, versions: dict[str, str]) -> None:
    ready = False
    seen: list[bool] = []

    def open_edition(_: Path) -> bool:
        seen.append(ready)
        return ready

    shelf = Shelf(tmp_path / "index", open_edition, look_s=60.0, is_whole=bool)
    shelf.refresh()
    assert (shelf.newest(), seen) == (False, [False, False])
    ready = True
    shelf.refresh()
    shelf.refresh()
    assert (shelf.newest(), seen) == (True, [False, False, True])
    assert shelf.held() == [versions["a"]]


def test_going_back_opens_nothing_again(tmp_path: Path, versions: dict[str, str]) -> None:
    folders: list[str] = []

    def counted(folder: Path) -> str:
        folders.append(folder.name)
        return opened(folder)

    shelf = Shelf(tmp_path / "index", counted, look_s=60)
    for name in ("b", "a", "b"):
        point(tmp_path / "index", tmp_path / name)
        shelf.refresh()
    assert (shelf.newest(), folders) == ("b", ["a", "b"])


def test_an_edition_nobody_asks_for_is_dropped_and_never_the_one_in_use(
    tmp_path: Path, versions: dict[str, str]
) -> None:
    shelf = Shelf(tmp_path / "index", opened, look_s=60, keep_s=0.0)
    point(tmp_path / "index", tmp_path / "b")
    shelf.refresh()
    time.sleep(0.001)
    shelf.refresh()
    assert shelf.held() == [versions["b"]]


def test_no_more_than_so_many_are_held(tmp_path: Path, versions: dict[str, str]) -> None:
    shelf = Shelf(tmp_path / "index", opened, look_s=60, most=3)
    for name in ("b", "c"):
        point(tmp_path / "index", tmp_path / name)
        shelf.refresh()
    shelf.get(versions["a"])
    point(tmp_path / "index", tmp_path / "d")
    shelf.refresh()
    assert set(shelf.held()) == {versions["d"], versions["c"], versions["a"]}


def test_a_version_that_cannot_be_opened_changes_nothing(tmp_path: Path, versions: dict[str, str]) -> None:
    def refusing(folder: Path) -> str:
        if folder.name == "b":
            raise IndexUnavailableError("damaged")
        return opened(folder)

    shelf = Shelf(tmp_path / "index", refusing, look_s=0.0)
    point(tmp_path / "index", tmp_path / "b")
    with pytest.raises(IndexUnavailableError, match="damaged"):
        shelf.refresh()
    assert (shelf.newest(), shelf.held()) == ("a", [versions["a"]])
    point(tmp_path / "index", tmp_path / "c")
    shelf.refresh()
    assert shelf.newest() == "c"


def test_a_place_that_is_gone_for_a_moment_changes_nothing(tmp_path: Path, versions: dict[str, str]) -> None:
    shelf = Shelf(tmp_path / "index", opened, look_s=60)
    (tmp_path / "index").unlink()
    with pytest.raises(IndexUnavailableError):
        shelf.refresh()
    assert shelf.newest() == "a"


def test_whoever_asks_does_not_wait_for_what_is_being_opened(tmp_path: Path, versions: dict[str, str]) -> None:
    gate, opening = threading.Event(), threading.Event()

    def slow(folder: Path) -> str:
        if folder.name == "b":
            opening.set()
            gate.wait(10)
        return opened(folder)

    shelf = Shelf(tmp_path / "index", slow, look_s=0.0)
    point(tmp_path / "index", tmp_path / "b")
    assert soon(lambda: shelf.newest() == "a" and opening.is_set())
    assert (shelf.newest(), shelf.get(versions["b"])) == ("a", None)
    gate.set()
    assert soon(lambda: shelf.newest() == "b")
    assert soon(lambda: threading.active_count() == 1 or shelf.version == versions["b"])
