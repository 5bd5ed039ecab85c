"""The terms under which Lucene finds a sentence; the same at build and at search."""

from __future__ import annotations

from models.text.sentence import Sentence


def lexical_terms(sentence: Sentence) -> list[str]:
    """Its words."""
    return list(sentence.words)
