"""OpenAI's official client talks to the service: at once, streamed, and about what is wrong."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from deployments.messages import Reranked
from graph.chat import complete, events
from graph.chat_schema import ChatRequest
from graph.schema import ComfortAnswer, Scored, Versions
from tests.graph.scripted import QUESTION, REPLY_KNOWLEDGE, Script, classified
from tests.graph.served import ORDINARY

ASKED: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "你是客服"},
    {"role": "user", "content": "在吗"},
    {"role": "assistant", "content": "在的"},
    {"role": "user", "content": QUESTION},
]


@pytest.fixture
def client(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_the_last_user_message_is_answered(client: OpenAI, script: Script) -> None:
    said = client.chat.completions.create(model="anwei", messages=ASKED, temperature=0.2, max_tokens=9)
    assert script.emotion.asked[-1].text == QUESTION
    assert len(script.emotion.asked) == 1
    assert said.object == "chat.completion"
    assert said.model == "anwei"
    (choice,) = said.choices
    assert (choice.message.role, choice.message.content) == ("assistant", REPLY_KNOWLEDGE)
    assert choice.finish_reason == "stop"
    assert said.usage is not None
    assert said.usage.prompt_tokens == len(QUESTION)
    assert said.usage.completion_tokens == len(REPLY_KNOWLEDGE)
    assert said.usage.total_tokens == len(QUESTION) + len(REPLY_KNOWLEDGE)
    own = ComfortAnswer.model_validate((said.model_extra or {})["anwei"])
    assert (own.handled, own.strategy, own.reply) == (True, "knowledge", REPLY_KNOWLEDGE)
    assert said.id == f"chatcmpl-{own.request_id}"


def test_a_plain_sentence_gets_the_ordinary_reply(client: OpenAI, script: Script) -> None:
    script.emotion.answer = classified("other", 0.99)
    said = client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert said.choices[0].message.content == ORDINARY
    assert said.choices[0].finish_reason == "stop"
    own = (said.model_extra or {})["anwei"]
    assert (own["handled"], own["strategy"], own["reply"]) == (False, "none", None)


def test_a_stream_says_the_same_clause_by_clause(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="anwei", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    *spoken, last, usage = chunks
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert spoken[0].choices[0].delta.role == "assistant"
    pieces = [chunk.choices[0].delta.content or "" for chunk in spoken]
    assert len(pieces) > 2
    assert "".join(pieces) == REPLY_KNOWLEDGE
    assert [chunk.choices[0].finish_reason for chunk in spoken] == [None] * len(spoken)
    assert last.choices[0].finish_reason == "stop"
    assert (last.model_extra or {})["anwei"]["strategy"] == "knowledge"
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.completion_tokens == len(REPLY_KNOWLEDGE)


def test_a_stream_without_usage_ends_with_the_stop(client: OpenAI) -> None:
    *_, last = client.chat.completions.create(model="anwei", messages=ASKED, stream=True)
    assert last.choices[0].finish_reason == "stop"
    assert last.usage is None


def test_parts_of_a_message_are_read_as_text(client: OpenAI, script: Script) -> None:
    parts: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "一直不发货"},
                {"type": "image_url", "image_url": {"url": "data:,"}},
                {"type": "text", "text": "急死了"},
            ],
        }
    ]
    client.chat.completions.create(model="anwei", messages=parts)
    assert "一直不发货" in script.emotion.asked[0].text
    assert "急死了" in script.emotion.asked[0].text


@pytest.mark.parametrize("named", [{"user": "s-1"}, {"metadata": {"session_id": "s-1"}, "user": "someone"}])
def test_replies_do_not_repeat_inside_a_conversation(client: OpenAI, script: Script, named: dict[str, Any]) -> None:
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    said = [client.chat.completions.create(model="anwei", messages=ASKED, **named) for _ in range(3)]
    assert len({one.choices[0].message.content for one in said}) == 3


def test_models_are_listed(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["anwei"]
    assert client.models.retrieve("anwei").owned_by == "anwei"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ([{"role": "system", "content": "你好"}], "messages"),
        ([{"role": "user", "content": None}], "messages"),
        ([{"role": "user", "content": "  "}], "messages"),
        ([{"role": "user", "content": "啊" * 501}], "messages"),
        ([{"content": "你好"}], "messages.0.role"),
    ],
)
def test_what_is_wrong_has_their_form(client: OpenAI, messages: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="anwei", messages=messages)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == param
    assert caught.value.message


def test_a_long_conversation_id_and_several_answers_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="session_id"):
        client.chat.completions.create(model="anwei", messages=ASKED, metadata={"session_id": "x" * 129})
    with pytest.raises(openai.BadRequestError, match="n: "):
        client.chat.completions.create(model="anwei", messages=ASKED, n=2)


def test_a_long_body_and_an_unexpected_error_have_their_form(client: OpenAI, script: Script) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="anwei", messages=[{"role": "user", "content": "啊" * 20_001}])
    assert (caught.value.status_code, caught.value.type) == (413, "invalid_request_error")
    script.rerank.answer = Reranked((0.9, 0.8, 0.7), 0.5, "v1")  # more similarities than candidates
    with pytest.raises(openai.InternalServerError) as broken:
        client.chat.completions.create(model="anwei", messages=ASKED)
    assert broken.value.type == "server_error"
    assert "zip" not in broken.value.message


def test_broken_json_is_a_400_of_their_form(address: str) -> None:
    response = httpx.post(f"{address}/v1/chat/completions", content=b"{", headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("reply", ["一句", "先。后", "，", "a,b。\n！！c", "长" * 300])
def test_any_reply_is_whole_after_streaming(reply: str) -> None:
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "急"}]})
    answer = ComfortAnswer(
        request_id="r",
        handled=True,
        strategy="emotion",
        reply=reply,
        emotion=Scored(label="anxious", probability=0.9),
        topic=None,
        knowledge=None,
        degraded=[],
        versions=Versions(emotion=None, topic=None, reranker=None, index=None, replies="r"),
    )
    completion = complete(request, answer, ORDINARY)
    said = [
        httpx.Response(200, content=event.removeprefix("data: ")) for event in events(completion, include_usage=True)
    ]
    assert said[-1].text.strip() == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for one in said[:-1] if (chunk := one.json())["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == reply
