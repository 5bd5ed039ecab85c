"""Keys, tokens, the rate limit, CORS and what logs may say: each as a client or an operator meets it."""

import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.datastructures import Headers

from configs.schema import ConfigError, Security
from graph import security
from graph.access import address
from graph.keys import Keys
from graph.private_logs import Private
from graph.serve_file import read_serve_file
from tests.graph.scripted import QUESTION, Script
from tests.graph.served import app_of

pytestmark = pytest.mark.anyio

KEY, TOKEN = "client-key-0123456789abcdef", "operator-token-0123456789abcdef"
ASK = {"text": QUESTION}


def digests(folder: Path, name: str, *keys: str) -> Path:
    path = folder / name
    lines = [f"{hashlib.sha256(key.encode()).hexdigest()}  {name}-{number}" for number, key in enumerate(keys)]
    path.write_text("\n".join(["# who", "", *lines]) + "\n", encoding="utf-8")
    return path


@asynccontextmanager
async def client(
    settings: Security, change: Callable[[FastAPI], None] = lambda _: None, *, root_path: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    app = app_of(Script())
    change(app)
    security.install(app, settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("192.0.2.7", 1), root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


async def test_everything_is_open_until_keys_are_set() -> None:
    async with client(Security()) as http:
        assert (await http.post("/v1/comfort", json=ASK)).status_code == 200
        assert (
            "access-control-allow-origin" not in (await http.get("/v1/info", headers={"origin": "https://a.b"})).headers
        )


@pytest.mark.parametrize("path", ["/v1/comfort", "/v1/comfort/batch", "/v1/chat/completions", "/webhooks/rest/webhook"])
async def test_with_keys_only_a_known_key_gets_in(tmp_path: Path, path: str) -> None:
    body = {
        "/v1/comfort": ASK,
        "/v1/comfort/batch": {"items": [ASK]},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": QUESTION}]},
        "/webhooks/rest/webhook": {"message": QUESTION},
    }[path]
    async with client(Security(api_keys=digests(tmp_path, "shop", "another", KEY))) as http:
        for headers in (
            {},
            {"authorization": "Bearer nonsense"},
            {"authorization": f"Basic {KEY}"},
            {"x-api-key": "\xff"},
        ):
            latin = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
            refused = await http.post(path, json=body, headers=latin)
            assert refused.status_code == 401
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert refused.headers["x-content-type-options"] == "nosniff"
        for good in ({"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}):
            assert (await http.post(path, json=body, headers=good)).status_code == 200


async def test_pages_and_probes_need_no_key(tmp_path: Path) -> None:
    async with client(Security(api_keys=digests(tmp_path, "shop", KEY))) as http:
        for path in ("/", "/docs", "/healthz", "/readyz", "/playground/page.css"):
            assert (await http.get(path)).status_code == 200


async def test_a_refused_body_is_not_read(tmp_path: Path) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    async with client(Security(api_keys=digests(tmp_path, "shop", KEY))) as http:
        assert (await http.post("/v1/comfort", content=body())).status_code == 401
    assert read == []


async def test_operators_routes_are_hidden_until_a_token_is_set_and_then_need_it(tmp_path: Path) -> None:
    def with_admin_route(app: FastAPI) -> None:
        @app.get("/v1/admin/secret")
        async def secret() -> str:
            """Stands for any route under /v1/admin; it says nothing of tokens itself."""
            return "told"

    async with client(Security(), with_admin_route) as http:
        assert (await http.get("/v1/admin/secret", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 404
    keys, tokens = digests(tmp_path, "shop", KEY), digests(tmp_path, "operator", TOKEN)
    async with client(Security(api_keys=keys, admin_tokens=tokens), with_admin_route) as http:
        assert (await http.get("/v1/admin/secret")).status_code == 401
        assert (await http.get("/v1/admin/secret", headers={"authorization": f"Bearer {KEY}"})).status_code == 401
        told = await http.get("/v1/admin/secret", headers={"authorization": f"Bearer {TOKEN}"})
        assert (told.status_code, told.json()) == (200, "told")
        assert (await http.get("/v1/info", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 401


@pytest.mark.parametrize("root", ["/anwei", "/v1", "/anwei/v1/admin"])
async def test_a_route_prefix_does_not_lead_past_the_guard(tmp_path: Path, root: str) -> None:
    keys = digests(tmp_path, "shop", KEY)
    async with client(Security(api_keys=keys), root_path=root) as http:
        assert (await http.get(f"{root}/readyz")).status_code == 200
        assert (await http.get(f"{root}/v1/info", headers={"x-api-key": KEY})).status_code == 200
        assert (await http.get(f"{root}/v1/info")).status_code == 401
        hidden = await http.post(f"{root}/v1/admin/publish", headers={"x-api-key": KEY})
        assert (hidden.status_code, "security.admin_tokens" in hidden.json()["detail"]) == (404, True)


@pytest.mark.parametrize("root", ["/v", "/v1/admi"])
async def test_a_prefix_ends_where_a_part_of_the_path_ends(tmp_path: Path, root: str) -> None:
    async with client(Security(api_keys=digests(tmp_path, "shop", KEY)), root_path=root) as http:
        assert (await http.get("/v1/info")).status_code == 401


async def test_the_rate_is_limited_per_key_and_says_when_to_come_back(tmp_path: Path) -> None:
    keys = digests(tmp_path, "shop", KEY, "other")
    async with client(Security(api_keys=keys, rate_limit="3/hour")) as http:
        for _ in range(3):
            assert (await http.get("/v1/info", headers={"x-api-key": KEY})).status_code == 200
        refused = await http.get("/v1/info", headers={"x-api-key": KEY})
        assert refused.status_code == 429
        assert refused.json()["title"] == "Too Many Requests"
        assert 0 < int(refused.headers["retry-after"]) <= 7200
        assert (await http.get("/v1/info", headers={"x-api-key": "other"})).status_code == 200
        assert (await http.get("/readyz")).status_code == 200


async def test_without_keys_the_rate_is_limited_per_address() -> None:
    async with client(Security(rate_limit="1/hour", forwarded_for=True)) as http:
        for forwarded, status in (("1.2.3.4", 200), ("9.9.9.9, 1.2.3.4", 429), ("1.2.3.5", 200)):
            got = await http.get("/v1/info", headers={"x-forwarded-for": forwarded})
            assert got.status_code == status


async def test_guessing_keys_is_limited_too(tmp_path: Path) -> None:
    async with client(Security(api_keys=digests(tmp_path, "shop", KEY), rate_limit="2/hour")) as http:
        statuses = [(await http.get("/v1/info", headers={"x-api-key": str(n)})).status_code for n in range(4)]
    assert statuses == [401, 401, 429, 429]


@pytest.mark.parametrize(
    ("client_host", "forwarded", "trusted", "expected"),
    [
        ("192.0.2.1", None, False, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", False, "192.0.2.1"),
        ("192.0.2.1", "10.0.0.1, 203.0.113.9", True, "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2::/64"),
        ("192.0.2.1", "nonsense", True, "unknown"),
        ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
        ("192.0.2.1", "::ffff:203.0.113.9", True, "203.0.113.9"),
    ],
)
def test_addresses(client_host: str, forwarded: str | None, *, trusted: bool, expected: str) -> None:
    headers = Headers({"x-forwarded-for": forwarded} if forwarded else {})
    assert address({"client": (client_host, 1)}, headers, forwarded_for=trusted) == expected


def test_of_several_headers_the_proxy_wrote_the_last() -> None:
    headers = Headers(raw=[(b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-for", b"10.0.0.2, 203.0.113.9")])
    assert address({"client": ("192.0.2.1", 1)}, headers, forwarded_for=True) == "203.0.113.9"


async def test_other_pages_may_call_only_if_they_are_listed(tmp_path: Path) -> None:
    settings = Security(allowed_origins=["https://shop.example"], api_keys=digests(tmp_path, "shop", KEY))
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-api-key"}
    async with client(settings) as http:
        asked = await http.options("/v1/comfort", headers={"origin": "https://shop.example", **preflight})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, "https://shop.example")
        assert "access-control-allow-credentials" not in asked.headers
        other = await http.options("/v1/comfort", headers={"origin": "https://evil.example", **preflight})
        assert "access-control-allow-origin" not in other.headers
        said = await http.post("/v1/comfort", json=ASK, headers={"origin": "https://shop.example", "x-api-key": KEY})
        assert said.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize("content", ["", "# nobody\n", "not a digest\n", "a" * 63 + "\n", KEY + "\n"])
def test_a_file_without_digests_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="digest") as caught:
        Keys.read(path)
    assert KEY not in str(caught.value)


def test_a_missing_file_of_keys_stops_the_start(tmp_path: Path) -> None:
    text = "applications: [{import_path: 'graph.app:build', args: {security: {api_keys: /nowhere/keys}}}]\n"
    (tmp_path / "serve.yaml").write_text(f"http_options: {{host: 127.0.0.1}}\n{text}", encoding="utf-8")
    with pytest.raises(ConfigError, match="/nowhere/keys"):
        read_serve_file(tmp_path / "serve.yaml")


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://shop.example/", "https://*.example"])
def test_an_origin_is_written_out(origin: str) -> None:
    with pytest.raises(ValueError, match="allowed_origins"):
        Security(allowed_origins=[origin])


def logged(message: str, *, keep_text: bool) -> str:
    """What a record with an exception that quotes `message` becomes."""
    try:
        try:
            raise ValueError(message)
        except ValueError as error:
            raise RuntimeError(f"while asking: {message}") from error
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed for %s", (message,), (type(error), error, None)
        )
    record.msg, record.args = "failed", ()
    assert Private(keep_text=keep_text).filter(record)
    return logging.Formatter().format(record)


def test_logs_quote_no_text_unless_asked_and_no_personal_data_at_all() -> None:
    text = "我的电话是13812345678，急死了"
    silent = logged(text, keep_text=False)
    assert "急死了" not in silent
    assert "RuntimeError" in silent
    assert "ValueError" in silent
    told = logged(text, keep_text=True)
    assert "急死了" in told
    assert "13812345678" not in told
    assert "[电话]" in told


async def test_an_unforeseen_error_is_logged_once_and_not_raised_to_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = app_of(Script())

    @app.get("/v1/broken")
    async def broken() -> None:
        """Raises what nobody foresaw."""
        raise ZeroDivisionError

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        assert (await http.get("/v1/broken")).status_code == 500
    # Where private logs are switched on, the place of the error follows on further lines.
    assert [record.message.splitlines()[0] for record in caplog.records] == ["unexpected error"]
