"""The DAG under every failure of design section 2: it always answers, in time, and says who stood in."""

import asyncio
import time

import pytest

from configs.schema import Thresholds
from deployments.messages import Classified, Reranked
from graph.composer import Budget
from graph.schema import ComfortAnswer, ComfortRequest
from indexes.recall import Recalled
from tests.graph.scripted import QUESTION, REPLY_KNOWLEDGE, Script, classified

pytestmark = pytest.mark.anyio


async def answer(script: Script, text: str = QUESTION, **fields: object) -> ComfortAnswer:
    request = ComfortRequest.model_validate({"text": text, **fields})
    return await script.composer().comfort(request, request_id="r")


async def test_knowledge_answers_when_the_match_is_sure() -> None:
    said = await answer(Script())
    assert (said.strategy, said.reply, said.degraded) == ("knowledge", REPLY_KNOWLEDGE, [])
    assert said.knowledge is not None
    assert (said.knowledge.id, said.knowledge.similarity) == ("no_shipment-01", 0.95)
    assert said.topic is not None
    assert said.topic.label == "no_shipment"


@pytest.mark.parametrize("execution", ["gated", "speculative"])
async def test_a_plain_sentence_is_left_to_the_ordinary_bot(execution: str) -> None:
    script = Script(execution=execution)
    script.emotion.answer = classified("other", 0.99)
    said = await answer(script, "这件有蓝色的吗")
    assert (said.handled, said.strategy, said.reply, said.topic) == (False, "none", None, None)


async def test_gated_asks_the_other_nodes_only_about_emotional_sentences() -> None:
    script = Script()
    script.emotion.answer = classified("other", 0.99)
    await answer(script)
    assert not script.topic.asked
    assert not script.recall.asked
    assert not script.rerank.asked


async def test_speculative_cancels_what_a_plain_sentence_does_not_need() -> None:
    script = Script(execution="speculative")
    script.emotion.answer = classified("other", 0.99)
    script.topic.delay_s = 10.0
    await answer(script)
    assert script.topic.asked


async def test_an_unsure_emotion_is_not_handled() -> None:
    script = Script()
    script.emotion.answer = classified("anger", 0.5)  # not above 0.5
    said = await answer(script)
    assert (said.handled, said.emotion.label) == (False, "anger")


async def test_a_customer_who_may_be_angry_or_aggrieved_is_comforted() -> None:
    script = Script()
    split = {"anger": 0.5, "aggrieved": 0.45, "other": 0.05}
    script.emotion.answer = Classified("anger", 0.5, 0.95, 0.9, split, "v1")
    said = await answer(script)
    assert said.handled
    assert said.emotion.model_dump() == {"label": "anger", "probability": 0.5}


async def test_below_the_match_threshold_emotion_and_topic_answer() -> None:
    script = Script()
    script.rerank.answer = Reranked((0.85,), 0.85, "v1")
    said = await answer(script)
    assert (said.strategy, said.knowledge) == ("emotion_topic", None)
    assert "no_shipment" in (said.reply or "")


async def test_below_the_topic_threshold_the_emotion_alone_answers() -> None:
    script = Script()
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    script.topic.answer = classified("no_shipment", 0.4)
    said = await answer(script)
    assert said.strategy == "emotion"
    assert "一般" in (said.reply or "")


async def test_a_combination_without_a_reply_falls_to_the_emotion() -> None:
    script = Script()
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    script.topic.answer = classified("size_problem", 0.9)
    assert (await answer(script)).strategy == "emotion"


async def test_wsm_stands_in_for_rerank() -> None:
    script = Script()
    script.rerank.broken = True
    same = await answer(script)
    assert (same.strategy, same.degraded, same.versions.reranker) == ("knowledge", ["rerank"], None)
    assert same.knowledge is not None
    assert same.knowledge.similarity == pytest.approx(1.0)
    other = await answer(script, "裤子掉色了怎么这样")
    assert (other.strategy, other.degraded) == ("emotion_topic", ["rerank"])


async def test_without_recall_emotion_and_topic_answer() -> None:
    script = Script()
    script.recall.broken = True
    said = await answer(script)
    assert (said.strategy, said.degraded) == ("emotion_topic", ["recall"])


async def test_one_index_alone_is_named() -> None:
    script = Script()
    script.recall.answer = Recalled((0,), (None,), (0.9,), (0.03,), ("lucene",))
    said = await answer(script)
    assert (said.strategy, said.degraded) == ("knowledge", ["recall.lucene"])


async def test_without_topic_the_emotion_answers() -> None:
    script = Script()
    script.topic.broken = True
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    said = await answer(script)
    assert (said.strategy, said.topic, said.degraded) == ("emotion", None, ["topic"])


