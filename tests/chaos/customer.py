"""A customer who takes nothing for granted: it repeats what was not acknowledged, and remembers what was.

Every line has a message_reference of its own, so an upload whose answer was lost can be sent again: what had been
taken is refused as a duplicate, and either way the platform has acknowledged it.
"""

import asyncio
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import aiohttp
from typing_extensions import override

from tests.chaos.instants import now

#: A frozen API never answers; a client of it gives up and comes back.
ANSWER_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.2
SERVICE_UNAVAILABLE: Final = 503


class Line(NamedTuple):
    """One line of a phone list."""

    e164: str
    reference: str

    @override
    def __str__(self) -> str:
        """As it is uploaded."""
        return f"tel:{self.e164};ani=+12025550199,{self.reference}"


@dataclass(kw_only=True)
class ChaosCampaign:
    """A campaign as its owner knows it."""

    campaign_id: int
    customer: "Customer"
    #: Calls that one line may cost.
    tries: int = 1
    acknowledged: list[Line] = field(default_factory=list)
    #: When it was surely stopped: from the answer to the stop until the next start was sent.
    stopped: list[tuple[float, float]] = field(default_factory=list)

    def calls_allowed(self) -> Counter[str]:
        """Return how many calls each number may get at most."""
        return Counter(line.e164 for line in self.acknowledged for _ in range(self.tries))


class Refused(Exception):
    """The API refused something that it should have taken."""


@dataclass(kw_only=True)
class Customer:
    """One tenant's client of the public API."""

    session: aiohttp.ClientSession
    receiver: str
    campaigns: list[ChaosCampaign] = field(default_factory=list)
    #: Answers by status, and `none` for no answer.
    answers: Counter[str] = field(default_factory=Counter)

    async def request(self, method: str, path: str, **fields: str | bytes) -> Any:  # noqa: ANN401 - JSON
        """Ask until there is an answer that is not 503, and return its document; raises Refused."""
        while True:
            status, document = await self.ask_once(method, path, **fields)
            if status == 200:
                return document
            if status not in (None, SERVICE_UNAVAILABLE):
                raise Refused(f"{method} {path}: {status} {document}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def ask_once(self, method: str, path: str, **fields: str | bytes) -> tuple[int | None, Any]:
        """Ask once; the status is None when no answer came."""
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self.session.request(method, path, data=_form(fields) if fields else None) as answer,
            ):
                document = await answer.json()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.answers["none"] += 1
            return None, None
        self.answers[str(answer.status)] += 1
        return answer.status, document

    async def create(self, lines: Sequence[Line], *, per_minute: int, name: str) -> ChaosCampaign:
        """Make a campaign that is open around the clock, with a first list."""
        await self._named("/api/schedules", name, days='["mon","tue","wed","thu","fri","sat","sun"]')
        await self._named(
            "/api/profiles", name, period="1", amount_per_period=str(per_minute), time_between_periods="0"
        )
        made = await self.request(
            "POST", "/api/campaigns", start_date="2026-01-01", end_date="2199-12-31", schedule=name,
            profiles=json.dumps([{"profile": name, "start_time": "00:00", "end_time": "24:00"}]),
            start_url=f"{self.receiver}/application", result_url=f"{self.receiver}/result",
            phone_numbers=_list(lines),
        )  # fmt: skip
        if made["response"]["accepted"] != len(lines):
            raise Refused(f"Of {len(lines)} lines {made} were taken.")
        campaign = ChaosCampaign(campaign_id=int(made["response"]["id"]), customer=self)
        campaign.acknowledged.extend(lines)
        self.campaigns.append(campaign)
        return campaign

    async def add(self, campaign: ChaosCampaign, lines: Sequence[Line]) -> None:
        """Append lines until the platform says that it has them."""
        taken = await self.request(
            "POST", "/api/campaigns/add-calls", campaign_id=str(campaign.campaign_id), phone_numbers=_list(lines)
        )  # fmt: skip
        if taken["accepted"] + taken["duplicates"] != len(lines):
            raise Refused(f"Of {len(lines)} lines {taken} were taken.")
        campaign.acknowledged.extend(lines)

    async def start(self, campaign: ChaosCampaign) -> None:
        """Start it."""
        await self.request("POST", "/api/campaigns/start", campaign_id=str(campaign.campaign_id))

    async def pause(self, campaign: ChaosCampaign, seconds: float) -> None:
        """Stop it, and start it again after a while."""
        await self.request("POST", "/api/campaigns/stop", campaign_id=str(campaign.campaign_id))
        stopped_at = now()
        await asyncio.sleep(seconds)
        campaign.stopped.append((stopped_at, now()))
        await self.start(campaign)

    async def views(self) -> list[dict[str, Any]] | None:
        """Look at all campaigns once; None when nobody answered."""
        status, views = await self.ask_once("GET", "/api/campaigns")
        return views if status == 200 else None

    async def _named(self, path: str, name: str, **fields: str) -> None:
        try:
            await self.request("POST", path, nickname=name, **fields)
        except Refused as refused:
            # The answer to the first try was lost, and what it made is there.
            if "nickname" not in str(refused):
                raise


def _list(lines: Sequence[Line]) -> bytes:
    return "\n".join(map(str, lines)).encode()


def _form(fields: dict[str, str | bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        if isinstance(value, bytes):
            form.add_field(name, io.BytesIO(value), filename="numbers.csv")
        else:
            form.add_field(name, value)
    return form
