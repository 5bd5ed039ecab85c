"""No fault that axe calls serious: in both languages, light and dark, before and after an answer, also on a phone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments.messages import Classified
from tests.graph.playground.conftest import Visit
from tests.graph.scripted import QUESTION, Script


def faults(page: Page) -> list[str]:
    """What axe finds of impact serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("zh-CN", "light", 1280), ("en-US", "dark", 1280), ("en-US", "light", 360)]
)
def test_axe_finds_nothing_serious(
    visit: Visit, say: Callable[[Page, str], None], script: Script, language: str, theme: str, width: int
) -> None:
    page = visit(language=language, theme=theme, width=width)
    expect(page.locator(".counts")).to_be_visible()
    assert faults(page) == []
    script.emotion.answer = Classified("other", 0.9, 0.1, 0.5, {"other": 0.9, "anxious": 0.1}, "v1")
    say(page, "有蓝色的吗")
    script.emotion.answer = Classified("anxious", 0.9, 0.9, 0.5, {"other": 0.1, "anxious": 0.9}, "v1")
    script.topic.broken = True
    say(page, QUESTION)
    page.locator(".raw summary").click()
    page.locator(".rating button").first.click()
    expect(page.locator(".note")).not_to_be_empty()
    assert faults(page) == []


def test_the_keyboard_reaches_everything_in_order(visit: Visit) -> None:
    page = visit()
    expect(page.locator(".counts")).to_be_visible()
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached[:3] == ["skip", "tool", "theme"]
    assert "log" in reached
    assert reached[-2:] == ["sentence", "send"]


def test_the_skip_link_leads_to_the_input(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox")).to_be_focused()
