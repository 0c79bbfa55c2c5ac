"""What the server does before a room is asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from typing_extensions import override
from yarl import URL

from services.api.answers import json_answer
from services.api.request_body import read_fields
from services.api.routes import Route
from services.api.server import application, runner_of, with_spellings
from shared.ports.access import Caller, Doorkeeper


class NoDoor(Doorkeeper):
    """Knows no token; nobody asks it for one here."""

    @override
    async def caller_of(self, token_hash: bytes) -> Caller:
        """Say that nobody was to come."""
        raise AssertionError(token_hash)


async def _names(request: web.Request) -> web.Response:
    return json_answer(sorted((await read_fields(request)).names))


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[web.AppRunner, str]]:
    """Serve a room that tells the names of the parameters that it was sent."""
    route = Route(method="POST", path="/x", handler=_names, summary="s", public=True)
    runner = runner_of(application(NoDoor(), [route]))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner, "http://{}:{}/x".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "x"])
async def test_a_compressed_body_is_refused_unread_and_the_connection_goes_on(encoding: str) -> None:
    """415 in the one form for what is no such thing as well, and the next request is answered on the same line."""
    headers = {"Content-Encoding": encoding}
    connector = aiohttp.TCPConnector(limit=1)
    async with serving() as (runner, url), aiohttp.ClientSession(connector=connector) as client:
        for _ in range(3):
            async with client.post(url, data=b"none of it", headers=headers) as answer:
                assert (answer.status, (await answer.json())["status"]) == (415, "error")
            async with client.post(url, json={"a": 1}) as answer:
                assert (answer.status, await answer.json()) == (200, ["a"])
        assert runner.server is not None
        assert len(runner.server.connections) == 1


async def test_a_query_holds_as_many_profiles_as_a_campaign_may_have() -> None:
    """An update comes by query, as it is published: a hundred profiles of sixty-four letters, percent-encoded."""
    profiles = [
        {"profile": f"{number:03}{'x' * 61}", "start_time": "00:00", "end_time": "00:01"}
        for number in range(100)
    ]
    async with serving() as (_, url), aiohttp.ClientSession() as client:
        query = quote(json.dumps(profiles), safe="")
        async with client.post(URL(f"{url}?profiles={query}", encoded=True)) as answer:
            assert (answer.status, await answer.json()) == (200, ["profiles"])


def test_a_path_may_end_in_a_slash_and_what_can_be_got_has_a_head() -> None:
    """Each once more as other clients write it, after all routes as they are described."""

    def route(method: str, path: str) -> Route:
        return Route(method=method, path=path, handler=_names, summary="s")

    routes = (
        route("GET", "/api/x"), route("PATCH", "/api/x"), route("GET", "/docs"),
    )  # fmt: skip
    spelled = with_spellings(routes)
    assert spelled[: len(routes)] == routes
    assert [(each.method, each.path) for each in spelled[len(routes) :]] == [
        ("HEAD", "/api/x"), ("HEAD", "/docs"),
        ("GET", "/api/x/"), ("PATCH", "/api/x/"), ("HEAD", "/api/x/"),
    ]  # fmt: skip
