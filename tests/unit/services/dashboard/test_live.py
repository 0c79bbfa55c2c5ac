"""What the page is told."""

from services.dashboard.campaigns import Campaign, Listed, Numbers
from services.dashboard.live import view
from shared.ports.scoreboard import ProcessReport, summed_gauges

NUMBERS = Numbers(accepted=3, ready=1, waiting=0, in_attempt=1, final=1, refused=0, duplicates=0)
CAMPAIGN = Campaign(
    campaign_id=7,
    status="RUNNING",
    start_date="2026-11-16 00:00:00",
    end_date="2026-12-05 00:00:00",
    profiles=[],
    numbers=NUMBERS,
    calls_in_progress=1,
    outcomes={"Answered": 1},
)
LISTED = Listed(shown=[CAMPAIGN], campaigns=1, calls_in_progress=1)


def report(service: str, process_id: str, **gauges: float) -> ProcessReport:
    """A process that says this of itself."""
    return ProcessReport(service=service, process_id=process_id, gauges=gauges, counters={})


def test_minutes_go_to_their_campaign() -> None:
    """Each campaign has its own calls by minute."""
    seen = view(LISTED, processes=[], minutes={7: [1, 2, 3], 8: [9]})
    assert seen["campaigns"][0]["calls_by_minute"] == [1, 2, 3]


def test_no_calls_and_no_knowledge_are_told_apart() -> None:
    """A campaign that placed no call has an empty list; without Redis nobody knows, and that is null."""
    assert view(LISTED, processes=[], minutes={})["campaigns"][0]["calls_by_minute"] == []
    blind = view(LISTED, processes=None, minutes=None)
    assert blind["campaigns"][0]["calls_by_minute"] is None
    assert blind["platform"] is None


def test_the_platform_is_described_without_other_peoples_calls() -> None:
    """A tenant learns that there are dialers, and not how busy others keep them."""
    processes = [
        report("dialer", "a", calls_in_progress=150, dialer_capacity=200, event_loop_lag_ms=1),
        report("dialer", "b", calls_in_progress=20, dialer_capacity=200, event_loop_lag_ms=9),
        report("pacer", "p"),
    ]
    assert view(LISTED, processes=processes, minutes={})["platform"] == {
        "dialers": 2,
        "pacers": 1,
        "dialer_capacity": 400,
        "event_loop_lag_ms": 9,
    }


def test_gauges_are_summed_and_delays_are_as_bad_as_the_worst() -> None:
    """Two dialers carry the sum of their calls, and are as late as the later one."""
    gauges = summed_gauges(
        [
            report("dialer", "a", calls_in_progress=1, event_loop_lag_ms=3),
            report("dialer", "b", calls_in_progress=2, event_loop_lag_ms=2),
        ]
    )
    assert gauges == {"calls_in_progress": 3, "event_loop_lag_ms": 3}


def test_a_gauge_that_nobody_reports_is_missing_and_not_zero() -> None:
    """No dialer is not the same as an idle one."""
    assert "calls_in_progress" not in summed_gauges([report("pacer", "p")])