async def test_the_lexicon_stands_in_for_emotion() -> None:
    script = Script()
    script.emotion.broken = True
    said = await answer(script)
    assert (said.handled, said.emotion.label, said.degraded) == (True, "anxious", ["emotion"])
    plain = await answer(script, "这件有蓝色的吗")
    assert (plain.handled, plain.degraded) == (False, ["emotion"])


async def test_with_every_node_broken_there_is_still_an_answer() -> None:
    script = Script()
    for node in (script.emotion, script.topic, script.recall, script.rerank):
        node.broken = True
    said = await answer(script)
    assert (said.strategy, said.degraded) == ("emotion", ["emotion", "topic", "recall"])
    assert said.reply


async def test_a_hung_node_costs_its_stage_timeout_and_its_call_is_cancelled() -> None:
    script = Script(timeout_s=0.05)
    script.rerank.delay_s = 60.0
    said = await answer(script)
    await asyncio.sleep(0.02)
    assert said.degraded == ["rerank"]
    assert script.rerank.cancelled == 1


async def test_when_the_whole_budget_is_spent_the_best_step_so_far_answers() -> None:
    script = Script(timeout_s=5.0)
    script.recall.delay_s = 60.0
    before = time.time()
    said = await answer(script, deadline_ms=150)
    assert said.strategy == "emotion_topic"
    assert "deadline" in said.degraded
    assert time.time() - before < 30.0  # not the node's 60 s


def test_a_clients_deadline_is_clamped() -> None:
    budget = Budget(default_ms=1000, max_ms=5000, reserve_ms=30)
    now = time.time()
    assert budget.cutoff(None) == pytest.approx(now + 0.97, abs=0.2)
    assert budget.cutoff(3_600_000) == pytest.approx(now + 4.97, abs=0.2)
    assert budget.cutoff(10) == pytest.approx(now + 0.005, abs=0.2)


async def test_replies_do_not_repeat_in_a_session_until_all_are_used() -> None:
    script = Script()
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    composer = script.composer()
    request = ComfortRequest(text=QUESTION, session_id="s")
    said = [(await composer.comfort(request, request_id=f"r{n}")).reply for n in range(6)]
    assert len(set(said[:3])) == 3
    assert len(set(said[3:])) == 3


async def test_the_choice_is_reproducible_from_the_request_id() -> None:
    script = Script()
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    request = ComfortRequest(text=QUESTION)
    first, second = script.composer(), script.composer()
    ids = [f"r{n}" for n in range(20)]
    said = [(await first.comfort(request, request_id=i)).reply for i in ids]
    again = [(await second.comfort(request, request_id=i)).reply for i in ids]
    assert said == again
    assert len(set(said)) == 3


async def test_explain_shows_probabilities_candidates_and_timings() -> None:
    said = await answer(Script(), explain=True)
    assert said.explain is not None
    assert said.explain.emotion == {"anxious": 0.9, "other": pytest.approx(0.1)}
    assert said.explain.candidates[0].similarity == 0.95
    assert said.explain.thresholds == {"emotion": 0.5, "topic": 0.5, "match": 0.85}
    assert set(said.explain.timings_ms) == {"text", "emotion", "topic", "recall", "rerank", "total"}


@pytest.mark.parametrize("execution", ["gated", "speculative"])
@pytest.mark.parametrize("label", ["grateful", "anxious"])
async def test_rerank_is_not_asked_about_what_would_be_passed_over(execution: str, label: str) -> None:
    script = Script(execution=execution, thresholds=Thresholds(match_topic=0.2))
    script.emotion.answer = classified(label, 0.9)  # the only reply is written for the anxious and the angry
    script.topic.answer = Classified("refund", 0.9, 0.9, 0.5, {"refund": 0.9, "no_shipment": 0.1}, "v1")
    said = await answer(script, "钱还没退到", explain=True)
    assert not script.rerank.asked
    assert (said.knowledge, said.degraded, said.versions.reranker) == (None, [], None)
    assert said.explain is not None
    assert [candidate.similarity for candidate in said.explain.candidates] == [None]


async def test_the_very_same_sentence_is_compared_whatever_its_topic() -> None:
    script = Script(thresholds=Thresholds(match_topic=0.2))
    script.topic.answer = Classified("refund", 0.9, 0.9, 0.5, {"refund": 0.9, "no_shipment": 0.1}, "v1")
    script.rerank.answer = Reranked((1.0,), 0.85, "v1")
    assert (await answer(script)).strategy == "knowledge"


async def test_without_topic_the_candidates_are_compared_all_the_same() -> None:
    script = Script(thresholds=Thresholds(match_topic=0.2))
    script.topic.broken = True
    assert (await answer(script, "还不发货")).strategy == "knowledge"
