"""The four machines, walked pair by pair: what the tables promise, and that everything else fails loudly."""

import itertools
from collections.abc import Mapping
from enum import StrEnum

import pytest

from shared.domain.attempt import ATTEMPT, AttemptEvent, AttemptState
from shared.domain.campaign import CAMPAIGN, CampaignEvent, CampaignState
from shared.domain.delivery import DELIVERY, DeliveryEvent, DeliveryState
from shared.domain.errors import IllegalTransition
from shared.domain.number import NUMBER, NumberEvent, NumberState
from shared.domain.state_machine import StateMachine

C, N, A, D = CampaignState, NumberState, AttemptState, DeliveryState

#: Written by hand from the design, one line per legal pair; the tables must hold these and no others.
LEGAL: Mapping[str, Mapping[tuple[StrEnum, StrEnum], StrEnum]] = {
    "campaign": {
        (C.READY, CampaignEvent.START): C.RUNNING,
        (C.READY, CampaignEvent.DELETE): C.DELETED,
        (C.RUNNING, CampaignEvent.STOP): C.STOPPED,
        (C.RUNNING, CampaignEvent.COMPLETE): C.DONE,
        (C.RUNNING, CampaignEvent.DELETE): C.DELETED,
        (C.STOPPED, CampaignEvent.START): C.RUNNING,
        (C.STOPPED, CampaignEvent.DELETE): C.DELETED,
        (C.DONE, CampaignEvent.START): C.RUNNING,
        (C.DONE, CampaignEvent.DELETE): C.DELETED,
    },
    "number": {
        (N.NEW, NumberEvent.ACCEPT): N.READY,
        (N.NEW, NumberEvent.FIND_INVALID): N.INVALID,
        (N.NEW, NumberEvent.FIND_EXCLUDED): N.EXCLUDED,
        (N.INVALID, NumberEvent.CONCLUDE): N.FINAL,
        (N.EXCLUDED, NumberEvent.CONCLUDE): N.FINAL,
        (N.READY, NumberEvent.CLAIM): N.IN_ATTEMPT,
        (N.READY, NumberEvent.CONCLUDE): N.FINAL,
        (N.WAITING, NumberEvent.CLAIM): N.IN_ATTEMPT,
        (N.WAITING, NumberEvent.CONCLUDE): N.FINAL,
        (N.IN_ATTEMPT, NumberEvent.RETURN): N.READY,
        (N.IN_ATTEMPT, NumberEvent.POSTPONE): N.WAITING,
        (N.IN_ATTEMPT, NumberEvent.CONCLUDE): N.FINAL,
    },
    "attempt": {
        (A.PLANNED, AttemptEvent.LEASE): A.LEASED,
        (A.PLANNED, AttemptEvent.WITHHOLD): A.WITHHELD,
        (A.LEASED, AttemptEvent.EXPIRE): A.PLANNED,
        (A.LEASED, AttemptEvent.INTEND): A.DIALING,
        (A.LEASED, AttemptEvent.WITHHOLD): A.WITHHELD,
        (A.DIALING, AttemptEvent.RING): A.RINGING,
        (A.DIALING, AttemptEvent.ANSWER): A.IN_CALL,
        (A.DIALING, AttemptEvent.END): A.DONE,
        (A.DIALING, AttemptEvent.EXPIRE): A.UNKNOWN,
        (A.DIALING, AttemptEvent.WITHHOLD): A.WITHHELD,
        (A.RINGING, AttemptEvent.ANSWER): A.IN_CALL,
        (A.RINGING, AttemptEvent.END): A.DONE,
        (A.RINGING, AttemptEvent.EXPIRE): A.UNKNOWN,
        (A.IN_CALL, AttemptEvent.END): A.DONE,
        (A.IN_CALL, AttemptEvent.EXPIRE): A.UNKNOWN,
        (A.UNKNOWN, AttemptEvent.END): A.DONE,
        (A.UNKNOWN, AttemptEvent.GIVE_UP): A.DONE,
        (A.UNKNOWN, AttemptEvent.WITHHOLD): A.WITHHELD,
    },
    "delivery": {
        (D.QUEUED, DeliveryEvent.CLAIM): D.SENDING,
        (D.QUEUED, DeliveryEvent.PARK): D.PARKED,
        (D.RETRY, DeliveryEvent.CLAIM): D.SENDING,
        (D.RETRY, DeliveryEvent.PARK): D.PARKED,
        (D.SENDING, DeliveryEvent.ACCEPT): D.DELIVERED,
        (D.SENDING, DeliveryEvent.POSTPONE): D.RETRY,
        (D.SENDING, DeliveryEvent.EXPIRE): D.RETRY,
        (D.SENDING, DeliveryEvent.FAIL): D.FAILED,
        (D.SENDING, DeliveryEvent.PARK): D.PARKED,
        (D.DELIVERED, DeliveryEvent.REQUEUE): D.QUEUED,
        (D.FAILED, DeliveryEvent.REQUEUE): D.QUEUED,
        (D.PARKED, DeliveryEvent.REQUEUE): D.QUEUED,
    },
}

MACHINES: list[tuple[StateMachine[StrEnum, StrEnum], type[StrEnum], type[StrEnum]]] = [
    (CAMPAIGN, CampaignState, CampaignEvent),  # type: ignore[list-item]  # the table is read, never written
    (NUMBER, NumberState, NumberEvent),  # type: ignore[list-item]  # as above
    (ATTEMPT, AttemptState, AttemptEvent),  # type: ignore[list-item]  # as above
    (DELIVERY, DeliveryState, DeliveryEvent),  # type: ignore[list-item]  # as above
]
PAIRS = [
    pytest.param(machine, state, event, id=f"{machine.name}: {state} {event}")
    for machine, states, events in MACHINES
    for state, event in itertools.product(states, events)
]


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS)
def test_every_pair_is_as_designed(
    machine: StateMachine[StrEnum, StrEnum], state: StrEnum, event: StrEnum
) -> None:
    """A legal pair leads where the design says; every other pair is an error that names machine, state and event."""
    expected = LEGAL[machine.name].get((state, event))
    if expected is not None:
        assert machine.after(state, event) is expected
        assert machine.takes(state, event)
        assert state in machine.before(event)
        return
    assert not machine.takes(state, event)
    with pytest.raises(IllegalTransition) as caught:
        machine.after(state, event)
    assert (caught.value.machine, caught.value.state, caught.value.event) == (machine.name, state, event)


@pytest.mark.parametrize(("machine", "states"), [(machine, states) for machine, states, _ in MACHINES])
def test_every_state_stands_in_the_table(
    machine: StateMachine[StrEnum, StrEnum], states: type[StrEnum]
) -> None:
    """A state without a row would be an end by oversight; an end is written down as an empty row."""
    assert set(machine.table) == set(states)


def test_no_attempt_is_dialed_again_once_the_intent_is_committed() -> None:
    """From DIALING on no path leads back to PLANNED or LEASED: nobody redials by reflex."""
    reached, frontier = {A.DIALING}, [A.DIALING]
    while frontier:
        for following in ATTEMPT.table[frontier.pop()].values():
            if following not in reached:
                reached.add(following)
                frontier.append(following)
    assert reached.isdisjoint({A.PLANNED, A.LEASED})
