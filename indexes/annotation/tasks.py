"""What one person labels at once: a sentence with its emotion or topic, or a pair that means the same or not.

Tasks are made from logs as the paper makes them (section 4.3): emotion and topic from sentences that the lexicon finds
suspicious, and, so that production's many plain sentences are represented, a share of those it does not; matching from
questions with their nearest candidates. They are stored as one JSON object a line.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from indexes.content.lexicon import Lexicon
from indexes.content.source import ContentError, Text, Written, validated
from indexes.content.taxonomy import NO_EMOTION, Taxonomy
from indexes.mining.drafts import write_whole
from indexes.mining.logs import read_objects
from indexes.mining.questions import Question
from indexes.recall import HybridRecall

Kind = Literal["emotion", "topic", "match"]
N_CANDIDATES = 15
"""The paper has the 15 best candidates of every question labelled."""


class Task(Written):
    """One thing to label.

    Attributes:
        id: the same for the same question.
        kind: what the label says.
        text: the sentence; for `match` the question.
        other: for `match` the candidate, else "".
        suggestion: what the lexicon guesses, "" for nothing; shown to annotators.
    """

    id: str
    kind: Kind
    text: Text
    other: str = ""
    suggestion: str = ""


def choices(kind: Kind, taxonomy: Taxonomy) -> tuple[str, ...]:
    """The labels of a kind of task."""
    if kind == "match":
        return ("1", "0")
    return taxonomy.emotion_ids if kind == "emotion" else (*taxonomy.topic_ids, NO_EMOTION)


def select_tasks(
    questions: Sequence[Question],
    lexicon: Lexicon,
    *,
    kind: Literal["emotion", "topic"],
    size: int,
    plain_share: float,
    seed: int = 0,
) -> list[Task]:
    """Sentences for labelling: suspicious ones with the lexicon's guess, and plain ones.

    Args:
        questions: of a log, distinct.
        lexicon: the pre-filter.
        kind: which of its guesses counts.
        size: how many tasks, at most.
        plain_share: share of plain sentences among them, in [0, 1].
        seed: of the choice and the order.
    """
    guess_of = lexicon.emotion if kind == "emotion" else lexicon.topic
    guesses = [guess_of(question.sentence.words, question.sentence.text) for question in questions]
    suspicious = [place for place, guess in enumerate(guesses) if guess is not None]
    plain = [place for place, guess in enumerate(guesses) if guess is None]
    generator = random.Random(f"select/{seed}")  # noqa: S311 - sampling, not secrets
    n_plain = min(round(size * plain_share), len(plain))
    chosen = [
        *generator.sample(suspicious, min(size - n_plain, len(suspicious))),
        *generator.sample(plain, n_plain),
    ]
    generator.shuffle(chosen)
    tasks = []
    for place in chosen:
        guess, text = guesses[place], questions[place].text
        tasks.append(Task(id=_id(kind, text), kind=kind, text=text, suggestion=guess[0] if guess else ""))
    return tasks


def pair_tasks(questions: Sequence[Question], recall: HybridRecall, *, n_questions: int, seed: int = 0) -> list[Task]:
    """Questions drawn at random, each with the candidates that recall brings, best first.

    Args:
        questions: of a log, distinct.
        recall: over the knowledge; the paper uses Lucene alone.
        n_questions: how many questions, at most.
        seed: of the choice.
    """
    generator = random.Random(f"pairs/{seed}")  # noqa: S311 - sampling, not secrets
    drawn = generator.sample(list(questions), min(n_questions, len(questions)))
    tasks = []
    for question, found in zip(drawn, recall.recall([q.sentence for q in drawn]), strict=True):
        for row in found.rows:
            other = recall.knowledge.entry_of(row).question
            tasks.append(Task(id=_id("match", question.text, other), kind="match", text=question.text, other=other))
    return tasks


def write_tasks(path: Path, tasks: Sequence[Task]) -> None:
    """Writes tasks, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(f"{task.model_dump_json()}\n" for task in tasks))


def read_tasks(path: Path) -> list[Task]:
    """Reads what `write_tasks` wrote.

    Raises:
        ContentError: the file is empty or broken, tasks are of several kinds, or one is given twice.
    """
    tasks = [validated(Task, values, where) for where, values in read_objects(path)]
    if not tasks:
        raise ContentError(f"{path}: no tasks in it; make some with `annotate select`")
    if len({task.kind for task in tasks}) > 1:
        raise ContentError(f"{path}: tasks of several kinds; keep emotion, topic and match apart")
    ids = [task.id for task in tasks]
    if len(set(ids)) != len(ids):
        raise ContentError(f"{path}: task {next(i for i in ids if ids.count(i) > 1)} is given twice; keep one")
    return tasks


def _id(*parts: str) -> str:
    return hashlib.sha256("\t".join(parts).encode("utf-8", "replace")).hexdigest()[:12]
