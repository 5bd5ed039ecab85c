"""Sentences asked again: remembered, shared, and forgotten when they must be."""

import asyncio

import pytest

from deployments.messages import Reranked
from graph.memory import Memory
from graph.schema import ComfortAnswer, ComfortRequest
from tests.graph.scripted import QUESTION, Script, classified

pytestmark = pytest.mark.anyio


@pytest.fixture
def script() -> Script:
    return Script(memory=Memory(max_entries=2, ttl_s=60.0))


def asked(script: Script) -> list[int]:
    """How many sentences each node was asked."""
    return [len(node.asked) for node in (script.emotion, script.topic, script.recall, script.rerank)]


def request(text: str = QUESTION, *, deadline_ms: int | None = None) -> ComfortRequest:
    return ComfortRequest(text=text, deadline_ms=deadline_ms, explain=True)


def cached(answer: ComfortAnswer) -> bool:
    assert answer.explain is not None
    return answer.explain.cached


async def test_the_same_sentence_is_found_out_once_and_the_reply_chosen_anew(script: Script) -> None:
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")  # so that there are several replies to choose from
    composer = script.composer()
    answers = [await composer.comfort(request(), request_id=str(n)) for n in range(12)]
    assert asked(script) == [1, 1, 1, 1]
    assert [cached(answer) for answer in answers] == [False] + [True] * 11
    assert len({answer.reply for answer in answers}) > 1
    assert {answer.request_id for answer in answers} == {str(n) for n in range(12)}
    assert (script.memory.tally.hits, script.memory.tally.computed) == (11, 1)


async def test_different_writing_of_one_text_is_one_text(script: Script) -> None:
    composer = script.composer()
    await composer.comfort(request("好急！！！"), request_id="1")
    assert cached(await composer.comfort(request("好急!!!!!  "), request_id="2"))


async def test_concurrent_requests_for_one_sentence_share_one_computation(script: Script) -> None:
    script.emotion.delay_s = 0.05
    composer = script.composer()
    answers = await asyncio.gather(*(composer.comfort(request(), request_id=str(n)) for n in range(5)))
    assert asked(script) == [1, 1, 1, 1]
    assert sorted(map(cached, answers)) == [False, True, True, True, True]
    assert len({answer.strategy for answer in answers}) == 1
    assert (script.memory.tally.shared, script.memory.tally.computed) == (4, 1)


async def test_a_client_that_leaves_does_not_take_the_others_along(script: Script) -> None:
    script.emotion.delay_s = 0.05
    composer = script.composer()
    first = asyncio.create_task(composer.comfort(request(), request_id="1"))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(composer.comfort(request(), request_id="2"))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).strategy == "knowledge"
    assert asked(script) == [1, 1, 1, 1]


async def test_an_understudys_word_is_neither_kept_nor_shared(script: Script) -> None:
    script.topic.broken = True
    composer = script.composer()
    first, second = await asyncio.gather(*(composer.comfort(request(), request_id=str(n)) for n in range(2)))
    assert first.degraded == second.degraded == ["topic"]
    script.topic.broken = False
    again = await composer.comfort(request(), request_id="3")
    assert (again.degraded, cached(again)) == ([], False)


async def test_who_has_more_time_does_not_inherit_a_hurried_answer(script: Script) -> None:
    script.emotion.delay_s = 0.1
    composer = script.composer()
    hurried, patient = await asyncio.gather(
        composer.comfort(request(deadline_ms=40), request_id="1"),
        composer.comfort(request(), request_id="2"),
    )
    assert "emotion" in hurried.degraded
    assert (patient.degraded, patient.strategy) == ([], "knowledge")


async def test_who_has_less_time_does_not_wait_for_the_leader(script: Script) -> None:
    script.emotion.delay_s = 0.2
    composer = script.composer()
    leader = asyncio.create_task(composer.comfort(request(), request_id="1"))
    await asyncio.sleep(0.01)
    hurried = await composer.comfort(request(deadline_ms=40), request_id="2")
    assert not leader.done()
    assert "emotion" in hurried.degraded
    await leader


async def test_another_version_or_threshold_of_any_node_forgets_everything(script: Script) -> None:
    composer = script.composer()
    await composer.comfort(request(), request_id="1")
    script.emotion.answer = classified("anxious", 0.9, threshold=0.6)
    await composer.comfort(request("换一句话也着急"), request_id="2")  # shows the new threshold
    assert not cached(await composer.comfort(request(), request_id="3"))
    assert cached(await composer.comfort(request(), request_id="4"))


async def test_a_plain_sentence_says_nothing_about_the_nodes_it_did_not_need(script: Script) -> None:
    composer = script.composer()
    await composer.comfort(request(), request_id="1")
    script.emotion.answer = classified("other", 0.9)
    assert not (await composer.comfort(request("这件有蓝色的吗"), request_id="2")).handled
    assert cached(await composer.comfort(request(), request_id="3"))


async def test_only_so_many_are_kept(script: Script) -> None:
    composer = script.composer()
    for text in ("一", "二", "三"):
        await composer.comfort(request(text), request_id=text)
    assert not cached(await composer.comfort(request("一"), request_id="1"))


async def test_they_are_forgotten_after_a_while() -> None:
    script = Script(memory=Memory(max_entries=2, ttl_s=0.01))
    composer = script.composer()
    await composer.comfort(request(), request_id="1")
    await asyncio.sleep(0.03)
    assert not cached(await composer.comfort(request(), request_id="2"))


async def test_switched_off_every_request_is_computed() -> None:
    script = Script(memory=Memory(max_entries=0, ttl_s=60.0))
    composer = script.composer()
    await asyncio.gather(*(composer.comfort(request(), request_id=str(n)) for n in range(3)))
    assert asked(script)[0] == 3
