"""The catalogue: what it promises to whoever reads Redis or scrapes `/metrics`."""

import re

import pytest

from shared.observability.metric import Kind, Metric
from shared.observability.metrics import (
    ATTEMPTS_WITHHELD,
    CALLS_PLACED,
    CAMPAIGN_KEY,
    CATALOGUE,
    HISTOGRAMS,
    KEY_MAP,
    NUMBERS_BY_OUTCOME,
    PROCESS_KEY,
    catalogue_markdown,
)


def test_every_name_stands_for_one_metric() -> None:
    """No two metrics share a name, in Redis or in `/metrics`."""
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    assert len({metric.exported_name for metric in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=[metric.name for metric in CATALOGUE])
def test_every_metric_says_what_it_means_in_one_sentence(metric: Metric) -> None:
    """A metric has a lower-case name, a unit, and a sentence that ends."""
    assert re.fullmatch(r"[a-z][a-z_0-9]*", metric.name)
    assert metric.unit
    assert re.fullmatch(r"[A-Z].*\.", metric.meaning)


def test_a_metric_is_kept_in_a_key_of_the_map() -> None:
    """Whoever looks a metric up finds the key that holds it in the same table."""
    assert {metric.key for metric in CATALOGUE if metric.key} <= set(KEY_MAP)


def test_only_histograms_have_bounds_and_theirs_rise() -> None:
    """Counts of many processes add up only where all of them sort alike."""
    for metric in CATALOGUE:
        assert bool(metric.bounds) == (metric.kind is Kind.HISTOGRAM)
        assert list(metric.bounds) == sorted(set(metric.bounds))


def test_the_lateness_of_calls_is_split_at_the_promise() -> None:
    """Calls sent too early (0) and later than the tolerance (100 ms) can be told from the others."""
    assert {0, 100} <= set(HISTOGRAMS[0].bounds)


def test_no_key_lives_for_good() -> None:
    """What Paceline leaves on a shared Redis goes away by itself."""
    assert all(key.ttl_seconds > 0 for key in KEY_MAP)


def test_a_key_begins_with_the_namespace_and_names_its_tenant() -> None:
    """Two platforms, and two tenants, can share a server."""
    assert CAMPAIGN_KEY.name("blue", tenant=3, campaign=12) == "blue:metrics:campaign:3:12"


@pytest.mark.parametrize("part", ["", "a:b", "*", "a b", "x" * 65, "é", "a\n"])
def test_a_part_cannot_reach_into_another_key(part: str) -> None:
    """A process's name with a colon or a blank is refused before anything is written."""
    with pytest.raises(ValueError, match="cannot be the process"):
        PROCESS_KEY.name("paceline", service="dialer", process=part)


def test_a_series_is_named_by_its_label() -> None:
    """Redis keeps a labelled metric as one field per value."""
    assert ATTEMPTS_WITHHELD.field("late") == "attempts_withheld:late"
    assert NUMBERS_BY_OUTCOME.series()["numbers_by_outcome:NoAnswer"] == ("NoAnswer",)


@pytest.mark.parametrize("value", ["+12223334444", "LATE", "", None])
def test_a_label_takes_no_value_from_outside(value: str | None) -> None:
    """No input can make a series, least of all a phone number."""
    with pytest.raises(ValueError, match="has no series"):
        ATTEMPTS_WITHHELD.field(value)


def test_a_metric_without_a_label_takes_no_value() -> None:
    """A value where there is no label is a mistake, not a new field."""
    with pytest.raises(ValueError, match="calls_placed has no series"):
        CALLS_PLACED.field("late")


def test_the_tables_name_every_key_and_every_metric_once() -> None:
    """The published tables are complete, and each row has as many cells as its head."""
    tables = catalogue_markdown()
    for key in KEY_MAP:
        assert tables.count(f"| `{{namespace}}:metrics:{key.pattern}` |") == 1
    for metric in CATALOGUE:
        assert tables.count(f"| `{metric.name}` |") == 1
    widths = {line.count("|") for line in tables.splitlines() if line.startswith("|")}
    assert widths == {5, 7}
