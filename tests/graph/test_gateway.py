"""The HTTP interface in process: answers, limits, and a clear 4xx problem document for everything wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deployments.messages import Reranked
from graph.gateway import make_app
from tests.graph.scripted import QUESTION, Script, some_info
from tests.graph.served import app_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def client(script: Script) -> AsyncIterator[httpx.AsyncClient]:
    composer = script.composer()
    app = make_app(composer, info=some_info(composer), max_text_chars=500, max_batch_items=4, max_body_bytes=20_000)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


async def test_comfort_answers(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/comfort", json={"text": QUESTION}, headers={"x-request-id": "abc"})
    assert response.status_code == 200
    said = response.json()
    assert (said["request_id"], said["handled"], said["strategy"]) == ("abc", True, "knowledge")
    assert set(said["versions"]) == {"emotion", "topic", "reranker", "index", "replies"}
    assert said["explain"] is None


async def test_an_unusable_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    for bad in ("", "x" * 200, "a b\tc"):
        response = await client.post("/v1/comfort", json={"text": QUESTION}, headers={"x-request-id": bad})
        assert response.status_code == 200
        assert response.json()["request_id"] != bad


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"text": ""}, 422, "text"),
        ({"text": "  \n "}, 422, "white space"),
        ({"text": "啊" * 501}, 422, "at most 500"),
        ({"text": 5}, 422, "text"),
        ({"text": None}, 422, "text"),
        ({}, 422, "text"),
        ({"text": "好", "txet": "好"}, 422, "txet"),
        ({"text": "好", "deadline_ms": 0}, 422, "deadline_ms"),
        ({"text": "好", "deadline_ms": "soon"}, 422, "deadline_ms"),
        ({"text": "好", "explain": "yes"}, 422, "explain"),
        ([], 422, "body"),
        ({"text": "啊" * 20_001}, 413, "20000 bytes"),
    ],
)
async def test_bad_input_is_a_clear_4xx(client: httpx.AsyncClient, body: object, status: int, said: str) -> None:
    assert said in is_problem(await client.post("/v1/comfort", json=body), status)["detail"]


@pytest.mark.parametrize("body", [b'{"text": ', b"\xff\xfe", b"", b"[" * 10_000, b'{"text": "\\ud800'])
async def test_broken_json_is_a_clear_4xx(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/v1/comfort", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    is_problem(response, response.status_code)


async def test_a_body_that_grows_while_it_is_sent_is_refused(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    response = await client.post("/v1/comfort", content=endless(), headers={"content-type": "application/json"})
    is_problem(response, 413)


async def test_a_lone_surrogate_is_no_text(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    is_problem(await client.post("/v1/comfort", content=b'{"text": "\\ud800"}', headers=headers), 422)


async def test_control_and_invisible_characters_are_answered(client: httpx.AsyncClient) -> None:
    body = b'{"text": "\\u0000\xe6\x80\xa5\xe6\xad\xbb\xe4\xba\x86\\u200d", "explain": true}'
    response = await client.post("/v1/comfort", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200
    json.dumps(response.json(), ensure_ascii=False).encode("utf-8")


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    is_problem(await client.get("/v1/nothing"), 404)
    is_problem(await client.get("/v1/comfort"), 405)


async def test_a_batch_keeps_order_and_isolates_bad_items(client: httpx.AsyncClient) -> None:
    items = [{"text": QUESTION}, {"text": ""}, "no object", {"text": QUESTION, "explain": True}]
    response = await client.post("/v1/comfort/batch", json={"items": items})
    assert response.status_code == 200
    first, empty, wrong, last = response.json()["items"]
    assert first["strategy"] == "knowledge"
    assert empty["error"]["status"] == 422
    assert wrong["error"]["status"] == 422
    assert last["explain"] is not None


@pytest.mark.parametrize("body", [{"items": []}, {"items": [{"text": "好"}] * 5}, {"items": "x"}, {}])
async def test_a_batch_of_a_wrong_size_or_shape_is_refused(client: httpx.AsyncClient, body: object) -> None:
    is_problem(await client.post("/v1/comfort/batch", json=body), 422)


async def test_info_shows_labels_thresholds_versions_and_counts(client: httpx.AsyncClient) -> None:
    info = (await client.get("/v1/info")).json()
    assert info["emotions"] == {"anxious": "着急"}
    tuned = {"wsm": 0.6, "emotion": 0.5, "topic": 0.5, "match": 0.5}
    assert info["thresholds"] == tuned | {"match_topic": 0.2, "lexicon": 0.6}
    assert info["versions"]["emotion"] == "v1"


async def test_ready_means_every_node_has_answered_once(client: httpx.AsyncClient, script: Script) -> None:
    script.rerank.broken = True
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["nodes"]["rerank"]["state"] == "starting"
    script.rerank.broken = False
    assert (await client.get("/readyz")).json()["status"] == "ready"
    script.rerank.broken = True
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["nodes"]["rerank"]["state"] == "failing"


async def test_alive_does_not_depend_on_nodes(client: httpx.AsyncClient, script: Script) -> None:
    script.emotion.broken = True
    assert (await client.get("/healthz")).status_code == 200


async def test_degraded_answers_are_200(client: httpx.AsyncClient, script: Script) -> None:
    script.rerank.broken = True
    response = await client.post("/v1/comfort", json={"text": QUESTION})
    assert (response.status_code, response.json()["degraded"]) == (200, ["rerank"])


async def test_an_unexpected_error_is_a_problem_without_inner_details(
    client: httpx.AsyncClient, script: Script
) -> None:
    script.rerank.answer = Reranked((0.9, 0.8, 0.7), 0.5, "v1")  # more similarities than candidates
    document = is_problem(await client.post("/v1/comfort", json={"text": QUESTION}), 500)
    assert "zip" not in document["detail"]


async def test_the_openapi_document_lists_the_interface(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/v1/comfort", "/v1/comfort/batch", "/v1/info", "/healthz", "/readyz"} <= set(paths)


async def test_a_new_composer_has_asked_every_node_before_its_first_customer(script: Script) -> None:
    app = app_of(script)
    async with app.router.lifespan_context(app):
        assert script.emotion.described
        assert script.rerank.described
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            script.recall.broken = True
            assert (await http.get("/readyz")).json()["status"] == "degraded"
