"""The transactions' tables: every pair of state and event, and the timers of every state."""

import itertools

import pytest

from shared.sip.errors import IllegalStep
from shared.sip.timing import Timer, Timings
from shared.sip.transaction import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    Do,
    Transaction,
    TxEvent,
    TxMachine,
    TxState,
    event_of,
)

_MACHINES = [INVITE_CLIENT, CLIENT, INVITE_SERVER, SERVER]
_EVENTS: list[TxEvent | Timer] = [*TxEvent, *Timer]
#: What the network may send to each kind at any moment.
_FROM_OUTSIDE = {
    INVITE_CLIENT.name: (TxEvent.PROVISIONAL, TxEvent.SUCCESS, TxEvent.FAILURE),
    CLIENT.name: (TxEvent.PROVISIONAL, TxEvent.SUCCESS, TxEvent.FAILURE),
    INVITE_SERVER.name: (TxEvent.REQUEST,),
    SERVER.name: (TxEvent.REQUEST,),
}


@pytest.mark.parametrize("machine", _MACHINES, ids=lambda machine: machine.name)
def test_every_pair_leads_where_the_table_says_or_fails_loudly(machine: TxMachine) -> None:
    """A pair with a row makes its step; every other pair raises and changes nothing."""
    for state, event in itertools.product(machine.table, _EVENTS):
        transaction = Transaction(machine, Timings())
        transaction.state = state
        row = machine.table[state].get(event)
        if row is None:
            with pytest.raises(IllegalStep):
                transaction._step(event, 0.0)
            assert transaction.state is state
        else:
            assert transaction._step(event, 0.0) == row[1]
            assert transaction.state is row[0]


@pytest.mark.parametrize("machine", _MACHINES, ids=lambda machine: machine.name)
def test_every_state_takes_what_the_network_may_send_and_its_own_timers(machine: TxMachine) -> None:
    """No datagram and no timer that runs in a state can meet a missing row."""
    for state, row in machine.table.items():
        if state is TxState.TERMINATED:
            assert row == {}
            continue
        assert set(_FROM_OUTSIDE[machine.name]) <= set(row)
        timers = {event for event in row if isinstance(event, Timer)}
        assert timers == set(machine.timers.get(state, ()))


@pytest.mark.parametrize("machine", _MACHINES, ids=lambda machine: machine.name)
def test_every_state_is_reached_and_can_end(machine: TxMachine) -> None:
    """From the start every state is reachable, and from every state TERMINATED is."""
    edges = {state: {step[0] for step in row.values()} for state, row in machine.table.items()}

    def reached(start: TxState) -> set[TxState]:
        seen, todo = {start}, [start]
        while todo:
            for after in edges[todo.pop()] - seen:
                seen.add(after)
                todo.append(after)
        return seen

    assert reached(machine.start) == set(machine.table)
    assert all(TxState.TERMINATED in reached(state) for state in machine.table)


def _run(transaction: Transaction, until: float) -> list[tuple[float, Do]]:
    """Fire the timers on time; return what was asked for and when."""
    done: list[tuple[float, Do]] = []
    while (deadline := transaction.deadline) is not None and deadline <= until:
        done += [(round(deadline, 3), step) for step in transaction.expire(deadline)]
    return done


def test_an_invite_is_repeated_by_timer_a_and_given_up_by_timer_b() -> None:
    """0.5, 1.5, 3.5, 7.5, 15.5, 31.5 seconds, and the time-out at 32 (17.1.1.2); then M runs out."""
    transaction = Transaction(INVITE_CLIENT, Timings())
    transaction.begin(0.0)
    sends = [(at, Do.SEND) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert _run(transaction, 32.0) == [*sends, (32.0, Do.TIME_OUT)]
    assert transaction.state is TxState.ABANDONED
    assert _run(transaction, 64.0) == []
    assert transaction.over
    assert transaction.deadline is None


def test_another_request_is_repeated_by_timer_e_up_to_t2() -> None:
    """Doubling to 4 s, given up at 32 s by timer F (17.1.2.2)."""
    transaction = Transaction(CLIENT, Timings())
    transaction.begin(0.0)
    sends = [(at, Do.SEND) for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)]
    assert _run(transaction, 40.0) == [*sends, (32.0, Do.TIME_OUT)]
    assert transaction.over


def test_a_provisional_slows_another_request_down_to_t2() -> None:
    """In PROCEEDING timer E waits T2, and F goes on."""
    transaction = Transaction(CLIENT, Timings())
    transaction.begin(0.0)
    transaction.take(TxEvent.PROVISIONAL, 0.1)
    assert _run(transaction, 40.0)[:3] == [(0.5, Do.SEND), (4.5, Do.SEND), (8.5, Do.SEND)]
    assert transaction.over


def test_a_provisional_ends_the_repetition_of_an_invite_without_a_limit() -> None:
    """In PROCEEDING an INVITE has no timer: ringing is bounded by its user."""
    transaction = Transaction(INVITE_CLIENT, Timings())
    transaction.begin(0.0)
    transaction.take(TxEvent.PROVISIONAL, 0.1)
    assert transaction.deadline is None


@pytest.mark.parametrize(
    ("machine", "events", "ends_at"),
    [
        (INVITE_CLIENT, (TxEvent.FAILURE,), 32.0),  # D
        (INVITE_CLIENT, (TxEvent.SUCCESS,), 32.0),  # M
        (CLIENT, (TxEvent.SUCCESS,), 5.0),  # K
        (SERVER, (TxEvent.SUCCESS,), 32.0),  # J
        (INVITE_SERVER, (TxEvent.FAILURE, TxEvent.ACK), 5.0),  # I
        (INVITE_SERVER, (TxEvent.SUCCESS, TxEvent.ACK), 32.0),  # L
    ],
)
def test_a_finished_transaction_lingers_for_stragglers(
    machine: TxMachine, events: tuple[TxEvent, ...], ends_at: float
) -> None:
    """Each final state waits as long as its timer says, in silence, and is over."""
    transaction = Transaction(machine, Timings())
    transaction.begin(0.0)
    for event in events:
        transaction.take(event, 0.0)
    assert not _run(transaction, ends_at - 0.001)
    assert not transaction.over
    assert not _run(transaction, ends_at)
    assert transaction.over


def test_a_late_clock_sends_no_burst() -> None:
    """A loop that slept for 20 seconds repeats a request once, not for every time that it missed."""
    transaction = Transaction(CLIENT, Timings())
    transaction.begin(0.0)
    assert transaction.expire(20.0) == [Do.SEND]
    assert transaction.expire(33.0) == [Do.TIME_OUT]


def test_a_refusal_of_ours_is_repeated_until_its_ack() -> None:
    """Timer G doubles to T2 and H ends it; a 2xx is repeated likewise, and its missing ACK is told."""
    refused = Transaction(INVITE_SERVER, Timings())
    refused.begin(0.0)
    refused.take(TxEvent.FAILURE, 0.0)
    assert len(_run(refused, 100.0)) == 10
    assert refused.over
    accepted = Transaction(INVITE_SERVER, Timings())
    accepted.begin(0.0)
    accepted.take(TxEvent.SUCCESS, 0.0)
    done = _run(accepted, 100.0)
    assert len(done) == 11
    assert done[-1] == (32.0, Do.NO_ACK)


def test_the_classes_of_status_codes() -> None:
    """1xx, 2xx and the rest are three events."""
    assert [event_of(status).value for status in (100, 199, 200, 299, 300, 699)] == [
        "1xx",
        "1xx",
        "2xx",
        "2xx",
        "3xx-6xx",
        "3xx-6xx",
    ]
