"""Three annotators' labels as one: the majority, and how far to trust it.

The paper keeps what at least two of three agree on and drops the rest (section 4.3).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from indexes.annotation.formats import Labels
from indexes.annotation.tasks import Task
from indexes.content.source import ContentError
from indexes.content.splits import Split, query_split
from models.text.normalise import normalise

N_ANNOTATORS = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """What annotators agree on.

    Attributes:
        majority: the label of each task that at least two gave; three-way disagreement is left out.
        kappa: Fleiss' kappa of all tasks, in [-1, 1].
        dropped: ids of the tasks left out.
        confusions: how often two annotators gave two different labels, by "a | b", the most frequent first.
        agrees: for each annotator, the share of kept tasks on which they are with the majority.
    """

    majority: Mapping[str, str]
    kappa: float
    dropped: tuple[str, ...]
    confusions: Mapping[str, int]
    agrees: tuple[float, ...]


def merge_labels(annotators: Sequence[Labels], choices: Sequence[str]) -> Agreement:
    """Merges three annotators' labels of the same tasks.

    Raises:
        ContentError: not three annotators, or they labelled different tasks.
    """
    if len(annotators) != N_ANNOTATORS:
        raise ContentError(f"{len(annotators)} annotators; exactly {N_ANNOTATORS} label files are needed")
    if any(labels.keys() != annotators[0].keys() for labels in annotators):
        raise ContentError("the annotators labelled different tasks; give the files of one round")
    counts = np.zeros((len(annotators[0]), len(choices)), np.int64)
    majority, dropped, confusions = {}, [], Counter[str]()
    for row, task in enumerate(annotators[0]):
        given = [labels[task] for labels in annotators]
        for label in given:
            counts[row, choices.index(label)] += 1
        confusions.update(" | ".join(sorted(pair)) for pair in combinations(given, 2) if pair[0] != pair[1])
        label, votes = Counter(given).most_common(1)[0]
        if votes >= 2:
            majority[task] = label
        else:
            dropped.append(task)
    agrees = tuple(_share(labels, majority) for labels in annotators)
    ordered = dict(sorted(confusions.items(), key=lambda item: (-item[1], item[0])))
    return Agreement(majority, fleiss_kappa(counts), tuple(dropped), ordered, agrees)


def fleiss_kappa(counts: NDArray[np.int64]) -> float:
    """Agreement of several annotators beyond chance (Fleiss, 1971, "Measuring nominal scale agreement").

    Args:
        counts: int64 (items, labels), how many annotators gave each label; every row has the same sum, >= 2.

    Returns:
        (P - P_e) / (1 - P_e): 1 for perfect agreement, 0 for chance; 1 if only one label was ever given.
    """
    n_items, annotators = len(counts), int(counts[0].sum())
    observed = float((counts**2).sum() - n_items * annotators) / (n_items * annotators * (annotators - 1))
    shares = counts.sum(axis=0) / (n_items * annotators)
    expected = float((shares**2).sum())
    return 1.0 if expected == 1.0 else (observed - expected) / (1.0 - expected)


def training_pairs_of(
    tasks: Sequence[Task], majority: Mapping[str, str], *, negatives_per_positive: float = 1.2, seed: int = 0
) -> dict[Split, list[Task]]:
    """The labelled pairs by part of the data: split by question, never by pair.

    Train and dev keep every positive and a sample of the negatives, as in the paper (21,450 right to some 25,700 wrong
    ones); test keeps everything, so that it has the prior of service.

    Args:
        tasks: of kind `match`.
        majority: the label of each kept task.
        negatives_per_positive: how many negatives are kept for each positive, at most.
        seed: of the sample.
    """
    generator = random.Random(f"negatives/{seed}")  # noqa: S311 - sampling, not secrets
    parts: dict[Split, list[Task]] = {"train": [], "dev": [], "test": []}
    for task in tasks:
        if task.id in majority:
            parts[query_split(normalise(task.text))].append(task)
    for split in ("train", "dev"):
        negatives = [task.id for task in parts[split] if majority[task.id] == "0"]
        n_kept = round((len(parts[split]) - len(negatives)) * negatives_per_positive)
        dropped = set(negatives) - set(generator.sample(negatives, min(n_kept, len(negatives))))
        parts[split] = [task for task in parts[split] if task.id not in dropped]
    return parts


def _share(labels: Labels, majority: Mapping[str, str]) -> float:
    return sum(labels[task] == label for task, label in majority.items()) / len(majority) if majority else 0.0
