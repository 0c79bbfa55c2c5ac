"""The dashboard's HTTP server: the page, its figures, and `/metrics`.

The page's own policy lets it load nothing but its files and ask nobody but this server, and lets no script
write markup: what the API says, hostile nicknames included, can only become text.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from importlib.resources import files
from types import MappingProxyType

import orjson
from aiohttp import web

from services.dashboard.campaigns import NotCampaigns
from services.dashboard.exporter import exposition
from services.dashboard.live import live
from services.dashboard.public_api import ApiAway, ApiRefused, PublicApi
from shared.ports.scoreboard import ScoreboardReader

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: The page's files by path, with their media types. Read once: they come with the package and do not change.
PAGE_FILES = MappingProxyType(
    {
        "page.html": "text/html",
        "page.css": "text/css",
        "page.js": "text/javascript",
        "campaigns.js": "text/javascript",
        "sparkline.js": "text/javascript",
        "token.js": "text/javascript",
        "words.js": "text/javascript",
        "icon.svg": "image/svg+xml",
    }
)

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(_POLICY),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # The figures are a customer's, and the page's files change with a release.
        "Cache-Control": "no-store",
        "Server": "paceline",
    }
)
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def dashboard(
    api: PublicApi, scoreboard: ScoreboardReader, *, clock: Callable[[], datetime]
) -> web.Application:
    """Return the application; `clock` tells which minute it is."""

    async def figures(request: web.Request) -> web.Response:
        try:
            listed = await api.campaigns(request.headers.get("Authorization", ""))
        except ApiRefused as error:
            return _error(error.status, error.message)
        except (ApiAway, NotCampaigns) as error:
            return _error(503, error.message)
        return _json(await live(listed, scoreboard, now=clock()))

    async def metrics(_request: web.Request) -> web.Response:
        body = await exposition(scoreboard, now=clock())
        return web.Response(body=body, headers={"Content-Type": PROMETHEUS_TEXT})

    app = web.Application()
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/live", figures)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", _healthy)
    for name, handler in _page_handlers().items():
        app.router.add_get("/" if name == "page.html" else f"/page/{name}", handler)
    return app


def _page_handlers() -> Mapping[str, Handler]:
    folder = files("services.dashboard") / "page"
    return {name: _serving((folder / name).read_bytes(), kind) for name, kind in PAGE_FILES.items()}


def _serving(body: bytes, media_type: str) -> Handler:
    async def serve_file(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=media_type, charset="utf-8")

    return serve_file


async def _healthy(_request: web.Request) -> web.Response:
    """Answer as long as the process serves: the page itself says when the API or Redis is away."""
    return _json({"status": "ok"})


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _error(status: int, sentence: str) -> web.Response:
    return _json({"status": "error", "error": sentence}, status=status)


def _json(answer: object, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")
