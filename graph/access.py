"""Who may call what, and how often: keys, the operators' token and the rate limit (plain ASGI).

Decided before a body is read and before any route is looked up, so that a new route under /v1 or /v1/admin is guarded
without its author doing anything. Pages, /healthz and /readyz stay open. Installed by `graph.security`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.keys import Keys
from graph.problems import problem, respond

if TYPE_CHECKING:
    from graph.rate import Rate

ADMIN = "/v1/admin"
_GUARDED = ("/v1/", "/webhooks/")
_NO_ADMIN = "operators' routes are switched off; security.admin_tokens switches them on"
_CHALLENGE = {"www-authenticate": 'Bearer realm="anwei"'}


class Access:
    """Lets a request through, or answers 401, 404 or 429.

    Args:
        app: The application behind.
        keys: Clients' keys; None lets everybody in.
        admin: Operators' tokens for /v1/admin; None hides it.
        rate_limit: Requests per key, else per address, such as `600/minute`; None sets no limit.
        forwarded_for: Take the address from the last entry of X-Forwarded-For.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Keys | None = None,
        admin: Keys | None = None,
        rate_limit: str | None = None,
        forwarded_for: bool = False,
    ) -> None:
        self._app = app
        self._keys = keys
        self._admin = admin
        self._rate = _rate(rate_limit) if rate_limit else None
        self._forwarded_for = forwarded_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        path = _route(scope) if scope["type"] == "http" else ""
        if not path.startswith(_GUARDED):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller, refusal = self._caller(path, headers)
        wait_s = 0
        if self._rate is not None:
            wait_s = self._rate.wait_s(caller or address(scope, headers, forwarded_for=self._forwarded_for))
        if wait_s:
            document = problem(429, f"too many requests; try again in {wait_s} s")
            await respond(document, headers={"retry-after": str(wait_s)})(scope, receive, send)
        elif refusal is not None:
            status, detail = refusal
            answer = respond(problem(status, detail), headers=_CHALLENGE if status == 401 else None)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _caller(self, path: str, headers: Headers) -> tuple[str | None, tuple[int, str] | None]:
        """The name behind the key that was sent, and why the request is refused, if it is."""
        administers = path == ADMIN or path.startswith(f"{ADMIN}/")
        keys = self._admin if administers else self._keys
        if keys is None:
            return None, (
                (404, "there are no operators' routes: security.admin_tokens is not set") if administers else None
            )
        key = key_in(headers)
        if key is None:
            return None, (401, "a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        name = keys.name_of(key)
        return name, (None if name else (401, "this key is not known; ask the operator for one"))


def _route(scope: Scope) -> str:
    """The path that the router looks up: without the route prefix, which Serve names in `root_path` and leaves in."""
    path, root = str(scope["path"]), scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


def _rate(limit: str) -> Rate:
    # Loads drivers of databases, on which a composer without a limit need not wait when it starts.
    from graph.rate import Rate  # noqa: PLC0415

    return Rate(limit)


def key_in(headers: Headers) -> str | None:
    """The key of a request: `Authorization: Bearer KEY`, else `X-API-Key: KEY`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or None


def address(scope: Scope, headers: Headers, *, forwarded_for: bool) -> str:
    """Where a request comes from; of an IPv6 address its network, which one customer has whole.

    Args:
        scope: The connection.
        headers: Of the request.
        forwarded_for: Believe the last entry of the last X-Forwarded-For: what stands before it is the client's word.
    """
    client = scope.get("client")
    said = client[0] if client else "unknown"
    forwarded = headers.getlist("x-forwarded-for") if forwarded_for else []
    if forwarded:
        said = forwarded[-1].rpartition(",")[2].strip()
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return "unknown"
    # An IPv6 socket writes 192.0.2.1 as ::ffff:192.0.2.1; all such addresses lie in one /64.
    found = getattr(found, "ipv4_mapped", None) or found
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
