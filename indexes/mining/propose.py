"""Drafts of knowledge from matters: a title, paraphrases, hard negatives and the replies people gave.

What is proposed keeps the rules of the knowledge as far as a machine can: paraphrases are not too alike, no sentence
stands in two places, hard negatives come from the nearest other matters. The reply itself is left to a person.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import numpy as np

from indexes.content.check_rules import CheckRules
from indexes.content.similar import char_ngrams, jaccard
from indexes.content.splits import comparison_key
from indexes.mining.drafts import Draft
from indexes.mining.matters import Matter, Matters
from indexes.mining.questions import Question

N_PARAPHRASES = 8
N_HARD_NEGATIVES = 3
N_REPLIES = 3
KNOWN_SIMILARITY = 0.85
"""High, because a matter that is wrongly taken for known is lost, and a reviewer sees the nearest entry anyway."""
_MIN_REPLY_CHARS = 10
_MAX_SURFACE_SIMILARITY = CheckRules().max_surface_similarity


def propose_drafts(
    found: Matters,
    *,
    min_frequency: int,
    n_drafts: int,
    taken: Collection[str] = (),
    name_known: Callable[[int], str] = str,
    emotional_only: bool = True,
) -> list[Draft]:
    """Drafts of the matters asked most that are not known yet.

    Args:
        found: the matters of a log.
        min_frequency: matters asked less often are left out.
        n_drafts: at most so many drafts.
        taken: comparison keys of sentences that stand in the data already and may not be used again.
        name_known: names the entry of a known sentence, by its row.
        emotional_only: leave out matters in which the lexicon sees no emotion.
    """
    chosen = [
        matter
        for matter in found.matters
        if matter.frequency >= min_frequency and (matter.emotion or not emotional_only) and not is_known(matter)
    ]
    used = set(taken)
    surfaces: list[tuple[Matter, list[str]]] = []
    for matter in chosen:
        if len(surfaces) == n_drafts:
            break
        texts = _surfaces(matter, found.questions, used)
        if texts:
            surfaces.append((matter, texts))
            used.update(comparison_key(text) for text in texts)
    return [_draft(matter, texts, found, used, name_known) for matter, texts in surfaces]


def is_known(matter: Matter) -> bool:
    """Whether the knowledge has the matter's title already, in nearly the same words."""
    return matter.near is not None and matter.near.similarity >= KNOWN_SIMILARITY


def _surfaces(matter: Matter, questions: Sequence[Question], used: Collection[str]) -> list[str]:
    """The title and paraphrases, typical ones first, none too like another."""
    texts: list[str] = []
    grams: list[frozenset[str]] = []
    for row in matter.rows:
        key = comparison_key(questions[row].text)
        own = char_ngrams(key, 2)
        if key not in used and all(jaccard(own, other) <= _MAX_SURFACE_SIMILARITY for other in grams):
            texts.append(questions[row].text)
            grams.append(own)
        if len(texts) > N_PARAPHRASES:
            break
    return texts


def _draft(
    matter: Matter, texts: Sequence[str], found: Matters, used: set[str], name_known: Callable[[int], str]
) -> Draft:
    negatives = _hard_negatives(matter, found, used)
    used.update(comparison_key(text) for text in negatives)
    near = f"{name_known(matter.near.row)} {matter.near.similarity:.2f}" if matter.near else ""
    return Draft(
        id=hashlib.sha256(comparison_key(texts[0]).encode()).hexdigest()[:8],
        frequency=matter.frequency,
        sentences=len(matter.rows),
        near=near,
        topic=matter.topic or "",
        emotions=(matter.emotion,) if matter.emotion else (),
        question=texts[0],
        paraphrases=tuple(texts[1:]),
        hard_negatives=tuple(negatives),
        replies_found=tuple(_replies([found.questions[row] for row in matter.rows])),
    )


def _hard_negatives(matter: Matter, found: Matters, used: Collection[str]) -> list[str]:
    """The nearest questions of other matters."""
    similarity = found.vectors @ found.vectors[matter.title]
    similarity[list(matter.rows)] = -np.inf
    nearest = np.argsort(-np.round(similarity, 6), kind="stable")
    texts = []
    for row in nearest[: N_HARD_NEGATIVES * 20].tolist():
        text = found.questions[row].text
        if np.isfinite(similarity[row]) and comparison_key(text) not in used:
            texts.append(text)
        if len(texts) == N_HARD_NEGATIVES:
            break
    return texts


def _replies(questions: Sequence[Question]) -> list[str]:
    """The most typical replies of people: alike to many others, each as often as it was given."""
    counts: Counter[str] = Counter()
    for question in questions:
        for text, count in question.replies:
            if len(text) >= _MIN_REPLY_CHARS:
                counts[text] += count
    frequent = sorted(counts, key=lambda text: (-counts[text], text))[:200]
    grams = {text: char_ngrams(comparison_key(text), 2) for text in frequent}
    typical = {text: sum(counts[other] * jaccard(grams[text], grams[other]) for other in frequent) for text in frequent}
    kept: list[str] = []
    for text in sorted(frequent, key=lambda text: (-typical[text], text)):
        if all(jaccard(grams[text], grams[other]) <= _MAX_SURFACE_SIMILARITY for other in kept):
            kept.append(text)
        if len(kept) == N_REPLIES:
            break
    return kept
