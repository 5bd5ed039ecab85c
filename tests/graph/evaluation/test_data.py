"""Files as rows: what stands in for a missing part, what is limited, what stands in train, what is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from graph.errors import InputError
from graph.evaluation.data import Data, Files, Labelled, load_classification, load_matching
from models.training.dataset import DatasetError


def write(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def classified(folder: Path, rows: Sequence[str], *, limit: int | None = None) -> Data[Labelled]:
    train = write(folder / "train.tsv", "label\ttext", rows)
    return load_classification(Files(train, None, None, (), limit), lambda *_: None)


ROWS = [f"{'rot' if n % 2 else 'blau'}\tsatz nummer {n}" for n in range(200)]


def test_a_stable_part_of_train_stands_in_for_dev(tmp_path: Path) -> None:
    data = classified(tmp_path, ROWS)
    assert (data.tested_on, data.dev_from) == ("dev", "train")
    assert 5 <= len(data.dev) <= 40
    assert len(data.train) + len(data.dev) == 200
    assert data.test == data.dev
    assert not {s.text for s, _ in data.train} & {s.text for s, _ in data.dev}
    more = classified(tmp_path, [*ROWS, "rot\tnoch einer"])
    assert {s.text for s, _ in data.dev} <= {s.text for s, _ in more.dev}


def test_equal_texts_are_not_torn_apart(tmp_path: Path) -> None:
    data = classified(tmp_path, [*ROWS, *ROWS])
    assert not {s.text for s, _ in data.train} & {s.text for s, _ in data.dev}
    assert all(data.new)


def test_limit_is_drawn_once_and_leaves_dev_alone(tmp_path: Path) -> None:
    whole, part = classified(tmp_path, ROWS), classified(tmp_path, ROWS, limit=50)
    assert len(part.train) == 50
    assert part.dev == whole.dev
    assert part.train == classified(tmp_path, ROWS, limit=50).train
    assert part.notes["train"]["rows"] == 200
    assert part.notes["train"]["rows_used"] == 50
    assert part.digest != whole.digest


def test_pairs_that_stand_in_train_in_either_order_are_known(tmp_path: Path) -> None:
    header = "text_a\ttext_b\tlabel"
    train = write(tmp_path / "train.tsv", header, ["a\tb\t1", "c\td\t0"])
    test = write(tmp_path / "test.tsv", header, ["b\ta\t1", "a\td\t0", "c\td\t0"])
    data = load_matching(Files(train, train, test, (), None), lambda *_: None)
    assert data.new == [False, True, False]
    assert data.tested_on == "test"
    assert [s.text for s in data.texts] == ["a", "b", "c", "d"]


def test_further_texts_are_for_the_vectors(tmp_path: Path) -> None:
    text = tmp_path / "more.txt"
    text.write_bytes(b"noch ein satz\n\nund einer\n")
    train = write(tmp_path / "train.tsv", "label\ttext", ROWS)
    data = load_classification(Files(train, train, None, (text,), None), lambda *_: None)
    assert [s.text for s in data.texts[-2:]] == ["noch ein satz", "und einer"]
    text.write_bytes(b"gut\n\xff\n")
    with pytest.raises(InputError, match=r"more\.txt line 2: not UTF-8"):
        load_classification(Files(train, train, None, (text,), None), lambda *_: None)


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only the label 'rot'"):
        classified(tmp_path, ["rot\teins", "rot\tzwei", *(f"rot\tsatz {n}" for n in range(50))])
    with pytest.raises(InputError, match="too few to hold out"):
        classified(tmp_path, ["rot\teins"])
    with pytest.raises(DatasetError, match=r"train\.tsv line 3: 1 fields"):
        classified(tmp_path, ["rot\teins", "blau"])
    train = write(tmp_path / "train.tsv", "text_a\ttext_b\tlabel", ["a\tb\t1", "c\td\t1"])
    with pytest.raises(InputError, match="right and wrong pairs"):
        load_matching(Files(train, train, None, (), None), lambda *_: None)
