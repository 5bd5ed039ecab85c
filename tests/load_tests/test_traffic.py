"""The two traffics, by what they promise."""

import itertools
from collections import Counter

import pytest

from configs.schema import PROJECT_ROOT
from load_tests.traffic import Voices, hard, read_voices, real


@pytest.fixture(scope="module")
def voices() -> Voices:
    return read_voices(PROJECT_ROOT / "data")


def test_real_traffic_is_mostly_plain_and_repeats_itself(voices: Voices) -> None:
    said = list(itertools.islice(real(voices, seed=1), 20_000))
    felt = set(voices.emotional)
    emotional = sum(text in felt for text in said) / len(said)
    assert 0.04 < emotional < 0.06
    counts = Counter(said)
    assert counts[voices.plain[0]] == max(counts.values())
    # Zipf with exponent 1: the first is said about twice as often as the second, ten times as often as the tenth.
    assert 1.6 < counts[voices.plain[0]] / counts[voices.plain[1]] < 2.5
    assert 7 < counts[voices.plain[0]] / counts[voices.plain[9]] < 14


def test_every_kind_of_emotional_sentence_has_the_same_share(voices: Voices) -> None:
    said = itertools.islice(real(voices, seed=2), 60_000)
    kinds = {text: name for name in ("knowledge", "emotion_topic", "emotion") for text in getattr(voices, name)}
    counts = Counter(kinds[text] for text in said if text in kinds)
    assert all(0.27 < count / counts.total() < 0.40 for count in counts.values()), counts


def test_hard_traffic_never_repeats_and_is_the_same_for_the_same_seed() -> None:
    emotional = ["急死了", "太失望了", "我害怕"]
    said = list(hard(emotional, seed=4))
    assert len(set(said)) == len(said) > 2 * len(emotional)
    assert all(any(text.endswith(own) for own in emotional) for text in said)
    assert said == list(hard(emotional, seed=4)) != list(hard(emotional, seed=5))
