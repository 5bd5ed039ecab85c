"""Ratings and arms over HTTP: the real composer, recorder, writer and store, with nodes that a test controls."""

import asyncio
import contextlib
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, select

from graph.gateway import make_app
from indexes.feedback.tables import answers
from tests.graph.feedback_service import recorded, service
from tests.graph.scripted import QUESTION, Script, some_info

pytestmark = pytest.mark.anyio


@pytest.fixture
def script() -> Script:
    return Script()


def stored(place: Path) -> list[dict[str, Any]]:
    engine = create_engine(f"sqlite:///{place / 'x.sqlite3'}")
    with engine.connect() as connection:
        rows = [row._asdict() for row in connection.execute(select(answers).order_by(answers.c.request_id))]
    engine.dispose()
    return rows


def is_problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    detail: str = response.json()["detail"]
    return detail


async def test_an_answer_is_recorded_with_everything_but_its_text(script: Script, tmp_path: Path) -> None:
    started = time.time()
    async with service(script, tmp_path) as (http, _):
        said = await http.post("/v1/comfort", json={"text": QUESTION, "session_id": "s"}, headers={"x-request-id": "r"})
        assert said.json()["arm"] == "comfort"
    (row,) = stored(tmp_path)  # written when the service stopped, at the latest
    assert started <= row.pop("at") <= time.time()
    assert row == {
        "request_id": "r",
        "session": "session:s",
        "arm": "comfort",
        "emotion": "anxious",
        "probability": 0.9,
        "topic": "no_shipment",
        "strategy": "knowledge",
        "versions": said.json()["versions"],
        "degraded": [],
        "text": None,
    }


async def test_texts_are_kept_only_if_asked_and_masked(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path, feedback={"keep_text": True}) as (http, _):
        await http.post("/v1/comfort", json={"text": f"{QUESTION}，打13812345678"})
    assert stored(tmp_path)[0]["text"] == f"{QUESTION}，打[电话]"


async def test_a_long_text_is_masked_before_it_is_cut(script: Script, tmp_path: Path) -> None:
    text = f"{'急' * 494}，13812345678"
    async with service(script, tmp_path, feedback={"keep_text": True}, max_text_chars=1000) as (http, _):
        assert (await http.post("/v1/comfort", json={"text": text})).status_code == 200
    assert stored(tmp_path)[0]["text"] == f"{'急' * 494}，[电话]"


async def test_control_gets_no_comfort_but_its_emotion_is_recorded(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path, experiment={"control_share": 1.0}) as (http, _):
        said = (await http.post("/v1/comfort", json={"text": QUESTION})).json()
    assert (said["arm"], said["handled"], said["strategy"], said["reply"]) == ("control", False, "none", None)
    assert said["topic"] is said["knowledge"] is None
    assert said["emotion"]["label"] == "anxious"
    row = stored(tmp_path)[0]
    assert (row["arm"], row["emotion"], row["strategy"], row["topic"]) == (
        "control",
        "anxious",
        "knowledge",
        "no_shipment",
    )


async def test_a_session_stays_in_its_arm(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path, experiment={"control_share": 0.5}) as (http, _):
        items = [{"text": QUESTION, "session_id": f"s{n % 10}"} for n in range(40)]
        said = (await http.post("/v1/comfort/batch", json={"items": items})).json()["items"]
    arms = [answer["arm"] for answer in said]
    assert arms[:10] == arms[10:20] == arms[20:30] == arms[30:]
    assert set(arms) == {"comfort", "control"}


async def test_a_rating_may_come_before_its_answer_is_recorded(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path, feedback={"flush_ms": 100}) as (http, feedback):
        request_id = (await http.post("/v1/comfort", json={"text": QUESTION})).json()["request_id"]
        assert feedback.recorder.queue_length == 1
        response = await http.post("/v1/feedback", json={"request_id": request_id, "satisfaction": 2})
        assert response.status_code == 200, response.text
        assert response.json() == {"request_id": request_id, "session_id": None, "satisfaction": 2}


