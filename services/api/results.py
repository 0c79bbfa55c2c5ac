"""Results by HTTP, for receivers that cannot be reached: asked for, and read on from the last place.

A bare array; each result has the fields of the webhook's body and its `place`, a text that means nothing to anybody
else. The place of the last result is the `after` of the next request. Whoever follows it misses none, and a number's
result never changes.
"""

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.desk_messages import ResultEntry, ResultListParameters
from services.api.examples import RESULT
from services.api.list_fields import limit_of, text_of
from services.api.parameters import described
from services.api.request_body import Fields, read_fields
from services.api.routes import Operation, Route
from shared.contracts.result_body import result_fields
from shared.domain.errors import Invalid
from shared.ports.results import BEGINNING, Place, ResultFeed

#: Both numbers fit what Postgres has for them.
_PLACE: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class ResultRoom:
    """The feed of results."""

    feed: ResultFeed

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        operation = Operation(
            id="fetchResults",
            tag="Results",
            description="In the order in which they were written; whoever reads on by `place` misses none.",
            takes=ResultListParameters,
            answers=list[ResultEntry],
            example=[RESULT],
        )
        return (
            Route(
                method="GET", path="/api/results", handler=self.index, summary="Fetch results",
                operation=operation,
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """Return the next results."""
        fields = described(await read_fields(request), ResultListParameters)
        found = await self.feed.results(request[TENANT], after=place_of(fields), limit=limit_of(fields))
        return json_answer([{"place": written(each.place), **result_fields(each.result)} for each in found])


def place_of(fields: Fields) -> Place:
    """Return the place in `after`; the beginning if it was left out. Raises Invalid."""
    text = text_of(fields, "after")
    if text is None or text == "0":
        return BEGINNING
    matched = _PLACE.fullmatch(text)
    if matched is None:
        raise Invalid(
            "after", "The after field is the place of the last result that you have; leave it out to begin."
        )
    return Place(int(matched[1]), int(matched[2]))


def written(place: Place) -> str:
    """Return a place as `place_of` reads it."""
    return f"{place.transaction}-{place.result_no}"
