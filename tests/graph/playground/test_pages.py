"""The pages and their files as they are served: own files only, with security headers."""

import re

import httpx
import pytest

from graph.playground import pages


@pytest.mark.parametrize("path", ["/", "/docs", "/playground/main.js", "/v1/info", "/no/such/page"])
def test_every_response_is_guarded(address: str, path: str) -> None:
    headers = httpx.get(address + path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_file_names_another_host_or_makes_markup_from_text() -> None:
    for path in (pages.STATIC).iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), path.name


def test_files_outside_the_page_are_not_served(address: str) -> None:
    assert httpx.get(f"{address}/playground/../pages.py").status_code == 404
    assert httpx.get(f"{address}/playground/%2e%2e/pages.py").status_code == 404
