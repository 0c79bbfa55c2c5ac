"""Results by HTTP, for receivers that cannot be reached: asked for, and read on from the last place.

A bare array; each result has the fields of the webhook's body and its `result_no`, which is the `after` of the next
request. Whoever follows it misses none, and a number's result never changes.
"""

from dataclasses import dataclass

from aiohttp import web

from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.list_fields import page_of
from services.api.request_body import read_fields
from services.api.routes import Route
from shared.contracts.result_body import result_fields
from shared.ports.results import ResultFeed


@dataclass(frozen=True, slots=True)
class ResultRoom:
    """The feed of results."""

    feed: ResultFeed

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (Route(method="GET", path="/api/results", handler=self.index, summary="Fetch results"),)

    async def index(self, request: web.Request) -> web.Response:
        """Return the next results."""
        page = page_of(await read_fields(request))
        found = await self.feed.results(request[TENANT], after=page.after, limit=page.limit)
        return json_answer([{"result_no": each.result_no, **result_fields(each.result)} for each in found])
