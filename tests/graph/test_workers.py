"""Steps side by side: in their order, at the same time where they can, and none left behind when one fails."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.bars import Progress
from graph.workers import build_side_by_side
from indexes.content.source import ContentError


def noted(folder: Path, name: str, progress: Progress) -> None:
    """Leaves its process' id; tells two out of two."""
    progress(name, 2, 2)
    (folder / name).write_text(str(os.getpid()), encoding="utf-8")


def meeting(folder: Path, name: str, progress: Progress) -> None:
    """Ends only if `left` and `right` are under way at the same time."""
    noted(folder, name, progress)
    end = time.monotonic() + 500
    while name in ("left", "right") and not ((folder / "left").exists() and (folder / "right").exists()):
        assert time.monotonic() < end, f"{name} is alone"
        time.sleep(0.05)


def failing(folder: Path, name: str, progress: Progress) -> None:
    """`bad` fails, or dies, as soon as `long` is under way, which would take its time."""
    if name == "long":
        noted(folder, name, progress)
        time.sleep(600)
    while not (folder / "long").exists():
        time.sleep(0.05)
    if name == "bad":
        raise ContentError("a.tsv:3: no such topic")
    os.kill(os.getpid(), signal.SIGKILL)


def pids(folder: Path) -> dict[str, int]:
    return {path.name: int(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


def test_what_can_be_side_by_side_is_and_what_is_alone_stays_in_this_process(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    finished: list[str] = []
    build_side_by_side(
        {"last": ["left", "right"], "left": ["first"], "right": ["first"], "first": []},
        partial(meeting, tmp_path),
        progress=lambda *said: told.append(said),
        finished=finished.append,
        n_at_once=2,
    )
    assert (finished[0], finished[3]) == ("first", "last")
    assert set(finished[1:3]) == {"left", "right"}
    assert sorted(told) == [(name, 2, 2) for name in ("first", "last", "left", "right")]
    here = os.getpid()
    found = pids(tmp_path)
    assert found["first"] == found["last"] == here
    assert len({found["left"], found["right"], here}) == 3


@given(st.lists(st.sets(st.integers(0, 9)), max_size=10))
def test_every_step_comes_once_and_after_those_it_needs(drawn: list[set[int]]) -> None:
    needs = {str(step): [str(need) for need in drawn[step] if need < step] for step in range(len(drawn))}
    built: list[str] = []
    finished: list[str] = []
    build_side_by_side(needs, lambda name, _: built.append(name), progress=print, finished=finished.append, n_at_once=1)
    assert built == finished
    assert sorted(built) == sorted(needs)
    assert all(built.index(need) < built.index(step) for step in needs for need in needs[step])


@pytest.mark.parametrize(
    ("culprit", "error", "said"),
    [
        ("bad", ContentError, "a.tsv:3: no such topic"),
        ("dead", ChildProcessError, "dead: its process ended with code -9"),
    ],
)
def test_a_failure_is_raised_here_and_ends_the_others(
    tmp_path: Path, culprit: str, error: type[Exception], said: str
) -> None:
    finished: list[str] = []
    with pytest.raises(error) as caught:
        build_side_by_side(
            {"long": [], culprit: [], "later": [culprit]},
            partial(failing, tmp_path),
            progress=lambda *_: None,
            finished=finished.append,
            n_at_once=2,
        )
    assert str(caught.value).startswith(said)
    assert finished == []
    assert not psutil.pid_exists(pids(tmp_path)["long"])
