"""`/metrics`, as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from services.dashboard.exporter import Scores, render
from shared.domain.disposition import Outcome
from shared.observability.histogram import Histogram
from shared.observability.metric import Kind
from shared.observability.metrics import CATALOGUE, DELIVERY_MS, HISTOGRAMS
from shared.ports.scoreboard import CampaignTotals, ProcessReport

TOTALS = CampaignTotals(
    tenant_id=3,
    campaign_id=12,
    accepted=60,
    ready=10,
    waiting=0,
    in_attempt=3,
    final=47,
    refused=1,
    duplicates=2,
    by_outcome={Outcome.ANSWERED: 42, Outcome.BUSY: 5},
)
DIALER = ProcessReport(
    service="dialer",
    process_id="host-1",
    gauges={"calls_in_progress": 3.0},
    counters={"calls_placed": 9, "attempts_withheld:late": 1},
)
SCORES = Scores(
    totals=[TOTALS],
    processes=[DIALER],
    calls_last_minute={(3, 12): 8},
    histograms=[
        Histogram(metric=metric, counts=(1,) * (len(metric.bounds) + 1), total=7.5) for metric in HISTOGRAMS
    ],
)


def samples(text: bytes) -> list[Sample]:
    """Every sample of a scrape."""
    families = text_string_to_metric_families(text.decode())
    return [sample for family in families for sample in family.samples]


def value(text: bytes, name: str, **labels: str) -> float:
    """The one sample with this name and these labels, all of them."""
    (found,) = [sample for sample in samples(text) if (sample.name, sample.labels) == (name, labels)]
    return found.value


def test_every_metric_of_the_catalogue_is_exported_with_its_kind_and_meaning() -> None:
    """Nothing is exported that the catalogue does not have, and nothing of it is missing."""
    families = {family.name: family for family in text_string_to_metric_families(render(SCORES).decode())}
    assert len(families) == len(CATALOGUE)
    for metric in CATALOGUE:
        # The parser takes a counter's `_total` for a part of its samples, not of its name.
        name = metric.exported_name.removesuffix("_total")
        assert (families[name].type, families[name].documentation) == (metric.kind, metric.meaning)


def test_series_carry_their_labels() -> None:
    """Campaigns are told apart by tenant and id, processes by service and name, counts by their own label."""
    seen = render(SCORES)
    campaign = {"tenant": "3", "campaign": "12"}
    process = {"service": "dialer", "process": "host-1"}
    assert value(seen, "paceline_numbers_final_total", **campaign) == 47
    assert value(seen, "paceline_numbers_by_outcome_total", **campaign, outcome="Answered") == 42
    assert value(seen, "paceline_numbers_by_outcome_total", **campaign, outcome="NoAnswer") == 0
    assert value(seen, "paceline_calls_last_minute", **campaign) == 8
    assert value(seen, "paceline_calls_in_progress", **process) == 3
    assert value(seen, "paceline_attempts_withheld_total", **process, reason="late") == 1


def test_histograms_are_cumulative() -> None:
    """The last bucket holds every observation, as Prometheus wants it."""
    seen = render(SCORES)
    buckets = len(DELIVERY_MS.bounds) + 1
    assert value(seen, "paceline_delivery_ms_bucket", le="10") == 1
    assert value(seen, "paceline_delivery_ms_bucket", le="+Inf") == buckets
    assert value(seen, "paceline_delivery_ms_count") == buckets
    assert value(seen, "paceline_delivery_ms_sum") == 7.5


def test_without_redis_there_is_one_sample_that_says_so() -> None:
    """Nothing is reported as zero because nobody knows it."""
    (only,) = samples(render(None))
    assert (only.name, only.value) == ("paceline_scoreboard_up", 0)


def test_a_process_that_counts_nothing_yet_has_no_series() -> None:
    """A pacer does not report calls that it can never have."""
    pacer = ProcessReport(service="pacer", process_id="p", gauges={}, counters={})
    seen = samples(render(Scores(processes=[pacer], calls_last_minute={})))
    assert [sample.name for sample in seen] == ["paceline_scoreboard_up"]


def test_counters_end_in_total_and_nothing_else_does() -> None:
    """Prometheus' own convention, by which its tools know what has a rate."""
    for metric in CATALOGUE:
        assert metric.exported_name.endswith("_total") == (metric.kind is Kind.COUNTER)
