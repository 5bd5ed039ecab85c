"""Matters: clusters of questions with what is known about them, from the most asked to the least.

The second half of mining: vectors, clusters, and for each cluster its medoid as a title, its traffic, the emotion and
topic that the lexicon sees in it, and the knowledge that is nearest. `indexes.mining.propose` makes drafts of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes.content.lexicon import Lexicon
from indexes.mining.cluster import Clustering, cluster, medoids
from indexes.mining.questions import Question
from indexes.mining.vectors import sentence_vectors
from models.embeddings import Embeddings
from models.text.sentence import Sentence

_SHOWN_SHARE = 0.25
"""A cluster is of an emotion, or of a topic, if the lexicon sees it in this share of its traffic."""


@dataclass(frozen=True, slots=True)
class Near:
    """The known sentence most like a matter's title.

    Attributes:
        row: among the known sentences.
        similarity: cosine, in [-1, 1].
    """

    row: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Matter:
    """A cluster of questions.

    Attributes:
        title: row of its medoid among the questions.
        rows: of all its questions, the most typical first.
        frequency: how often they were asked together.
        emotion: an emotion id, None if the lexicon sees none.
        topic: a topic id, None if the lexicon sees none.
        near: the known sentence most like it; None if nothing is known.
    """

    title: int
    rows: tuple[int, ...]
    frequency: int
    emotion: str | None
    topic: str | None
    near: Near | None


@dataclass(frozen=True, slots=True, eq=False)
class Matters:
    """All matters of a log.

    Attributes:
        questions: the distinct questions, the most frequent first.
        vectors: float32 (questions, width), as clustered.
        matters: the most asked first.
        resolution: the distance below which questions were not told apart.
    """

    questions: tuple[Question, ...]
    vectors: NDArray[np.float32]
    matters: tuple[Matter, ...]
    resolution: float


def find_matters(
    questions: Sequence[Question],
    *,
    embeddings: Embeddings,
    lexicon: Lexicon,
    known: Sequence[Sentence] = (),
    background: Sequence[Sentence] = (),
) -> Matters:
    """Clusters questions into matters.

    Args:
        questions: distinct.
        embeddings: word vectors, best trained on the same log.
        lexicon: guesses emotion and topic.
        known: what the knowledge can already be found by.
        background: more sentences of the trade, to tell what all of them have in common.
    """
    sentences = [question.sentence for question in questions]
    vectors = sentence_vectors(embeddings, [*sentences, *known], background=background)
    own, others = vectors[: len(sentences)], vectors[len(sentences) :]
    clustering = cluster(own)
    frequencies = np.array([question.frequency for question in questions], np.int64)
    titles = medoids(own, clustering.labels, frequencies)
    near = _nearest(own[titles], others)
    matters = [
        _matter(questions, own, rows, int(title), lexicon, found)
        for rows, title, found in zip(_members(clustering), titles, near, strict=True)
    ]
    order = sorted(range(len(matters)), key=lambda place: (-matters[place].frequency, matters[place].title))
    return Matters(tuple(questions), own, tuple(matters[place] for place in order), clustering.resolution)


def _members(clustering: Clustering) -> list[NDArray[np.int64]]:
    order = np.argsort(clustering.labels, kind="stable")
    starts = np.flatnonzero(np.diff(clustering.labels[order])) + 1
    return np.split(order, starts) if len(order) else []


def _matter(
    questions: Sequence[Question],
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    title: int,
    lexicon: Lexicon,
    near: Near | None,
) -> Matter:
    typical = np.round(vectors[rows] @ vectors[title], 6)
    # The title first, even where another row has the same vector.
    ordered = tuple(rows[np.lexsort((rows, -typical, rows != title))].tolist())
    members = [questions[row] for row in ordered]
    return Matter(
        title=title,
        rows=ordered,
        frequency=sum(question.frequency for question in members),
        emotion=_shown(members, [lexicon.emotion(q.sentence.words, q.sentence.text) for q in members]),
        topic=_shown(members, [lexicon.topic(q.sentence.words, q.sentence.text) for q in members]),
        near=near,
    )


def _shown(questions: Sequence[Question], guesses: Sequence[tuple[str, float] | None]) -> str | None:
    votes: Counter[str] = Counter()
    for question, guess in zip(questions, guesses, strict=True):
        if guess is not None:
            votes[guess[0]] += question.frequency
    best = min(votes, key=lambda label: (-votes[label], label), default=None)
    total = sum(question.frequency for question in questions)
    return best if best is not None and votes[best] >= _SHOWN_SHARE * total else None


def _nearest(vectors: NDArray[np.float32], known: NDArray[np.float32]) -> list[Near | None]:
    if not len(known):
        return [None] * len(vectors)
    found: list[Near | None] = []
    for start in range(0, len(vectors), 1024):
        cosines = vectors[start : start + 1024] @ known.T
        best = cosines.argmax(axis=1)
        found += [Near(int(row), float(cosines[place, row])) for place, row in enumerate(best)]
    return found
