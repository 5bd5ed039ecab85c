"""Rasa's REST channel, by its message format."""

import httpx
import pytest

from deployments.messages import Reranked
from tests.graph.scripted import QUESTION, REPLY_KNOWLEDGE, Script, classified


def send(address: str, body: object) -> httpx.Response:
    return httpx.post(f"{address}/webhooks/rest/webhook", json=body)


def test_a_message_is_answered_to_its_sender(address: str) -> None:
    said = send(address, {"sender": "u-1", "message": QUESTION, "metadata": {"page": "order"}, "input_channel": "web"})
    assert said.status_code == 200
    assert said.json() == [{"recipient_id": "u-1", "text": REPLY_KNOWLEDGE}]


def test_no_message_comes_back_when_the_ordinary_bot_shall_go_on(address: str, script: Script) -> None:
    script.emotion.answer = classified("other", 0.99)
    said = send(address, {"sender": "u-1", "message": "有蓝色的吗"})
    assert (said.status_code, said.json()) == (200, [])


def test_the_sender_is_the_conversation(address: str, script: Script) -> None:
    script.rerank.answer = Reranked((0.1,), 0.85, "v1")
    said = [send(address, {"sender": "u-1", "message": QUESTION}).json()[0]["text"] for _ in range(3)]
    assert len(set(said)) == 3


@pytest.mark.parametrize("body", [{"sender": "u-1"}, {"message": ""}, {"message": 5}, [], {"message": " "}])
def test_a_message_without_text_is_a_problem(address: str, body: object) -> None:
    said = send(address, body)
    assert said.status_code == 422
    assert said.headers["content-type"] == "application/problem+json"


def test_the_channel_says_that_it_is_there(address: str) -> None:
    assert httpx.get(f"{address}/webhooks/rest/").json() == {"status": "ok"}
