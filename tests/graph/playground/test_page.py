"""The playground in a real browser: what it shows is what the service said, in both languages."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from deployments.messages import Classified, Reranked
from graph.memory import Memory
from tests.graph.conftest import Switch
from tests.graph.playground.conftest import Visit
from tests.graph.scripted import QUESTION, REPLY_KNOWLEDGE, Script, classified

Say = Callable[[Page, str], None]
EMOTIONS = Classified("anxious", 0.83, 0.95, 0.5, {"anger": 0.12, "anxious": 0.83, "other": 0.05}, "v1")


@pytest.mark.parametrize(
    ("language", "emotion", "topic", "steps", "path"),
    [
        ("zh-CN", "着急", "迟迟不发货", ["听情绪", "找对症的知识", "看情绪和主题", "只看情绪"], "情绪"),
        (
            "en-US",
            "Anxious",
            "No shipment",
            ["Hear the emotion", "Find knowledge", "Emotion and topic", "Emotion alone"],
            "Emotion",
        ),
    ],
)
def test_everything_behind_an_answer_is_shown(
    visit: Visit, script: Script, language: str, emotion: str, topic: str, steps: list[str], path: str
) -> None:
    script.emotion.answer = EMOTIONS
    page = visit(language=language)
    page.get_by_role("textbox").fill(QUESTION)
    with page.expect_response("**/v1/comfort") as response:
        page.keyboard.press("Enter")
    said = response.value.json()
    expect(page.locator(".customer")).to_contain_text(QUESTION)
    expect(page.locator(".service")).to_contain_text(REPLY_KNOWLEDGE)
    expect(page.locator(".part.emotion li.best")).to_contain_text(f"{emotion}83.0%")
    assert page.locator(".part.emotion .value").all_inner_texts() == ["83.0%", "12.0%", "5.0%"]
    assert page.locator(".part.topic .label").first.inner_text() == topic
    assert page.locator(".ladder strong").all_inner_texts() == steps
    row = page.locator("tr.chosen")
    assert row.locator("td").all_inner_texts() == ["3.0", "0.900", "0.0300", "0.950"]
    expect(row).to_contain_text("no_shipment-01")
    for role in ("text", "emotion", "topic", "recall", "rerank"):
        shown = page.locator(f"[data-role={role}] .detail").text_content()
        assert shown == f"{said['explain']['timings_ms'][role]:.1f} ms"
    expect(page.get_by_role("img", name=f"{path} ")).to_be_visible()
    assert set(page.locator(".numbers dd").all_inner_texts()) == {"0.200", "0.600", "0.500", "0.850"}
    page.locator(".raw summary").click()
    assert json.loads(page.locator("pre").inner_text()) == said


def test_an_example_is_one_click_or_key_away(visit: Visit) -> None:
    page = visit()
    first = page.locator("#examples button").first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".customer")).to_contain_text(first.inner_text())
    expect(page.locator(".answer")).to_be_visible()


def test_language_and_colours_are_remembered(visit: Visit) -> None:
    page = visit(language="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="EN").click()
    page.get_by_role("button", name="Switch between dark and light").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("heading", name="Conversation")).to_be_visible()


def test_switching_the_language_keeps_the_conversation(visit: Visit, say: Say) -> None:
    page = visit(language="zh-CN")
    say(page, QUESTION)
    page.get_by_role("button", name="EN").click()
    expect(page.locator(".service")).to_contain_text(REPLY_KNOWLEDGE)
    expect(page.locator(".chip.felt")).to_have_text("Anxious 90.0%")
    expect(page.get_by_role("heading", name="How it was decided")).to_be_visible()


def test_a_conversation_keeps_its_session_until_a_new_one(visit: Visit, say: Say) -> None:
    page = visit()
    bodies: list[Any] = []
    page.on("request", lambda sent: bodies.append(sent.post_data_json) if "/v1/comfort" in sent.url else None)
    say(page, QUESTION)
    say(page, "还没发")
    page.get_by_role("button", name="新对话").click()
    expect(page.locator(".answer")).to_have_count(0)
    say(page, QUESTION)
    sessions = [body["session_id"] for body in bodies]
    assert sessions[0] == sessions[1] != sessions[2]
    assert all(body["explain"] is True for body in bodies)


def test_thumbs_are_the_three_satisfactions(visit: Visit, say: Say) -> None:
    page = visit()
    sent: list[Any] = []

    def receive(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=200, json={})

    page.route("**/v1/feedback", receive)
    say(page, QUESTION)
    for name in ("很满意", "一般", "不满意"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".rating [aria-pressed=true]")).to_have_attribute("aria-label", name)
    expect(page.locator(".note")).to_have_text("谢谢，已记下。")
    assert [body["satisfaction"] for body in sent] == [1, 2, 3]
    assert {body["request_id"] for body in sent} == {page.locator(".answer").get_attribute("data-request")}
    assert all(body["session_id"].startswith("page-") for body in sent)


def test_a_rating_that_is_not_taken_is_declined_politely(visit: Visit, say: Say) -> None:
    page = visit(language="en-US")
    say(page, QUESTION)
    statuses = [503, 405, 404]
    page.route("**/v1/feedback", lambda route: route.fulfill(status=statuses.pop(), json={}))
    while statuses:
        with page.expect_response("**/v1/feedback"):
            page.get_by_role("button", name="Very satisfied").click()
        expect(page.locator(".note")).to_contain_text("does not record ratings")
        expect(page.locator(".rating [aria-pressed=true]")).to_have_count(0)


def test_a_plain_sentence_is_handed_back(visit: Visit, say: Say, script: Script) -> None:
    script.emotion.answer = classified("other", 0.97)
    page = visit(language="en-US")
    say(page, "有蓝色的吗")
    expect(page.locator(".calm")).to_contain_text("ordinary bot")
    expect(page.locator(".rating")).to_have_count(0)
    assert page.locator(".node.skipped .name").all_text_contents() == ["Topic", "Recall", "Rerank"]
    expect(page.locator(".ladder .used")).to_contain_text("Hand back")


def test_the_steps_say_what_was_not_sure(visit: Visit, say: Say, script: Script) -> None:
    script.rerank.answer = Reranked((0.2,), 0.85, "v1")
    page = visit()
    for topic, said, then in (
        ({"no_shipment": 0.8, "other": 0.2}, "迟迟不发货 80.0%，高于门槛 50.0%", "前面已经有了"),
        ({"no_shipment": 0.4, "lost": 0.3, "other": 0.3}, "迟迟不发货 40.0%，没有高过门槛 50.0%", "通用回复"),
        ({"no_shipment": 0.1, "lost": 0.9}, "这个情绪和主题还没有写好的回复", "通用回复"),
        ({"no_shipment": 0.1, "other": 0.9}, "不属于已知的主题（90.0%）", "通用回复"),
    ):
        best = max(zip(topic.values(), topic, strict=True))[1]
        script.topic.answer = Classified(best, topic[best], topic[best], 0.5, topic, "v1")
        say(page, QUESTION)
        steps = page.locator(".ladder li")
        expect(steps.nth(1)).to_contain_text("0.200，没有高过门槛 0.850")
        expect(steps.nth(2)).to_contain_text(said)
        expect(steps.nth(3)).to_contain_text(then)


def test_a_sentence_asked_again_is_remembered(visit: Visit, say: Say, script: Script, switch: Switch) -> None:
    script.memory = Memory(max_entries=10, ttl_s=60.0)
    switch.turn_to(script)
    page = visit(language="en-US")
    say(page, QUESTION)
    expect(page.locator("[data-role=emotion] .detail")).to_have_text(re.compile(r"\d+\.\d ms"))
    say(page, QUESTION)
    for role in ("emotion", "topic", "recall", "rerank"):
        expect(page.locator(f"[data-role={role}] .detail")).to_have_text("remembered")
    expect(page.locator("[data-role=text] .detail")).to_have_text(re.compile(r"\d+\.\d ms"))


def test_a_session_of_the_control_group_is_told_apart_from_a_plain_sentence(visit: Visit, say: Say) -> None:
    page = visit(language="en-US")

    def withhold(route: Route) -> None:
        said = route.fetch().json()
        route.fulfill(json=said | {"handled": False, "strategy": "none", "reply": None, "arm": "control"})

    page.route("**/v1/comfort", withhold)
    say(page, QUESTION)
    expect(page.locator(".calm")).to_contain_text("control group")
    passed = "An emotion 90.0%, above the threshold 50.0%; most likely Anxious 90.0%"
    expect(page.locator(".ladder .passed")).to_contain_text(passed)


def test_who_stood_in_is_shown(visit: Visit, say: Say, script: Script) -> None:
    script.rerank.broken = True
    page = visit(language="en-US")
    say(page, QUESTION)
    expect(page.locator(".warning")).to_contain_text("Rerank → WSM")
    expect(page.locator(".node.degraded")).to_contain_text(re.compile(r"Rerank → WSM\d+\.\d ms"))


def test_a_refused_sentence_and_a_lost_service_say_so(visit: Visit, say: Say) -> None:
    page = visit()
    say(page, "急" * 501)
    expect(page.locator(".fault")).to_contain_text("at most 500")
    say(page, QUESTION)
    expect(page.locator(".service")).to_contain_text(REPLY_KNOWLEDGE)
    page.route("**/v1/comfort", lambda route: route.abort())
    say(page, QUESTION)
    expect(page.locator(".fault").last).to_contain_text("连不上服务")


def test_no_text_becomes_markup(visit: Visit, say: Say) -> None:
    evil = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    page = visit()

    def poison(route: Route) -> None:
        said = route.fetch().json()
        said["reply"] = evil
        said["degraded"] = [evil]
        said["emotion"]["label"] = evil
        said["explain"]["emotion"][evil] = 0.9
        said["explain"]["topic"][evil] = 0.9
        said["explain"]["words"] = [evil]
        said["explain"]["candidates"][0] |= {"question": evil, "id": evil}
        route.fulfill(json=said)

    page.route("**/v1/comfort", poison)
    say(page, QUESTION + evil)
    expect(page.locator(".service")).to_contain_text("onerror")
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "hacked"


def test_shift_enter_is_a_new_line_and_nothing_is_not_sent(visit: Visit) -> None:
    page = visit()
    page.get_by_role("textbox").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("a")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("b")
    expect(page.get_by_role("textbox")).to_have_value("a\nb")
    expect(page.locator(".customer")).to_have_count(0)


def test_on_a_phone_the_reasons_are_one_tap_away(visit: Visit, say: Say) -> None:
    page = visit(width=360, height=740)
    say(page, QUESTION)
    expect(page.get_by_role("textbox")).to_be_in_viewport()
    page.get_by_role("button", name="看原因").click()
    expect(page.get_by_role("heading", name="怎么决定的")).to_be_in_viewport()
    page.get_by_role("button", name="回到对话").click()
    expect(page.get_by_role("textbox")).to_be_focused()
    expect(page.get_by_role("textbox")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_interface_is_described_without_another_host(visit: Visit) -> None:
    page = visit("/docs")
    expect(page.get_by_text("/v1/comfort/batch")).to_be_visible()
    page.locator("[data-path='/v1/comfort']").click()
    expect(page.get_by_text("Recognise the emotion of one sentence").last).to_be_visible()
