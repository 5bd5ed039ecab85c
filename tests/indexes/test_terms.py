"""The terms of a sentence by hand."""

from __future__ import annotations

from indexes.terms import lexical_terms
from models.text.segment import TextProcessor


def test_terms_by_hand(processor: TextProcessor) -> None:
    assert lexical_terms(processor.process("iPhone15 坏了！！ 退不退_？")) == ["iphone15", *"坏了退不退"]
    assert lexical_terms(processor.process("？？")) == []
