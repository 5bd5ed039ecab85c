"""The admission bound: where it refuses, how it moves, and what a client sees of it."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from graph.admission import Admission
from graph.problems import RequestProblem
from graph.proxy_admission import ProxyAdmission
from tests.graph.scripted import QUESTION, Script
from tests.graph.served import app_of


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def pass_through(admission: Admission, clock: Clock, seconds: float) -> None:
    with admission.entered():
        clock.now += seconds


def test_there_is_room_for_so_many_and_no_more() -> None:
    admission = Admission(most=2, target_s=1.0)
    with admission.entered(), admission.entered():
        with pytest.raises(RequestProblem) as caught, admission.entered():
            pass
        assert (caught.value.status_code, caught.value.headers) == (503, {"retry-after": "1"})
    assert (admission.in_flight, admission.refused) == (0, 1)


def test_a_failed_request_gives_its_place_back() -> None:
    admission = Admission(most=1, target_s=1.0)
    with pytest.raises(ZeroDivisionError), admission.entered():
        raise ZeroDivisionError
    assert admission.in_flight == 0


def test_late_answers_lower_the_bound_once_for_all_that_were_under_way() -> None:
    clock = Clock()
    admission = Admission(most=100, target_s=1.0, clock=clock)
    with admission.entered(), admission.entered():
        clock.now += 2.0
    assert admission.limit == 80
    pass_through(admission, clock, 2.0)
    assert admission.limit == 80  # it began at the very moment of the fall
    clock.now += 0.1
    pass_through(admission, clock, 2.0)
    assert admission.limit == 64


def test_answers_in_time_raise_it_again() -> None:
    clock = Clock()
    admission = Admission(most=100, target_s=1.0, clock=clock)
    pass_through(admission, clock, 2.0)
    for _ in range(100):
        pass_through(admission, clock, 0.1)
    assert admission.limit in (89, 90)
    for _ in range(1000):
        pass_through(admission, clock, 0.1)
    assert admission.limit == 100


@given(st.integers(1, 500), st.lists(st.floats(0.0, 5.0), max_size=200))
def test_the_bound_stays_between_its_ends(most: int, seconds: list[float]) -> None:
    clock = Clock()
    admission = Admission(most=most, target_s=1.0, clock=clock)
    for each in seconds:
        pass_through(admission, clock, each)
        clock.now += 0.001
        assert min(16, most) <= admission.limit <= most


BODIES: dict[str, Any] = {
    "/v1/comfort": {"text": QUESTION},
    "/v1/chat/completions": {"messages": [{"role": "user", "content": QUESTION}]},
    "/webhooks/rest/webhook": {"message": QUESTION},
    "/v1/comfort/batch": {"items": [{"text": QUESTION}] * 4},
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", sorted(BODIES))
async def test_too_much_is_a_quick_503(path: str) -> None:
    script = Script()
    script.emotion.delay_s = 0.3
    app = app_of(script, max_in_flight=3, max_batches=3)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        answers = await asyncio.gather(*(http.post(path, json=BODIES[path]) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 5
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["retry-after"] == "1"
        assert "under way" in refused.text
        assert (await http.post(path, json=BODIES[path])).status_code == 200


@pytest.mark.anyio
async def test_small_batches_take_little_room() -> None:
    script = Script()
    script.emotion.delay_s = 0.3
    app = app_of(script, max_batches=1)  # of four sentences
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        sizes = (1, 2, 2, 1, 1)
        bodies = [{"items": [{"text": QUESTION}] * size} for size in sizes]
        answers = await asyncio.gather(*(http.post("/v1/comfort/batch", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 200, 503, 200, 503]
    assert "4 of 4 sentences are under way" in answers[4].text


@pytest.mark.anyio
async def test_a_proxy_that_is_full_answers_with_a_problem() -> None:
    release = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await PlainTextResponse("done")(scope, receive, send)

    guarded = ProxyAdmission(slow, most=1, target_s=1.0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=guarded), base_url="http://test") as http:
        first = asyncio.create_task(http.get("/"))
        await asyncio.sleep(0.05)
        refused = await http.get("/")
        release.set()
        assert (await first).text == "done"
    assert refused.status_code == refused.json()["status"] == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
