"""A real browser before the page: the system's Chromium, driven by Playwright; skipped where there is none."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file; Playwright occupies the event loop of this thread, which other files need."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine; install the system's package `chromium` to run the browser tests")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=found) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Opens a path of the service; in the end nothing may have gone wrong in the page or left the service."""
    outside: list[str] = []
    faults: list[str] = []
    with ExitStack() as stack:

        def open_page(
            path: str = "/", *, language: str = "zh-CN", width: int = 1280, height: int = 860, theme: str = "light"
        ) -> Page:
            context = stack.enter_context(
                browser.new_context(
                    locale=language,
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if theme == "dark" else "light",
                    reduced_motion="reduce",
                )
            )
            page = context.new_page()
            page.set_default_timeout(5000)
            page.on("request", lambda request: outside.append(request.url))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
            page.goto(address + path)
            return page

        yield open_page
    assert [url for url in outside if not url.startswith((address, "data:"))] == []
    assert faults == []


@pytest.fixture
def say() -> Callable[[Page, str], None]:
    """Types a sentence, sends it with Enter and waits for the answer."""

    def type_and_wait(page: Page, text: str) -> None:
        answers = page.locator(".answer, .fault")
        before = answers.count()
        page.get_by_role("textbox").fill(text)
        page.keyboard.press("Enter")
        answers.nth(before).wait_for()

    return type_and_wait
