"""The call's table: every pair, and the promises that can be read off it."""

import itertools

import pytest

from shared.sip.call_table import CALL, CallInput, CallState, after, takes
from shared.sip.errors import IllegalStep


def test_every_pair_leads_where_the_table_says_or_fails_loudly() -> None:
    """A pair with a row leads there; every other raises."""
    for state, event in itertools.product(CallState, CallInput):
        assert takes(state, event) is (event in CALL[state])
        if event in CALL[state]:
            assert after(state, event) is CALL[state][event]
        else:
            with pytest.raises(IllegalStep):
                after(state, event)


def test_after_18x_no_way_leads_to_a_second_invite() -> None:
    """From EARLY on, CALLING cannot be reached."""
    seen, todo = {CallState.EARLY}, [CallState.EARLY]
    while todo:
        for state in set(CALL[todo.pop()].values()) - seen:
            seen.add(state)
            todo.append(state)
    assert CallState.CALLING not in seen
    assert not any(takes(state, CallInput.RETRY) for state in seen)


def test_a_time_out_is_never_followed_by_anything() -> None:
    """Wherever a time-out is possible, it ends the call."""
    assert {row[CallInput.TIME_OUT] for row in CALL.values() if CallInput.TIME_OUT in row} == {
        CallState.TERMINATED
    }


def test_every_state_takes_hanging_up_and_reaches_the_end() -> None:
    """hang_up() is legal everywhere, and TERMINATED can be reached from everywhere."""
    assert all(takes(state, CallInput.HANG_UP) for state in CallState)
    for start in CallState:
        seen, todo = {start}, [start]
        while todo:
            for state in set(CALL[todo.pop()].values()) - seen:
                seen.add(state)
                todo.append(state)
        assert CallState.TERMINATED in seen


def test_what_the_network_can_cause_before_the_answer_has_a_row() -> None:
    """Provisional, final and successful responses are taken in every state that waits for the INVITE's outcome."""
    waiting = (CallState.CALLING, CallState.PROCEEDING, CallState.EARLY, CallState.CANCELING)
    expected = {CallInput.TRYING, CallInput.PROGRESS, CallInput.ANSWER, CallInput.REFUSAL}
    assert all(expected <= set(CALL[state]) for state in waiting)
