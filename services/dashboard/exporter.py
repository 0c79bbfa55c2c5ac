"""The scoreboard in Prometheus' text format.

Process metrics keep their process as a label: a sum of counters would fall whenever one process ends, and
Prometheus would take the fall for a restart and count everything again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from typing_extensions import override

from shared.observability.histogram import Histogram
from shared.observability.metric import Kind, Metric
from shared.observability.metrics import (
    CALLS_LAST_MINUTE,
    CAMPAIGN_METRICS,
    PROCESS_COUNTERS,
    PROCESS_GAUGES,
    SCOREBOARD_UP,
)
from shared.ports.scoreboard import CampaignTotals, ProcessReport, ScoreboardAway, ScoreboardReader

#: A series: the values of its labels, and its value.
Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All that the scoreboard holds at one moment."""

    totals: Sequence[CampaignTotals] = ()
    processes: Sequence[ProcessReport] = ()
    #: By (tenant id, campaign id).
    calls_last_minute: Mapping[tuple[int, int], int]
    histograms: Sequence[Histogram] = ()


async def exposition(scoreboard: ScoreboardReader, *, now: datetime) -> bytes:
    """Return the answer to a scrape; without Redis it says just that, for a zero would be a lie."""
    try:
        scores = Scores(
            totals=await scoreboard.campaigns(),
            processes=await scoreboard.processes(),
            calls_last_minute=await scoreboard.calls_last_minute(now=now),
            histograms=await scoreboard.histograms(),
        )
    except ScoreboardAway:
        return render(None)
    return render(scores)


def render(scores: Scores | None) -> bytes:
    """Write the scores, or their absence, as Prometheus' text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ScoreboardCollector(scores))
    return generate_latest(registry)


class ScoreboardCollector(Collector):
    """One scrape of the scoreboard."""

    def __init__(self, scores: Scores | None) -> None:
        self._scores = scores

    @override
    def collect(self) -> Iterator[Family]:
        yield _family(SCOREBOARD_UP, [((), float(self._scores is not None))])
        if self._scores is None:
            return
        for metric in CAMPAIGN_METRICS:
            yield _family(metric, _of_campaigns(metric, self._scores.totals))
        for metric in (*PROCESS_COUNTERS, *PROCESS_GAUGES):
            yield _family(metric, _of_processes(metric, self._scores.processes))
        minutes = self._scores.calls_last_minute.items()
        yield _family(
            CALLS_LAST_MINUTE,
            (((str(tenant), str(campaign)), calls) for (tenant, campaign), calls in minutes),
        )
        yield from map(_histogram, self._scores.histograms)


def _of_campaigns(metric: Metric, totals: Sequence[CampaignTotals]) -> Iterator[Sample]:
    for one in totals:
        fields = one.fields()
        for field, label in metric.series().items():
            yield (str(one.tenant_id), str(one.campaign_id), *label), fields[field]


def _of_processes(metric: Metric, processes: Sequence[ProcessReport]) -> Iterator[Sample]:
    for process in processes:
        said = {**process.counters, **process.gauges}
        for field, label in metric.series().items():
            if field in said:
                yield (process.service, process.process_id, *label), said[field]


def _family(metric: Metric, samples: Iterator[Sample] | Sequence[Sample]) -> Family:
    make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = make(metric.exported_name, metric.meaning, labels=metric.label_names)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(histogram: Histogram) -> Family:
    metric = histogram.metric
    family = HistogramMetricFamily(metric.exported_name, metric.meaning, labels=metric.label_names)
    family.add_metric((), buckets=histogram.cumulative(), sum_value=histogram.total)
    return family
