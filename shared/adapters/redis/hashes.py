"""The scoreboard's hashes: which fields are asked of them, and what the values found there mean.

A field that is missing or that somebody else wrote reads as nothing counted; it must not take the page down.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime

from shared.observability.histogram import Histogram, bucket_bounds
from shared.observability.metric import Metric
from shared.observability.metrics import CAMPAIGN_METRICS, PROCESS_COUNTERS, PROCESS_GAUGES
from shared.ports.scoreboard import CampaignTotals, ProcessReport

#: The publication's instant by the publisher's clock, in seconds since 1970; it tells a hash from none.
AT = "at"
#: The sum of a histogram's values.
SUM = "sum"

CAMPAIGN_FIELDS = (AT, *(name for metric in CAMPAIGN_METRICS for name in metric.series()))
COUNTER_FIELDS = tuple(name for metric in PROCESS_COUNTERS for name in metric.series())
GAUGE_FIELDS = tuple(name for metric in PROCESS_GAUGES for name in metric.series())
PROCESS_FIELDS = (AT, *COUNTER_FIELDS, *GAUGE_FIELDS)

#: Bounded, because Python takes quadratic time over long numerals; 19 digits hold every bigint.
_COUNT = re.compile(r"[0-9]{1,19}")
_MEASURE = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?(e[+-]?[0-9]{1,3})?")
_CAMPAIGN_MEMBER = re.compile(r"([0-9]{1,19}):([0-9]{1,19})")
_PROCESS_MEMBER = re.compile(r"([A-Za-z0-9_.-]{1,64}):([A-Za-z0-9_.-]{1,64})")

Values = Sequence[str | None]


def campaign_totals(tenant_id: int, campaign_id: int, values: Values) -> CampaignTotals | None:
    """Read a campaign's hash, given the values of CAMPAIGN_FIELDS; None when there is none."""
    at, *counts = values
    if at is None:
        return None
    found = dict(zip(CAMPAIGN_FIELDS[1:], map(count, counts), strict=True))
    return CampaignTotals.of_fields(tenant_id, campaign_id, found)


def process_report(service: str, process_id: str, values: Values) -> ProcessReport | None:
    """Read a process's hash, given the values of PROCESS_FIELDS; None when the process is gone."""
    found = dict(zip(PROCESS_FIELDS, values, strict=True))
    if found[AT] is None:
        return None
    gauges = {name: measure(found[name]) for name in GAUGE_FIELDS}
    return ProcessReport(
        service=service,
        process_id=process_id,
        gauges={name: value for name, value in gauges.items() if value is not None},
        counters={name: count(found[name]) for name in COUNTER_FIELDS if found[name] is not None},
    )


def histogram_fields(metric: Metric) -> tuple[str, ...]:
    """Return every field of a histogram's hash."""
    return (SUM, *bucket_bounds(metric))


def histogram(metric: Metric, values: Values) -> Histogram:
    """Read a histogram's hash, given the values of its fields."""
    return Histogram(metric=metric, total=measure(values[0]) or 0.0, counts=tuple(map(count, values[1:])))


def campaign_member(member: str) -> tuple[int, int] | None:
    """Read `tenant:campaign`; None for anything else."""
    match = _CAMPAIGN_MEMBER.fullmatch(member)
    return (int(match[1]), int(match[2])) if match else None


def process_member(member: str) -> tuple[str, str] | None:
    """Read `service:process`; None for anything else."""
    match = _PROCESS_MEMBER.fullmatch(member)
    return (match[1], match[2]) if match else None


def minute_of(at: datetime) -> int:
    """Return the minute of an instant, counted since 1970."""
    return int(at.timestamp() // 60)


def count(value: str | None) -> int:
    """Read a count; 0 for anything else."""
    return int(value) if value is not None and _COUNT.fullmatch(value) else 0


def measure(value: str | None) -> float | None:
    """Read a finite number; None for anything else."""
    if value is None or _MEASURE.fullmatch(value) is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
