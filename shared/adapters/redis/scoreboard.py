"""The scoreboard's writer on Redis: a pipeline per publication, and nothing for its caller to trip over.

Every publication is one MULTI: a hash never stands there without its expiry, and a reader never sees half of
it. Campaigns and minutes, of which there may be thousands, go in several, each of them small: to write one and to
read its answers is this process' own time for the most part, and a large one would be lost to its size. Plain
commands suffice, all of them older than Redis 5: a script would add a language and save nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from redis.asyncio import Redis
from typing_extensions import override

from shared.adapters.redis.connection import ANSWER_TIMEOUT_SECONDS, REDIS_LOST, Pipeline
from shared.adapters.redis.hashes import AT, SUM, minute_of
from shared.adapters.redis.outage import Outage
from shared.clock import epoch_seconds
from shared.observability.histogram import HistogramBuffer, bucket_bounds
from shared.observability.metric import Kind, Metric
from shared.observability.metrics import (
    CALLING_KEY,
    CAMPAIGN_KEY,
    CAMPAIGNS_KEY,
    HISTOGRAM_KEY,
    MINUTES_KEY,
    PROCESS_KEY,
    PROCESSES_KEY,
    SCOREBOARD_DROPPED,
)
from shared.ports.scoreboard import CampaignTotals, Scoreboard

#: Campaigns per pipeline: some 100 kB, so that Redis' other callers wait for about a millisecond.
CAMPAIGNS_PER_WRITE = 200
#: Minutes per pipeline, two commands each: they cost some 15 ms of this process' time, and 4,000 cost over 300.
MINUTES_PER_WRITE = 200
#: Minutes that may wait for a flush: thousands of campaigns for a few minutes; what is beyond is dropped.
MOST_BUFFERED_MINUTES = 10_000


class RedisScoreboard(Scoreboard):
    """See the port."""

    def __init__(
        self,
        redis: Redis,
        *,
        namespace: str,
        clock: Callable[[], float] = epoch_seconds,
        answer_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> None:
        self._redis = redis
        self._namespace = namespace
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._outage = Outage()
        self._histograms: dict[str, HistogramBuffer] = {}
        #: Calls by (tenant, campaign, minute since 1970).
        self._minutes: dict[tuple[int, int, int], int] = {}

    @override
    async def publish_totals(self, totals: Sequence[CampaignTotals]) -> None:
        for start in range(0, len(totals), CAMPAIGNS_PER_WRITE):
            pipe = self._pipeline()
            self._add_totals(pipe, totals[start : start + CAMPAIGNS_PER_WRITE])
            await self._write(pipe)

    @override
    async def publish_process(
        self, service: str, process_id: str, gauges: Mapping[str, float], counters: Mapping[str, int]
    ) -> None:
        at = self._clock()
        dropped = {SCOREBOARD_DROPPED.field(): self._outage.dropped}
        key = PROCESS_KEY.name(self._namespace, service=service, process=process_id)
        pipe = self._pipeline()
        pipe.delete(key)  # so that a field that is no longer said does not stay
        pipe.hset(key, mapping={AT: at, **gauges, **counters, **dropped})
        pipe.expire(key, PROCESS_KEY.ttl_seconds)
        index = PROCESSES_KEY.name(self._namespace)
        pipe.zadd(index, {f"{service}:{process_id}": at})
        pipe.zremrangebyscore(index, "-inf", at - PROCESSES_KEY.ttl_seconds)
        pipe.expire(index, PROCESSES_KEY.ttl_seconds)
        self._add_histograms(pipe)
        await self._write(pipe)
        await self._write_minutes()

    @override
    async def retire(self, service: str, process_id: str) -> None:
        pipe = self._pipeline()
        pipe.delete(PROCESS_KEY.name(self._namespace, service=service, process=process_id))
        pipe.zrem(PROCESSES_KEY.name(self._namespace), f"{service}:{process_id}")
        self._add_histograms(pipe)
        await self._write(pipe)
        await self._write_minutes()

    @override
    async def flush(self) -> None:
        if self._histograms:
            pipe = self._pipeline()
            self._add_histograms(pipe)
            await self._write(pipe)
        await self._write_minutes()

    @override
    def observe(self, metric: Metric, value: float) -> None:
        if metric.kind is not Kind.HISTOGRAM:
            raise ValueError(f"{metric.name} is a {metric.kind}: only histograms take observations.")
        self._histograms.setdefault(metric.name, HistogramBuffer(metric)).add(value)

    @override
    def bump_minute(self, tenant_id: int, campaign_id: int, at: datetime, *, calls: int = 1) -> None:
        place = (tenant_id, campaign_id, minute_of(at))
        if place in self._minutes or len(self._minutes) < MOST_BUFFERED_MINUTES:
            self._minutes[place] = self._minutes.get(place, 0) + calls

    def _pipeline(self) -> Pipeline:
        return self._redis.pipeline(transaction=True)

    async def _write(self, pipe: Pipeline) -> None:
        """Send a publication, or drop it; the caller never learns which."""
        now = asyncio.get_running_loop().time
        if self._outage.drops(now()):
            return
        try:
            async with asyncio.timeout(self._answer_seconds):
                await pipe.execute()
        except REDIS_LOST as error:
            self._outage.lost(error, now())
        else:
            self._outage.over()

    def _add_totals(self, pipe: Pipeline, totals: Sequence[CampaignTotals]) -> None:
        at = self._clock()
        for one in totals:
            key = CAMPAIGN_KEY.name(self._namespace, tenant=one.tenant_id, campaign=one.campaign_id)
            pipe.hset(key, mapping={AT: at, **one.fields()})
            pipe.expire(key, CAMPAIGN_KEY.ttl_seconds)
        index = CAMPAIGNS_KEY.name(self._namespace)
        pipe.zadd(index, {f"{one.tenant_id}:{one.campaign_id}": at for one in totals})
        pipe.zremrangebyscore(index, "-inf", at - CAMPAIGNS_KEY.ttl_seconds)
        pipe.expire(index, CAMPAIGNS_KEY.ttl_seconds)

    async def _write_minutes(self) -> None:
        """Move the buffered minutes into pipelines: each arrives with its own or not at all, and never twice."""
        # In order, so that a campaign's last minute is the one that stays in the index.
        places = sorted(self._minutes)
        for start in range(0, len(places), MINUTES_PER_WRITE):
            piece = places[start : start + MINUTES_PER_WRITE]
            # What another flush took while this one waited is gone.
            if minutes := {place: self._minutes.pop(place) for place in piece if place in self._minutes}:
                pipe = self._pipeline()
                self._add_minutes(pipe, minutes)
                await self._write(pipe)

    def _add_histograms(self, pipe: Pipeline) -> None:
        """Move the buffered histograms into the pipeline: they arrive with it or not at all, and never twice."""
        histograms, self._histograms = self._histograms, {}
        for buffer in histograms.values():
            self._add_histogram(pipe, buffer)

    def _add_histogram(self, pipe: Pipeline, buffer: HistogramBuffer) -> None:
        key = HISTOGRAM_KEY.name(self._namespace, metric=buffer.metric.name)
        for bound, observed in zip(bucket_bounds(buffer.metric), buffer.counts, strict=True):
            if observed:
                pipe.hincrby(key, bound, observed)
        pipe.hincrbyfloat(key, SUM, buffer.total)
        pipe.expire(key, HISTOGRAM_KEY.ttl_seconds)

    def _add_minutes(self, pipe: Pipeline, minutes: Mapping[tuple[int, int, int], int]) -> None:
        for (tenant_id, campaign_id, minute), calls in minutes.items():
            hour, minute_of_hour = divmod(minute, 60)
            key = MINUTES_KEY.name(self._namespace, tenant=tenant_id, campaign=campaign_id, hour=hour)
            pipe.hincrby(key, str(minute_of_hour), calls)
            pipe.expire(key, MINUTES_KEY.ttl_seconds)
        index = CALLING_KEY.name(self._namespace)
        pipe.zadd(index, {f"{tenant}:{campaign}": minute for tenant, campaign, minute in minutes})
        newest = max(minute for _, _, minute in minutes)
        pipe.zremrangebyscore(index, "-inf", newest - CALLING_KEY.ttl_seconds // 60)
        pipe.expire(index, CALLING_KEY.ttl_seconds)
