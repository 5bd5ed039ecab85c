"""The files of an evaluation as segmented rows: train, dev and test, read whole before anything is run.

Called by `graph.commands.evaluate`. Labels, sizes and languages are those of the files; nothing here knows the
project's own taxonomy.
"""

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from graph.errors import InputError
from models.artifact import digest_of
from models.text.segment import TextProcessor
from models.text.sentence import Sentence
from models.training.dataset import read_classification, read_matching
from models.training.loop import Progress

Labelled = tuple[Sentence, str]
Pair = tuple[Sentence, Sentence, int]
Item = TypeVar("Item")
Row = TypeVar("Row", bound=tuple[Any, ...])

_HELD_OUT = 0.1
"""Share of train that stands in for a missing dev file."""
_SEGMENT_STEP = 2000


@dataclass(frozen=True, slots=True)
class Files:
    """What the command was given.

    Attributes:
        train: labelled texts to learn from.
        dev: for early stopping, calibration and thresholds; None takes a stable tenth of train.
        test: for the figures; None reports dev.
        text: further texts without labels, a text a line, for the vectors.
        limit: rows of train that are used, drawn once; None for all.
    """

    train: Path
    dev: Path | None
    test: Path | None
    text: tuple[Path, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class Data(Generic[Item]):
    """Segmented rows.

    Attributes:
        train: rows to learn from.
        dev: rows to tune on.
        test: rows to report; those of dev if there is no test file.
        tested_on: which file the figures are from.
        dev_from: "file", or "train" if a part of train stands in.
        new: for every row of test, whether it does not stand verbatim in train.
        texts: what vectors are learned from: train and the files without labels.
        segmenter: version of the text processor.
        digest: of all labelled rows.
        notes: per part, the file's name, digest and number of rows.
    """

    train: list[Item]
    dev: list[Item]
    test: list[Item]
    tested_on: Literal["dev", "test"]
    dev_from: Literal["file", "train"]
    new: list[bool]
    texts: list[Sentence]
    segmenter: str
    digest: str
    notes: dict[str, Any]


def load_classification(files: Files, progress: Progress) -> Data[Labelled]:
    """Read and segment files with the header `label text`.

    Raises:
        DatasetError: a row breaks the format; names file and line.
        InputError: too little to learn from.
    """

    def segmented(row: tuple[str, str], of: Callable[[str], Sentence]) -> Labelled:
        return of(row[1]), row[0]

    data = _load(files, read_classification, segmented, lambda row: row[1:], lambda row: row[1], progress)
    labels = {label for _, label in data.train}
    if len(labels) < 2:
        raise InputError(f"{files.train}: only the label {next(iter(labels))!r}: give at least two labels")
    return data


def load_matching(files: Files, progress: Progress) -> Data[Pair]:
    """Read and segment files with the header `text_a text_b label`; errors as `load_classification`."""

    def segmented(row: tuple[str, str, int], of: Callable[[str], Sentence]) -> Pair:
        return of(row[0]), of(row[1]), row[2]

    def texts(row: tuple[str, str, int]) -> tuple[str, ...]:
        return row[:2]

    data = _load(files, read_matching, segmented, texts, lambda row: min(row[:2]), progress)
    for name, pairs in (("train", data.train), ("dev", data.dev), ("test", data.test)):
        if {label for _, _, label in pairs} != {0, 1}:
            raise InputError(f"{name}: must hold right and wrong pairs (labels 1 and 0): add the missing kind")
    return data


def _load(
    files: Files,
    read: Callable[[Path], list[Row]],
    segmented: Callable[[Row, Callable[[str], Sentence]], Item],
    texts: Callable[[Row], Sequence[str]],
    group: Callable[[Row], str],
    progress: Progress,
) -> Data[Item]:
    train = read(files.train)
    dev = read(files.dev) if files.dev else None
    test = read(files.test) if files.test else None
    unlabelled = [line for path in files.text for line in read_lines(path)]
    rows_in_file = len(train)
    if dev is None:
        train, dev = _held_out(files.train, train, group)
    reported = dev if test is None else test
    known = {tuple(sorted(texts(row))) for row in train}
    train = _limited(train, files.limit)
    parts = {"train": train, "dev": dev, "test": reported}
    processor = TextProcessor()
    wanted = [text for rows in parts.values() for row in rows for text in texts(row)]
    sentences = _segment(processor, [*wanted, *unlabelled], progress)
    of = sentences.__getitem__
    learned = dict.fromkeys(text for row in train for text in texts(row))
    return Data(
        train=[segmented(row, of) for row in train],
        dev=[segmented(row, of) for row in dev],
        test=[segmented(row, of) for row in reported],
        tested_on="dev" if test is None else "test",
        dev_from="file" if files.dev else "train",
        new=[tuple(sorted(texts(row))) not in known for row in reported],
        texts=[of(text) for text in (*learned, *dict.fromkeys(unlabelled))],
        segmenter=processor.version,
        digest=digest_of(
            [processor.version, *(f"{name}\t{field}" for name in parts for row in parts[name] for field in row)]
        ),
        notes=_notes(files, {"train": rows_in_file, "dev": len(dev), "test": len(reported)}, len(train)),
    )


def read_lines(path: Path) -> list[str]:
    """The texts of a file without labels: a text a line, UTF-8, blank lines left out.

    Raises:
        InputError: not UTF-8, or no text; names file and line.
    """
    lines = []
    for number, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(f"{path} line {number}: not UTF-8: convert the file first") from None
        if line:
            lines.append(line)
    if not lines:
        raise InputError(f"{path}: no text in it: give a file with a text a line")
    return lines


def short_name(path: Path) -> str:
    """Folder and name of a file: enough to know it, and the same on every machine."""
    return "/".join(path.resolve().parts[-2:])


def _held_out(path: Path, rows: list[Row], group: Callable[[Row], str]) -> tuple[list[Row], list[Row]]:
    """Train without a stable tenth, and that tenth; rows of the same text go the same way."""

    def chosen(row: Row) -> bool:
        return hashlib.sha256(group(row).encode()).digest()[0] < 256 * _HELD_OUT

    kept, held = [row for row in rows if not chosen(row)], [row for row in rows if chosen(row)]
    if not kept or not held:
        raise InputError(f"{path}: {len(rows)} rows are too few to hold out a part for tuning: give --dev")
    return kept, held


def _limited(rows: list[Row], limit: int | None) -> list[Row]:
    if limit is None or limit >= len(rows):
        return rows
    chosen = sorted(random.Random(0).sample(range(len(rows)), limit))  # noqa: S311 - sampling, not secrets
    return [rows[place] for place in chosen]


def _segment(processor: TextProcessor, texts: Iterable[str], progress: Progress) -> dict[str, Sentence]:
    distinct = list(dict.fromkeys(texts))
    sentences = {}
    for number, text in enumerate(distinct, start=1):
        sentences[text] = processor.process(text)
        if number % _SEGMENT_STEP == 0 or number == len(distinct):
            progress("segmenting", number, len(distinct))
    return sentences


def _notes(files: Files, rows: dict[str, int], n_train: int) -> dict[str, Any]:
    named = {"train": files.train, "dev": files.dev, "test": files.test}
    notes: dict[str, Any] = {
        name: {"file": short_name(path), "sha256": _sha256(path), "rows": rows[name]}
        for name, path in named.items()
        if path is not None
    }
    notes["train"]["rows_used"] = n_train
    notes["text"] = [{"file": short_name(path), "sha256": _sha256(path)} for path in files.text]
    return notes


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
