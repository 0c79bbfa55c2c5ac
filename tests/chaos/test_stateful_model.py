"""The road of a number by its tables alone, walked by hypothesis: whatever happens in whatever order, what holds holds.

And the walk itself is put to the test: it takes every row of the tables and comes through every situation in which
dialers break, and with any of these tables a little weaker, it must find out.
"""

from collections import Counter
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from typing_extensions import override

from shared.domain.attempt import ATTEMPT, AttemptEvent, AttemptState
from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.errors import IllegalTransition
from shared.domain.number import NUMBER, NumberEvent, NumberState
from shared.domain.state_machine import Event, State, StateMachine
from tests.chaos.model.machine import RoadMachine
from tests.chaos.model.road import Tables
from tests.chaos.model.walks import search, walk_until

A, D, E, N = AttemptState, DeliveryState, AttemptEvent, NumberState
#: As many as take a few seconds. One that fails is shrunk and printed.
WALKS = settings(
    max_examples=400, stateful_step_count=30, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
#: A weaker table is broken within a handful of walks; nobody needs the shortest.
SEARCH = settings(parent=WALKS, phases=[Phase.generate], report_multiple_bugs=False, print_blob=False)


class Walked(StateMachine[State, Event]):
    """A table that remembers which of its rows were taken."""

    taken: ClassVar[set[tuple[str, StrEnum, StrEnum]]] = set()

    @override
    def after(self, state: State, event: Event) -> State:
        following = super().after(state, event)
        self.taken.add((self.name, state, event))
        return following


class Watched(RoadMachine):
    """The walk on the production tables, with all that it met."""

    met: ClassVar[Counter[str]] = Counter()
    tables = Tables(
        attempt=Walked(ATTEMPT.name, ATTEMPT.table),
        number=Walked(NUMBER.name, NUMBER.table),
        delivery=Walked(DELIVERY.name, DELIVERY.table),
    )


@pytest.fixture(scope="module")
def watched() -> type[Watched]:
    """All walks, walked once: I1 to I6, I10 and I13 after every step, and in the end everything comes to rest."""
    Watched.met.clear()
    Walked.taken.clear()
    walk_until(lambda: Watched.met.keys() >= SITUATIONS and len(Walked.taken) == len(WALKED), Watched, WALKS)
    return Watched


#: Rows that the walk has no rule for: a list is taken in, a window closes for good, a person replays a delivery.
NOT_WALKED = {
    ("number", N.NEW, NumberEvent.ACCEPT),
    ("number", N.NEW, NumberEvent.FIND_INVALID),
    ("number", N.NEW, NumberEvent.FIND_EXCLUDED),
    ("number", N.INVALID, NumberEvent.CONCLUDE),
    ("number", N.EXCLUDED, NumberEvent.CONCLUDE),
    ("number", N.READY, NumberEvent.CONCLUDE),
    ("number", N.WAITING, NumberEvent.CONCLUDE),
    ("delivery", D.DELIVERED, DeliveryEvent.REQUEUE),
    ("delivery", D.FAILED, DeliveryEvent.REQUEUE),
    ("delivery", D.PARKED, DeliveryEvent.REQUEUE),
}
WALKED = {
    (machine.name, state, event)
    for machine in (ATTEMPT, NUMBER, DELIVERY)
    for state, row in machine.table.items()
    for event in row
} - NOT_WALKED


def test_the_tables_keep_every_promise_in_every_row(watched: type[Watched]) -> None:
    """No promise breaks on any walk, and no row of the tables is one that no walk takes."""
    assert watched.met
    assert Walked.taken == WALKED


#: What the walks must come upon.
SITUATIONS = {
    "planned: both who wait and who are in line",
    "planned: more who wait than there is room for",
    "planned: who came back behind the cursor",
    "rung for: PLANNED",
    "rung for: LEASED",
    "rung for: DIALING",
    "rung for: IN_CALL",
    "rung for: UNKNOWN",
    "rung for: DONE",
    "rung for: WITHHELD",
    "leased: free",
    "leased: on another call",
    "intended: in time",
    "intended: it is PLANNED",
    "intended: leased to another",
    "intended: the lease is over",
    "intended: stopped",
    "intended: stopped and started again",
    "intended: held",
    "intended: blocked",
    "intended: late",
    "ring: its own, DIALING",
    "ring: its own, IN_CALL",
    "ring: its own, UNKNOWN",
    "answer: its own, DIALING",
    "answer: its own, UNKNOWN",
    "renewed: its own, LEASED",
    "renewed: its own, LEASED, lease over",
    "renewed: its own, IN_CALL",
    "renewed: its own, UNKNOWN",
    "renewed: its own, DONE",
    "renewed: another's, LEASED",
    "renewed: another's, DIALING",
    "reported: its own, DIALING",
    "reported: its own, RINGING",
    "reported: its own, IN_CALL",
    "reported: its own, UNKNOWN",
    "reported: its own, DONE",
    "withheld: its own, PLANNED",
    "withheld: its own, LEASED",
    "withheld: its own, DIALING",
    "withheld: its own, UNKNOWN",
    "withheld: its own, DONE",
    "withheld: another's, LEASED",
    "withheld: another's, DIALING",
    "claimed: QUEUED",
    "claimed: QUEUED, receiver disabled",
    "claimed: RETRY",
    "claimed: SENDING",
    "posted: accept",
    "posted: postpone",
    "posted: fail",
    "posted: park",
    "posted: park, with others that wait",
    "posted: its own, SENDING, lease over",
    "posted: another's, SENDING",
}


def test_the_walk_comes_through_every_situation(watched: type[Watched]) -> None:
    """A situation that no walk came upon would be one of which nothing was shown."""
    assert SITUATIONS - watched.met.keys() == set()


def _attempt(state: AttemptState, event: AttemptEvent, to: AttemptState) -> Tables:
    table = {**ATTEMPT.table, state: {**ATTEMPT.table[state], event: to}}
    return Tables(attempt=replace(ATTEMPT, table=table))


def _number(state: NumberState, event: NumberEvent, to: NumberState) -> Tables:
    return Tables(number=replace(NUMBER, table={**NUMBER.table, state: {**NUMBER.table[state], event: to}}))


def _delivery(state: DeliveryState, event: DeliveryEvent, to: DeliveryState) -> Tables:
    table = {**DELIVERY.table, state: {**DELIVERY.table[state], event: to}}
    return Tables(delivery=replace(DELIVERY, table=table))


WEAKER = {
    "a lost call is planned again": _attempt(A.DIALING, E.EXPIRE, A.PLANNED),
    "a call that was lost while it rang is planned again": _attempt(A.RINGING, E.EXPIRE, A.PLANNED),
    "a lost call is withheld": _attempt(A.IN_CALL, E.EXPIRE, A.WITHHELD),
    "a call ends twice": _attempt(A.DONE, E.END, A.DONE),
    "what was given up can be given back": _attempt(A.DONE, E.WITHHOLD, A.WITHHELD),
    "an attempt that came back is dialed at once": _attempt(A.PLANNED, E.INTEND, A.DIALING),
    "a number whose attempt was withheld is final": _number(N.IN_ATTEMPT, NumberEvent.RETURN, N.FINAL),
    "a number that waits is forgotten": _number(N.IN_ATTEMPT, NumberEvent.POSTPONE, N.IN_ATTEMPT),
    "a lost post counts as delivered": _delivery(D.SENDING, DeliveryEvent.EXPIRE, D.DELIVERED),
    "a receiver's refusal counts as delivered": _delivery(D.SENDING, DeliveryEvent.POSTPONE, D.DELIVERED),
}


@pytest.mark.parametrize("weakness", WEAKER)
def test_a_weaker_table_is_found_out(weakness: str) -> None:
    """The walk comes upon an order of steps in which the weakness tells."""

    class Weaker(RoadMachine):
        met: ClassVar[Counter[str]] = Counter()
        tables = WEAKER[weakness]

    with pytest.raises((AssertionError, IllegalTransition)):
        search(Weaker, SEARCH)
