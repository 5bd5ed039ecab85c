"""Serves the pages from files, without a build step and without anything from another host.

The playground is this folder's `static/`; Swagger's own files come from the package fastapi-offline. Installed by
`graph.gateway`.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from graph.playground.headers import SecurityHeaders

STATIC = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Add `/`, `/docs`, their files and the security headers to `app`."""
    app.add_middleware(SecurityHeaders)
    # The directory of a package that is used for its files only, so that its inline script is not needed.
    swagger = Path(str(files("fastapi_offline"))) / "static"
    app.mount("/playground", StaticFiles(directory=STATIC), name="playground")
    app.mount("/swagger", StaticFiles(directory=swagger), name="swagger")

    @app.get("/", include_in_schema=False)
    async def playground() -> FileResponse:
        """The playground."""
        return FileResponse(STATIC / "index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        """The interface to read and try."""
        return FileResponse(STATIC / "docs.html")
