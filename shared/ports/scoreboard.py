"""The scoreboard: what processes publish about themselves and what dashboards read.

It is never the truth and decides nothing. Whoever writes goes on as if it were not there: no method of the
writer raises because the server is away, and none keeps its caller for longer than the adapter's timeout.
Whoever reads is told that it is away, because an empty page would be a lie.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from shared.domain.disposition import Outcome
from shared.domain.errors import Unavailable
from shared.observability.histogram import Histogram
from shared.observability.metric import Metric, Together
from shared.observability.metrics import (
    LINES_DUPLICATE,
    LINES_REFUSED,
    NUMBERS_ACCEPTED,
    NUMBERS_BY_OUTCOME,
    NUMBERS_FINAL,
    NUMBERS_IN_ATTEMPT,
    NUMBERS_READY,
    NUMBERS_WAITING,
    PROCESS_GAUGES,
)

#: What one read returns at most, whatever the server holds.
MOST_CAMPAIGNS = 200
MOST_PROCESSES = 256


class ScoreboardAway(Unavailable):
    """Redis does not answer: live figures are missing until it does, and nothing else is touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTotals:
    """A campaign's totals as Postgres has them at one instant."""

    tenant_id: int
    campaign_id: int
    #: Always ready + waiting + in_attempt + final.
    accepted: int
    ready: int
    waiting: int
    in_attempt: int
    final: int
    refused: int
    duplicates: int
    #: Adds up to `final`; an outcome that is missing counts nothing.
    by_outcome: Mapping[Outcome, int]

    def fields(self) -> dict[str, int]:
        """Return the totals by the catalogue's fields, those that count nothing included."""
        outcomes = {outcome.title: self.by_outcome.get(outcome, 0) for outcome in Outcome}
        return {
            NUMBERS_ACCEPTED.field(): self.accepted,
            NUMBERS_READY.field(): self.ready,
            NUMBERS_WAITING.field(): self.waiting,
            NUMBERS_IN_ATTEMPT.field(): self.in_attempt,
            NUMBERS_FINAL.field(): self.final,
            LINES_REFUSED.field(): self.refused,
            LINES_DUPLICATE.field(): self.duplicates,
            **{NUMBERS_BY_OUTCOME.field(title): numbers for title, numbers in outcomes.items()},
        }

    @classmethod
    def of_fields(cls, tenant_id: int, campaign_id: int, fields: Mapping[str, int]) -> Self:
        """Return the totals that these fields tell; raises KeyError when one is missing."""
        return cls(
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            accepted=fields[NUMBERS_ACCEPTED.field()],
            ready=fields[NUMBERS_READY.field()],
            waiting=fields[NUMBERS_WAITING.field()],
            in_attempt=fields[NUMBERS_IN_ATTEMPT.field()],
            final=fields[NUMBERS_FINAL.field()],
            refused=fields[LINES_REFUSED.field()],
            duplicates=fields[LINES_DUPLICATE.field()],
            by_outcome={outcome: fields[NUMBERS_BY_OUTCOME.field(outcome.title)] for outcome in Outcome},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """What one living process last said of itself, by the catalogue's fields."""

    service: str
    process_id: str
    gauges: Mapping[str, float]
    counters: Mapping[str, int]


class Scoreboard(Protocol):
    """For those who publish; about once a second is often enough."""

    async def publish_totals(self, totals: Sequence[CampaignTotals]) -> None:
        """Write the campaigns' totals over what was there."""

    async def publish_process(
        self, service: str, process_id: str, gauges: Mapping[str, float], counters: Mapping[str, int]
    ) -> None:
        """Write what the process says of itself over what it said before, and flush.

        `counters` count from the start of the process. Both go by the catalogue's fields, as in a Tally.
        """

    async def retire(self, service: str, process_id: str) -> None:
        """Flush and take the process off the board, so that nobody waits for its last word to expire."""

    async def flush(self) -> None:
        """Add what was observed and bumped since the last flush; what does not arrive is dropped."""

    def observe(self, metric: Metric, value: float) -> None:
        """Keep one observation of a histogram for the next flush."""

    def bump_minute(self, tenant_id: int, campaign_id: int, at: datetime, *, calls: int = 1) -> None:
        """Keep calls that were placed in the minute of `at` for the next flush."""


class ScoreboardReader(Protocol):
    """For those who show; every method raises ScoreboardAway when the server does not answer."""

    async def campaign(self, tenant_id: int, campaign_id: int) -> CampaignTotals | None:
        """Return a campaign's totals; None when none were published within a day."""

    async def campaigns(self) -> list[CampaignTotals]:
        """Return the totals published last, at most MOST_CAMPAIGNS."""

    async def processes(self) -> list[ProcessReport]:
        """Return the living processes, at most MOST_PROCESSES."""

    async def calls_by_minute(
        self, campaign_ids: Iterable[int], *, until: datetime, minutes: int
    ) -> dict[int, list[int]]:
        """Return calls placed per minute, oldest first, the last being the minute of `until`.

        Campaigns that placed none within two hours are missing. Whether the asker may see them is not judged.
        """

    async def calls_last_minute(self, *, now: datetime) -> dict[tuple[int, int], int]:
        """Return calls placed in the last whole minute by (tenant id, campaign id), for MOST_CAMPAIGNS."""

    async def histograms(self) -> list[Histogram]:
        """Return every histogram of the catalogue."""


def summed_gauges(reports: Iterable[ProcessReport]) -> dict[str, float]:
    """Combine the gauges of many processes by the catalogue's rule: the sum, or the largest of a delay."""
    found = list(reports)
    combined: dict[str, float] = {}
    for metric in PROCESS_GAUGES:
        values = [report.gauges[metric.name] for report in found if metric.name in report.gauges]
        if values:
            combined[metric.name] = max(values) if metric.together is Together.LARGEST else sum(values)
    return combined
