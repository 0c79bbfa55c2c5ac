"""A page on which the API's description is read and tried: Swagger UI, served from the package that brings it.

Nothing comes from another host. Of the package only its two files are used, and none of its code: it is looked up, not
imported. Where it is not installed, the page says so, and the description itself is there all the same.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiohttp import web

from services.api.answers import error_answer
from services.api.routes import Operation, Route

_PACKAGE: Final = "swagger_ui"
_STYLE: Final = "swagger-ui.css"
_SCRIPT: Final = "swagger-ui-bundle.js"
_MISSING: Final = (
    "This page needs the package swagger-ui-py, which is not installed; the description is at /openapi.json."
)

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Paceline API</title>
<link rel="stylesheet" href="/docs/{_STYLE}">
<div id="page">The description is at <a href="/openapi.json">/openapi.json</a>.</div>
<script src="/docs/{_SCRIPT}"></script>
<script src="/docs/start.js"></script>
</html>
"""
#: No validator: it is somebody else's server.
_START: Final = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: false, validatorUrl: null,
});
"""
#: Swagger UI sets styles of elements and draws with data: URLs; everything else is this server's.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}


def page_routes() -> tuple[Route, ...]:
    """Return the page and the three files that it loads."""

    async def page(_request: web.Request) -> web.StreamResponse:
        if assets() is None:
            return error_answer(404, _MISSING)
        return web.Response(text=_PAGE, content_type="text/html", headers=_HEADERS)

    async def style(_request: web.Request) -> web.StreamResponse:
        return _file(_STYLE, "text/css")

    async def script(_request: web.Request) -> web.StreamResponse:
        return _file(_SCRIPT, "text/javascript")

    async def start(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=_START, content_type="text/javascript", headers=_HEADERS)

    files = {
        "/docs": (page, "text/html"),
        f"/docs/{_STYLE}": (style, "text/css"),
        f"/docs/{_SCRIPT}": (script, "text/javascript"),
        "/docs/start.js": (start, "text/javascript"),
    }
    return tuple(
        Route(
            method="GET", path=path, handler=handler, public=True,
            summary="Read and try the API" if path == "/docs" else "A file of that page",
            operation=Operation(id=f"docs{number}", tag="Service", media_type=media_type),
        )
        for number, (path, (handler, media_type)) in enumerate(files.items())
    )  # fmt: skip


@cache
def assets() -> Path | None:
    """Return the folder with Swagger UI's files; None where the package is not installed."""
    found = find_spec(_PACKAGE)
    folders = found.submodule_search_locations if found is not None else None
    return Path(folders[0]) / "static" if folders else None


def _file(name: str, media_type: str) -> web.StreamResponse:
    folder = assets()
    if folder is None:
        return error_answer(404, _MISSING)
    # Said, because what a file's name means is another thing on each system.
    return web.FileResponse(folder / name, headers={**_HEADERS, "Content-Type": media_type})
