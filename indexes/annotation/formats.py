"""Tasks and labels in the formats of annotation tools: Label Studio's JSON, doccano's JSONL, and CSV.

Every format carries the task's id as `task`, so that labels come back to their tasks whatever the tool does to the
order. Label Studio keeps it in a task's `data`, doccano among its metadata, a spreadsheet in a column.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from indexes.annotation.tasks import Task
from indexes.content.source import ContentError
from indexes.mining.drafts import write_whole
from indexes.mining.logs import read_columns, read_lines, read_objects

Format = Literal["labelstudio", "doccano", "csv"]
_COLUMNS = ("task", "text", "other", "suggestion", "label")
_FORMAT_OF: dict[str, Format] = {".json": "labelstudio", ".jsonl": "doccano", ".csv": "csv"}
Labels = dict[str, str]
"""The label of each task, by id."""


def export_tasks(tasks: Sequence[Task], form: Format) -> str:
    """The tasks as a file that the tool imports; the lexicon's guess is a prediction or a column."""
    makers: dict[Format, Callable[[Sequence[Task]], str]] = {
        "labelstudio": _labelstudio,
        "doccano": _doccano,
        "csv": _csv,
    }
    return makers[form](tasks)


def labelstudio_config(tasks: Sequence[Task], choices: Sequence[str]) -> str:
    """The labelling interface to paste into a Label Studio project."""
    other = '<Text name="other" value="$other"/>' if tasks[0].kind == "match" else ""
    options = "".join(f"<Choice value={quoteattr(choice)}/>" for choice in choices)
    return (
        f'<View><Text name="text" value="$text"/>{other}'
        f'<Choices name="label" toName="text" choice="single" required="true">{options}</Choices></View>\n'
    )


def import_labels(path: Path, tasks: Sequence[Task], choices: Sequence[str]) -> Labels:
    """One annotator's labels from the tool's export; the format follows from the file's ending.

    Args:
        path: `.json` of Label Studio, `.jsonl` of doccano, or `.csv`.
        tasks: what was to be labelled.
        choices: the labels that may be given.

    Raises:
        ContentError: another ending, broken, a task is unknown, unlabelled or labelled twice, or a label is unknown.
    """
    form = _FORMAT_OF.get(path.suffix.lower())
    if form is None:
        raise ContentError(f"{path}: ending {path.suffix!r}: must be one of {', '.join(_FORMAT_OF)}")
    readers = {"labelstudio": _read_labelstudio, "doccano": _read_doccano, "csv": _read_csv}
    return checked_labels(readers[form](path), tasks, choices, path)


def write_labels(path: Path, labels: Labels) -> None:
    """Writes labels as a table, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "task\tlabel\n" + "".join(f"{task}\t{label}\n" for task, label in labels.items()))


def read_labels(path: Path, tasks: Sequence[Task], choices: Sequence[str]) -> Labels:
    """Reads what `write_labels` wrote.

    Raises:
        ContentError: other columns, or as for `import_labels`.
    """
    rows = ((where, row["task"], row["label"]) for where, row in read_columns(path, required=["task", "label"]))
    return checked_labels(rows, tasks, choices, path)


def checked_labels(
    rows: Iterator[tuple[str, str, str]], tasks: Sequence[Task], choices: Sequence[str], path: Path
) -> Labels:
    """Labels in the order of the tasks, each task exactly once; `rows` are place, task and label.

    Raises:
        ContentError: as for `import_labels`.
    """
    known = {task.id for task in tasks}
    labels: Labels = {}
    for where, task, label in rows:
        if task not in known:
            raise ContentError(f"{where}: task {task!r}: not among the tasks; import with the tasks that were exported")
        if label not in choices:
            raise ContentError(f"{where}: label {label!r}: must be one of {', '.join(choices)}")
        if labels.setdefault(task, label) != label:
            raise ContentError(f"{where}: task {task} has label {label!r} and {labels[task]!r}; keep one")
    missing = [task.id for task in tasks if task.id not in labels]
    if missing:
        raise ContentError(f"{path}: {len(missing)} of {len(tasks)} tasks have no label, the first is {missing[0]}")
    return {task.id: labels[task.id] for task in tasks}


def _labelstudio(tasks: Sequence[Task]) -> str:
    items = []
    for task in tasks:
        item: dict[str, Any] = {"data": {"task": task.id, "text": task.text}}
        if task.other:
            item["data"]["other"] = task.other
        if task.suggestion:
            choice = {
                "from_name": "label",
                "to_name": "text",
                "type": "choices",
                "value": {"choices": [task.suggestion]},
            }
            item["predictions"] = [{"model_version": "lexicon", "result": [choice]}]
        items.append(item)
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _doccano(tasks: Sequence[Task]) -> str:
    lines = []
    for task in tasks:
        text = f"{task.text}\n{task.other}" if task.other else task.text
        label = [task.suggestion] if task.suggestion else []
        lines.append(json.dumps({"text": text, "label": label, "task": task.id}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _csv(tasks: Sequence[Task]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((task.id, task.text, task.other, task.suggestion, "") for task in tasks)
    return "\ufeff" + buffer.getvalue()  # without the mark, spreadsheets take it for another encoding


def _read_labelstudio(path: Path) -> Iterator[tuple[str, str, str]]:
    try:
        items = json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise ContentError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(items, list):
        raise ContentError(f"{path}: a {type(items).__name__}: must be Label Studio's list of tasks")
    for number, item in enumerate(items, start=1):
        where = f"{path}: item {number}"
        try:
            task = str(item["data"]["task"])
            given = [answer for answer in item["annotations"] if not answer.get("was_cancelled")]
            found = [one["value"]["choices"] for answer in given for one in answer["result"]]
        except (KeyError, TypeError, AttributeError):
            raise ContentError(f"{where}: needs data.task and annotations with choices; export as JSON") from None
        if len(given) > 1:
            raise ContentError(f"{where}: annotations of {len(given)} people; export each annotator's by themselves")
        if found:
            yield where, task, _only(found[0], where)


def _read_doccano(path: Path) -> Iterator[tuple[str, str, str]]:
    for where, values in read_objects(path):
        if "task" not in values or "label" not in values:
            raise ContentError(f"{where}: keys {list(values)}: task and label must be among them")
        label = values["label"]
        if label:
            yield where, str(values["task"]), _only(label if isinstance(label, list) else [label], where)


def _read_csv(path: Path) -> Iterator[tuple[str, str, str]]:
    for where, row in read_columns(path, required=["task", "label"]):
        if row["label"].strip():
            yield where, row["task"].strip(), row["label"].strip()


def _only(labels: Sequence[object], where: str) -> str:
    if len(labels) != 1:
        raise ContentError(f"{where}: labels {list(labels)}: must be exactly one")
    return str(labels[0])
