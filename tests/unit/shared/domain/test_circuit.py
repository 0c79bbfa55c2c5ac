"""When a receiver is left alone, and when it is tried again."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.circuit import (
    CIRCUIT,
    FEWEST_SAMPLES,
    LONGEST_PAUSE_SECONDS,
    WINDOW,
    Circuit,
    CircuitEvent,
    CircuitState,
    TriesReport,
    after_report,
    pause_seconds,
    report_of,
    unknown_origin,
)
from shared.domain.errors import IllegalTransition

S, E = CircuitState, CircuitEvent
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
#: Written by hand from the promise; the table must hold these pairs and no others.
LEGAL: Mapping[tuple[CircuitState, CircuitEvent], CircuitState] = {
    (S.CLOSED, E.TRIP): S.OPEN,
    (S.OPEN, E.PROBE): S.PROBING,
    (S.OPEN, E.RECOVER): S.CLOSED,
    (S.PROBING, E.PROBE): S.PROBING,
    (S.PROBING, E.RECOVER): S.CLOSED,
    (S.PROBING, E.RELAPSE): S.OPEN,
}


def circuit(state: CircuitState, *, samples: int = 0, failures: int = 0, times_opened: int = 0) -> Circuit:
    """A circuit whose window began just now, and whose pause, if there is one, is over in ten seconds."""
    shut_until = None if state is S.CLOSED else NOW + timedelta(seconds=10)
    return Circuit(
        state=state,
        window_began_at=NOW,
        samples=samples,
        failures=failures,
        times_opened=times_opened,
        shut_until=shut_until,
    )


def tries(answered: int = 0, failed: int = 0, *, probe_answered: bool | None = None) -> TriesReport:
    """A report."""
    return TriesReport(answered=answered, failed=failed, probe_answered=probe_answered)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_every_pair_is_as_promised(state: CircuitState, event: CircuitEvent) -> None:
    """A legal pair leads where the promise says; every other pair is an error."""
    if (state, event) in LEGAL:
        assert CIRCUIT.after(state, event) is LEGAL[state, event]
    else:
        with pytest.raises(IllegalTransition):
            CIRCUIT.after(state, event)


@pytest.mark.parametrize(
    ("before", "report", "state"),
    [
        # CLOSED: tries are counted, and enough failures among enough tries open it.
        (circuit(S.CLOSED), tries(failed=9), S.CLOSED),
        (circuit(S.CLOSED), tries(failed=10), S.OPEN),
        (circuit(S.CLOSED), tries(answered=5, failed=5), S.OPEN),
        (circuit(S.CLOSED), tries(answered=6, failed=5), S.CLOSED),
        (circuit(S.CLOSED, samples=9, failures=4), tries(failed=1), S.OPEN),
        (circuit(S.CLOSED, samples=9, failures=4), tries(answered=1), S.CLOSED),
        (circuit(S.CLOSED, samples=100, failures=49), tries(failed=1), S.CLOSED),
        (circuit(S.CLOSED, samples=98, failures=49), tries(answered=1), S.CLOSED),
        # A probe whose answer comes when others have closed the circuit is a try like any other.
        (circuit(S.CLOSED, samples=9, failures=9), tries(failed=1, probe_answered=False), S.OPEN),
        # OPEN: what was under way says nothing new; only a probe's answer does.
        (circuit(S.OPEN, times_opened=1), tries(failed=100), S.OPEN),
        (circuit(S.OPEN, times_opened=1), tries(answered=100), S.OPEN),
        (circuit(S.OPEN, times_opened=1), tries(failed=1, probe_answered=False), S.OPEN),
        (circuit(S.OPEN, times_opened=1), tries(answered=1, probe_answered=True), S.CLOSED),
        # PROBING: the probe decides, whatever else comes in.
        (circuit(S.PROBING, times_opened=1), tries(failed=100), S.PROBING),
        (circuit(S.PROBING, times_opened=1), tries(answered=100), S.PROBING),
        (circuit(S.PROBING, times_opened=1), tries(answered=3, failed=1, probe_answered=False), S.OPEN),
        (circuit(S.PROBING, times_opened=1), tries(answered=1, failed=7, probe_answered=True), S.CLOSED),
    ],
)
def test_a_report_has_the_promised_consequence(
    before: Circuit, report: TriesReport, state: CircuitState
) -> None:
    """Every row: a circuit, what came of some tries, and where the circuit stands after them."""
    after = after_report(before, report, NOW)
    assert after.state is state
    assert (after.shut_until is None) == (state is S.CLOSED)


def test_a_circuit_that_did_not_move_is_what_it_was() -> None:
    """While it is open, tries that were under way change neither its pause nor its counts."""
    before = circuit(S.OPEN, samples=10, failures=10, times_opened=2)
    assert after_report(before, tries(answered=4, failed=4), NOW) == before
    assert after_report(before, tries(failed=1, probe_answered=False), NOW) == before


def test_tries_of_more_than_a_minute_are_not_added_up() -> None:
    """Nine failures and one more an instant before the minute is over open the circuit; at its end they do not."""
    nine = after_report(unknown_origin(NOW), tries(failed=9), NOW)
    one_more = tries(failed=1)
    assert after_report(nine, one_more, NOW + WINDOW - timedelta(microseconds=1)).state is S.OPEN
    later = after_report(nine, one_more, NOW + WINDOW)
    assert (later.state, later.samples, later.failures) == (S.CLOSED, 1, 1)
    assert later.window_began_at == NOW + WINDOW


def test_the_pause_doubles_with_each_failed_probe_up_to_ten_minutes() -> None:
    """30 s, 1 min, 2, 4, 8, then 10 for good."""
    state = after_report(unknown_origin(NOW), tries(failed=FEWEST_SAMPLES), NOW)
    pauses = []
    for _ in range(8):
        assert state.shut_until is not None
        pauses.append((state.shut_until - NOW).total_seconds())
        probing = circuit(S.PROBING, times_opened=state.times_opened)
        state = after_report(probing, tries(failed=1, probe_answered=False), NOW)
    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600]


@given(st.integers(min_value=1, max_value=10**9))
def test_no_pause_is_longer_than_the_longest(times_opened: int) -> None:
    """However long a receiver is down, it is asked again within ten minutes."""
    assert 30 <= pause_seconds(times_opened) <= LONGEST_PAUSE_SECONDS


def test_a_receiver_that_is_back_begins_anew() -> None:
    """After a recovery the next failures count from nothing and the next pause is the first."""
    back = after_report(circuit(S.PROBING, times_opened=6), tries(answered=1, probe_answered=True), NOW)
    assert back == unknown_origin(NOW)
    assert back.is_forgettable
    again = after_report(back, tries(failed=FEWEST_SAMPLES), NOW)
    assert again.shut_until == NOW + timedelta(seconds=30)


def test_nothing_is_remembered_of_a_receiver_that_only_answered() -> None:
    """Successes alone leave nothing worth a row; one failure does."""
    assert after_report(unknown_origin(NOW), tries(answered=50), NOW).is_forgettable
    assert not after_report(unknown_origin(NOW), tries(answered=50, failed=1), NOW).is_forgettable


@pytest.mark.parametrize(
    ("status", "is_failure"),
    [
        (None, True),
        (200, False),
        (204, False),
        (301, False),
        (400, False),
        (404, False),
        (410, False),
        (429, True),
        (499, False),
        (500, True),
        (503, True),
        (599, True),
    ],
)
@pytest.mark.parametrize("was_probe", [True, False])
def test_only_what_the_whole_origin_suffers_from_counts_against_it(
    status: int | None, is_failure: bool, was_probe: bool
) -> None:
    """No answer, 429 and 5xx count; any other status proves that the origin answers."""
    report = report_of(status, was_probe=was_probe)
    assert (report.answered, report.failed) == (int(not is_failure), int(is_failure))
    assert report.probe_answered is ((not is_failure) if was_probe else None)


@given(
    st.lists(
        st.builds(
            TriesReport,
            answered=st.integers(0, 20),
            failed=st.integers(0, 20),
            probe_answered=st.sampled_from([None, True, False]),
        )
    )
)
def test_reports_add_up(reports: list[TriesReport]) -> None:
    """Counts are sums, and the last probe that was heard of decides."""
    whole = TriesReport()
    for report in reports:
        whole = whole.and_then(report)
    assert (whole.answered, whole.failed) == (
        sum(r.answered for r in reports),
        sum(r.failed for r in reports),
    )
    heard = [r.probe_answered for r in reports if r.probe_answered is not None]
    assert whole.probe_answered is (heard[-1] if heard else None)
