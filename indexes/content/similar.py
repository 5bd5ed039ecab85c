"""Finding texts that are too alike, exactly and fast.

A set-similarity join on character n-grams with prefix and length filtering (Chaudhuri, Ganti and Kaushik,
2006; Bayardo, Ma and Srikant, WWW 2007): two sets can only reach the wanted Jaccard similarity if they share
one of their rarest members, so only those are indexed. The data check calls it on some ten thousand texts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence


def char_ngrams(key: str, n: int) -> frozenset[str]:
    """The runs of `n` characters of `key`; a shorter key is its own only one."""
    return frozenset(key[start : start + n] for start in range(max(1, len(key) - n + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """|a and b| / |a or b|, in [0, 1]; 0 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 0.0


def similar_pairs(keys: Sequence[str], *, above: float, n: int = 3) -> Iterator[tuple[int, int, float]]:
    """Every pair of positions whose keys have a character-n-gram Jaccard similarity above a limit.

    Args:
        keys: the texts, already reduced to what shall be compared.
        above: the limit, in (0, 1); pairs at the limit are not found.
        n: characters per gram, >= 1.

    Yields:
        (position, later position, similarity).

    Raises:
        ValueError: `above` or `n` is out of range.
    """
    if not 0 < above < 1 or n < 1:
        raise ValueError(f"above={above}, n={n}: above must be between 0 and 1, n at least 1")
    grams = [char_ngrams(key, n) for key in keys]
    frequency = Counter(gram for members in grams for gram in members)
    holders: dict[str, list[int]] = defaultdict(list)
    for position in sorted(range(len(keys)), key=lambda i: len(grams[i])):
        members = grams[position]
        rarest = sorted(members, key=lambda gram: (frequency[gram], gram))
        prefix = rarest[: len(members) - math.ceil(above * len(members)) + 1]
        candidates = {other for gram in prefix for other in holders[gram]}
        for other in candidates:
            if len(grams[other]) < above * len(members):
                continue
            similarity = jaccard(members, grams[other])
            if similarity > above:
                yield min(position, other), max(position, other), similarity
        for gram in prefix:
            holders[gram].append(position)
