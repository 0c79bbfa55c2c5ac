"""The scoreboard's reader on Redis: every read names its fields and has a limit.

Nothing is listed with KEYS or SCAN, which would read a shared server from end to end. The sorted sets point
to what lives; a member whose hash has expired is a process or a campaign that is gone.

What is long is read in pieces, and each piece is waited for by itself: most of the time goes into this process' own
reading of the values, of which Redis is not to be accused.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from typing_extensions import override

from shared.adapters.redis.connection import READER_PATIENCE_SECONDS, REDIS_LOST, Pipeline
from shared.adapters.redis.hashes import (
    CAMPAIGN_FIELDS,
    PROCESS_FIELDS,
    Values,
    campaign_member,
    campaign_totals,
    count,
    histogram,
    histogram_fields,
    minute_of,
    process_member,
    process_report,
)
from shared.observability.histogram import Histogram
from shared.observability.metric import RedisKey
from shared.observability.metrics import (
    CALLING_KEY,
    CAMPAIGN_KEY,
    CAMPAIGNS_KEY,
    HISTOGRAM_KEY,
    HISTOGRAMS,
    MINUTES_KEY,
    PROCESS_KEY,
    PROCESSES_KEY,
)
from shared.ports.scoreboard import (
    MOST_CAMPAIGNS,
    MOST_PROCESSES,
    CampaignTotals,
    ProcessReport,
    ScoreboardAway,
    ScoreboardReader,
)

#: Campaigns with calls in the last two hours among which a reader finds its own.
MOST_CALLING = 2000
#: The minutes that Redis surely still has.
MOST_MINUTES = 60
#: Hashes per round trip: those of an hour's minutes cost some 40 ms of this process' time.
QUESTIONS_PER_READ = 100

#: (tenant id, campaign id)
Place = tuple[int, int]
#: A key and the fields that are asked of it.
Question = tuple[str, Sequence[str]]


class RedisScoreboardReader(ScoreboardReader):
    """See the port."""

    def __init__(
        self, redis: Redis, *, namespace: str, patience_seconds: float = READER_PATIENCE_SECONDS
    ) -> None:
        self._redis = redis
        self._namespace = namespace
        self._patience_seconds = patience_seconds

    @override
    async def campaign(self, tenant_id: int, campaign_id: int) -> CampaignTotals | None:
        (values,) = await self._ask([(self._campaign_key(tenant_id, campaign_id), CAMPAIGN_FIELDS)])
        return campaign_totals(tenant_id, campaign_id, values)

    @override
    async def campaigns(self) -> list[CampaignTotals]:
        places = await self._places(CAMPAIGNS_KEY, MOST_CAMPAIGNS)
        answers = await self._ask([(self._campaign_key(*place), CAMPAIGN_FIELDS) for place in places])
        found = (campaign_totals(*place, values) for place, values in zip(places, answers, strict=True))
        return [totals for totals in found if totals]

    @override
    async def processes(self) -> list[ProcessReport]:
        members = filter(None, map(process_member, await self._newest(PROCESSES_KEY, MOST_PROCESSES)))
        names = sorted(members)
        answers = await self._ask([(self._process_key(*name), PROCESS_FIELDS) for name in names])
        found = (process_report(*name, values) for name, values in zip(names, answers, strict=True))
        return [report for report in found if report]

    @override
    async def calls_by_minute(
        self, campaign_ids: Iterable[int], *, until: datetime, minutes: int
    ) -> dict[int, list[int]]:
        wanted = frozenset(campaign_ids)
        places = [place for place in await self._places(CALLING_KEY, MOST_CALLING) if place[1] in wanted]
        found = await self._minutes(places, until=until, minutes=min(minutes, MOST_MINUTES))
        return {campaign_id: calls for (_, campaign_id), calls in found.items()}

    @override
    async def calls_last_minute(self, *, now: datetime) -> dict[Place, int]:
        places = await self._places(CALLING_KEY, MOST_CAMPAIGNS)
        found = await self._minutes(places, until=now - timedelta(minutes=1), minutes=1)
        return {place: calls for place, (calls,) in found.items()}

    @override
    async def histograms(self) -> list[Histogram]:
        questions = [
            (HISTOGRAM_KEY.name(self._namespace, metric=metric.name), histogram_fields(metric))
            for metric in HISTOGRAMS
        ]
        answers = await self._ask(questions)
        return [histogram(metric, values) for metric, values in zip(HISTOGRAMS, answers, strict=True)]

    async def _minutes(
        self, places: Sequence[Place], *, until: datetime, minutes: int
    ) -> Mapping[Place, list[int]]:
        last = minute_of(until)
        hours = list(_by_hour(range(last - minutes + 1, last + 1)))
        questions = [
            (MINUTES_KEY.name(self._namespace, tenant=tenant, campaign=campaign, hour=hour), fields)
            for tenant, campaign in places
            for hour, fields in hours
        ]
        answers = iter(await self._ask(questions))
        return {
            place: [count(value) for _ in hours for value in next(answers)]
            for place in places
        }  # fmt: skip

    async def _places(self, index: RedisKey, most: int) -> list[Place]:
        return [place for place in map(campaign_member, await self._newest(index, most)) if place]

    async def _newest(self, index: RedisKey, most: int) -> list[str]:
        """Return the members of a sorted set with the highest scores."""
        pipe = self._pipeline()
        pipe.zrevrange(index.name(self._namespace), 0, most - 1)
        (members,) = await self._run(pipe)
        return list(members)

    async def _ask(self, questions: Sequence[Question]) -> list[Values]:
        """Read the fields of many hashes, QUESTIONS_PER_READ in a round trip."""
        answers: list[Values] = []
        for start in range(0, len(questions), QUESTIONS_PER_READ):
            pipe = self._pipeline()
            for key, fields in questions[start : start + QUESTIONS_PER_READ]:
                pipe.hmget(key, fields)
            answers += await self._run(pipe)
        return answers

    def _pipeline(self) -> Pipeline:
        return self._redis.pipeline(transaction=False)

    async def _run(self, pipe: Pipeline) -> list[Any]:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return list(await pipe.execute())
        except REDIS_LOST as error:
            raise ScoreboardAway from error

    def _campaign_key(self, tenant_id: int, campaign_id: int) -> str:
        return CAMPAIGN_KEY.name(self._namespace, tenant=tenant_id, campaign=campaign_id)

    def _process_key(self, service: str, process_id: str) -> str:
        return PROCESS_KEY.name(self._namespace, service=service, process=process_id)


def _by_hour(minutes: range) -> Iterator[tuple[int, list[str]]]:
    """Split consecutive minutes since 1970 into (hour since 1970, fields of that hour)."""
    for hour in range(minutes.start // 60, minutes[-1] // 60 + 1):
        fields = [str(minute % 60) for minute in minutes if minute // 60 == hour]
        yield hour, fields