async def test_a_later_rating_replaces_an_earlier_one(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path) as (http, _):
        await http.post("/v1/comfort", json={"text": QUESTION, "session_id": "s"}, headers={"x-request-id": "r"})
        for names, value in (({"request_id": "r"}, 3), ({"session_id": "s"}, 1)):
            assert (await http.post("/v1/feedback", json={**names, "satisfaction": value})).status_code == 200
        report = (await http.get("/v1/satisfaction")).json()
    assert (report["overall"]["comfort"]["count"], report["overall"]["comfort"]["hits"]) == (1, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"request_id": "nobody", "satisfaction": 1}, 404),
        ({"session_id": "nobody", "satisfaction": 1}, 404),
        ({"request_id": "r", "session_id": "other", "satisfaction": 1}, 404),
        ({"satisfaction": 1}, 422),
        ({"request_id": "r"}, 422),
        ({"request_id": "r", "satisfaction": 0}, 422),
        ({"request_id": "r", "satisfaction": 4}, 422),
        ({"request_id": "r", "satisfaction": True}, 422),
        ({"request_id": "r", "satisfaction": "1"}, 422),
        ({"request_id": "", "satisfaction": 1}, 422),
        ({"request_id": "r", "satisfaction": 1, "stars": 5}, 422),
        ({"request_id": "\ud800", "satisfaction": 1}, 422),
    ],
)
async def test_what_cannot_be_rated_is_a_problem(
    script: Script, tmp_path: Path, body: dict[str, Any], status: int
) -> None:
    async with service(script, tmp_path) as (http, _):
        await http.post("/v1/comfort", json={"text": QUESTION, "session_id": "s"}, headers={"x-request-id": "r"})
        written = json.dumps(body)  # with escapes: httpx itself writes no lone surrogate
        headers = {"content-type": "application/json"}
        is_problem(await http.post("/v1/feedback", content=written, headers=headers), status)


@pytest.mark.parametrize(
    "since",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.999999Z",  # as a number of seconds rounded to the year 10000
        "2026-01-01T00:00:00",
        "yesterday",
    ],
)
async def test_a_report_since_no_moment_is_a_problem(script: Script, tmp_path: Path, since: str) -> None:
    async with service(script, tmp_path) as (http, _):
        assert "since" in is_problem(await http.get("/v1/satisfaction", params={"since": since}), 422)


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "2026-01-01T08:00:00+08:00", "9999-12-31T23:59:59Z"])
async def test_a_report_says_since_when(script: Script, tmp_path: Path, since: str) -> None:
    async with service(script, tmp_path) as (http, _):
        said = await http.get("/v1/satisfaction", params={"since": since})
    assert said.status_code == 200
    assert datetime.fromisoformat(said.json()["since"]) == datetime.fromisoformat(since)


async def test_without_a_store_answers_go_on_and_ratings_are_503(script: Script, tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").mkdir()
    async with service(script, tmp_path) as (http, _):
        for _n in range(5):
            said = await http.post("/v1/comfort", json={"text": QUESTION}, headers={"x-request-id": "r"})
            assert (said.status_code, said.json()["degraded"]) == (200, [])
        response = await http.post("/v1/feedback", json={"request_id": "r", "satisfaction": 1})
        assert "not kept" in is_problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
        assert "does not answer" in is_problem(await http.get("/v1/satisfaction"), 503)
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["nodes"]["feedback"]["state"] != "ready"
        (tmp_path / "x.sqlite3").rmdir()
        async with asyncio.timeout(20):
            while (await http.post("/v1/feedback", json={"request_id": "r", "satisfaction": 1})).status_code != 200:
                await asyncio.sleep(0.05)
        assert (await http.get("/readyz")).json()["nodes"]["feedback"]["state"] == "ready"


async def test_a_full_disk_is_a_clear_503_and_the_service_goes_on(script: Script, small_disk: Path) -> None:
    async with service(script, small_disk) as (http, feedback):
        await http.post("/v1/comfort", json={"text": QUESTION}, headers={"x-request-id": "r"})
        await recorded(feedback)
        fill(small_disk)
        rated = {"request_id": "r", "satisfaction": 1}
        response = await http.post("/v1/feedback", json=rated)
        assert "the disk of the feedback store is full" in is_problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
        for _n in range(10):
            assert (await http.post("/v1/comfort", json={"text": QUESTION})).json()["handled"]
        assert (await http.get("/v1/satisfaction")).status_code == 200
        (small_disk / "ballast").unlink()
        assert (await http.post("/v1/feedback", json=rated)).status_code == 200
        await recorded(feedback)
    assert len(stored(small_disk)) == 11


def fill(place: Path) -> None:
    """Leave no byte free."""
    with (place / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(bytes(4096)):
            pass


async def test_without_feedback_there_is_neither_arm_nor_route(script: Script) -> None:
    composer = script.composer()
    app = make_app(composer, info=some_info(composer), max_text_chars=500, max_batch_items=4, max_body_bytes=20_000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        assert (await http.post("/v1/comfort", json={"text": QUESTION})).json()["arm"] is None
        is_problem(await http.post("/v1/feedback", json={"request_id": "r", "satisfaction": 1}), 404)


async def test_the_openapi_document_lists_routes_and_problems(script: Script, tmp_path: Path) -> None:
    async with service(script, tmp_path) as (http, _):
        paths = (await http.get("/openapi.json")).json()["paths"]
    responses = paths["/v1/feedback"]["post"]["responses"]
    assert {"200", "400", "404", "413", "422", "503"} <= set(responses)
    assert "application/problem+json" in responses["404"]["content"]
    assert "200" in paths["/v1/satisfaction"]["get"]["responses"]
