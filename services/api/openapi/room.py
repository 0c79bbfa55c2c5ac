"""Serves the API's description at `/openapi.json`."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

import orjson
from aiohttp import web

from services.api.openapi.document import document
from services.api.routes import Operation, Route


def description_route(described: Sequence[Route]) -> Route:
    """Return the route that describes these routes and itself; it is written when it is first asked for."""

    @cache
    def body() -> bytes:
        return orjson.dumps(document((*described, route), version=version("paceline")))

    async def describe(_request: web.Request) -> web.Response:
        return web.Response(body=body(), content_type="application/json")

    route = Route(
        method="GET",
        path="/openapi.json",
        handler=describe,
        summary="Describe the API",
        public=True,
        operation=Operation(id="describeApi", tag="Service", answers=dict[str, object]),
    )
    return route
