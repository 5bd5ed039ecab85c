"""Puts the guards around an application, as `AppConfig.security` says; called by `graph.assemble`."""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from configs.schema import Security
from graph.access import Access
from graph.keys import Keys


def install(app: FastAPI, security: Security) -> None:
    """Add CORS, where pages of other hosts are allowed, and behind it keys, tokens and the rate limit.

    They are the innermost middleware: what they answer gets the security headers too, and a browser's preflight,
    which carries no key, is answered by CORS.

    Raises:
        ConfigError: a file of digests cannot be used.
    """
    if security.allowed_origins:
        app.user_middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=security.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
                expose_headers=["retry-after"],
            )
        )
    keys, admin = read_keys(security)
    app.user_middleware.append(
        Middleware(Access, keys=keys, admin=admin, rate_limit=security.rate_limit, forwarded_for=security.forwarded_for)
    )


def read_keys(security: Security) -> tuple[Keys | None, Keys | None]:
    """Clients' keys and operators' tokens, None where none are asked for.

    Raises:
        ConfigError: a file of digests cannot be used.
    """
    clients = Keys.read(security.api_keys) if security.api_keys else None
    operators = Keys.read(security.admin_tokens) if security.admin_tokens else None
    return clients, operators
