"""Batching changes no answer: 2,000 sentences alone through plain nodes, and together through the batchers."""

import itertools

import anyio
import pytest

from configs.schema import AppConfig, Cache, Deadlines
from graph.composer import Composer
from graph.local import answer_all, local_composer
from graph.schema import ComfortAnswer, ComfortRequest
from load_tests.bench.servers.plain import plain_composer
from load_tests.traffic import hard, read_voices, real

N = 2000


@pytest.fixture(scope="module")
def unhurried(small_config: AppConfig) -> AppConfig:
    """Nothing is remembered, nothing is late: every sentence is computed."""
    return small_config.model_copy(update={"deadlines": Deadlines.patient(3_600_000), "cache": Cache(max_entries=0)})


@pytest.fixture(scope="module")
def sentences(small_config: AppConfig) -> list[str]:
    """Half of each traffic."""
    voices = read_voices(small_config.data)
    emotional = itertools.islice(hard(voices.emotional, seed=21), N // 2)
    return [*emotional, *itertools.islice(real(voices, seed=21), N // 2)]


def answers(composer: Composer, sentences: list[str], *, at_once: int) -> list[ComfortAnswer]:
    async def run() -> list[ComfortAnswer]:
        requests = [ComfortRequest(text=text, explain=True) for text in sentences]
        return [answer async for answer in answer_all(composer, requests, at_once=at_once)]

    return anyio.run(run)


def test_answers_in_batches_equal_those_of_single_sentences(unhurried: AppConfig, sentences: list[str]) -> None:
    alone = answers(plain_composer(unhurried)[0], sentences, at_once=1)
    together = answers(local_composer(unhurried), sentences, at_once=128)
    assert len(alone) == len(together) == N
    for one, other in zip(alone, together, strict=True):
        assert not other.degraded
        assert discrete(one) == discrete(other)
        assert probabilities(one) == pytest.approx(probabilities(other), abs=1e-5)
    strategies = {answer.strategy for answer in together}
    assert {"none", "emotion_topic", "knowledge"} <= strategies, "the sentences do not reach every node"


def discrete(answer: ComfortAnswer) -> tuple[object, ...]:
    """Everything that is decided."""
    entry = answer.knowledge.id if answer.knowledge else None
    topic = answer.topic.label if answer.topic else None
    return answer.strategy, answer.emotion.label, topic, entry, answer.reply


def probabilities(answer: ComfortAnswer) -> list[float]:
    """Everything that is measured: emotion, topic and the similarity of every candidate, by name."""
    explained = answer.explain
    assert explained is not None
    similarities = {c.id: c.similarity for c in explained.candidates if c.similarity is not None}
    named = [*explained.emotion.items(), *(explained.topic or {}).items(), *similarities.items()]
    return [value for _, value in sorted(named)]
