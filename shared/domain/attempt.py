"""An attempt's life: the promise that nobody is called twice by mistake.

    PLANNED --lease, epoch+1--> LEASED --intent, gates--> DIALING --> RINGING --> IN_CALL --> DONE
       ^                          |                        (any of the three: lease expired)
       +----- lease expired ------+                                   |
                                                             UNKNOWN (quarantine) --> DONE
    PLANNED | LEASED, and DIALING | UNKNOWN that provably never rang --> WITHHELD(reason)

The *intent* is committed before the INVITE leaves. Until then a dead worker costs nothing: the lease runs out and
the attempt is planned again, the only free way back. From then on nobody can prove that the phone did not ring,
so nobody dials this attempt again: it ends as it was reported, or, after a quarantine longer than the longest
call, as an honest UNKNOWN. A worker that was cut off before it sent anything, and says so within the quarantine, is
such a report. Every write compares state and epoch, so a worker that wakes later changes nothing.
"""

from enum import StrEnum

from shared.domain.state_machine import StateMachine


class AttemptState(StrEnum):
    """Where an attempt stands."""

    PLANNED = "PLANNED"  # has its due instant; the doorbell rang or will
    LEASED = "LEASED"  # one worker holds it until lease_until
    DIALING = "DIALING"  # the intent is committed; the INVITE may have left
    RINGING = "RINGING"
    IN_CALL = "IN_CALL"
    UNKNOWN = "UNKNOWN"  # its worker went silent after the intent: quarantine
    WITHHELD = "WITHHELD"  # was not a call; costs no try
    DONE = "DONE"  # was a call, with an outcome


class AttemptEvent(StrEnum):
    """What moves an attempt."""

    LEASE = "lease"
    EXPIRE = "expire"  # the lease ran out by Postgres' clock
    INTEND = "intend"  # the gates passed; the INVITE may leave from now on
    RING = "ring"
    ANSWER = "answer"
    END = "end"  # the call is over, by report; a late report within the quarantine counts too
    GIVE_UP = "give_up"  # the quarantine is over and no report came
    WITHHOLD = "withhold"  # a gate refused, too late, no trunk, or proof that it never rang


ATTEMPT = StateMachine[AttemptState, AttemptEvent](
    "attempt",
    {
        AttemptState.PLANNED: {
            AttemptEvent.LEASE: AttemptState.LEASED,
            AttemptEvent.WITHHOLD: AttemptState.WITHHELD,
        },
        AttemptState.LEASED: {
            AttemptEvent.EXPIRE: AttemptState.PLANNED,
            AttemptEvent.INTEND: AttemptState.DIALING,
            AttemptEvent.WITHHOLD: AttemptState.WITHHELD,
        },
        AttemptState.DIALING: {
            AttemptEvent.RING: AttemptState.RINGING,
            AttemptEvent.ANSWER: AttemptState.IN_CALL,
            AttemptEvent.END: AttemptState.DONE,
            AttemptEvent.EXPIRE: AttemptState.UNKNOWN,
            AttemptEvent.WITHHOLD: AttemptState.WITHHELD,
        },
        AttemptState.RINGING: {
            AttemptEvent.ANSWER: AttemptState.IN_CALL,
            AttemptEvent.END: AttemptState.DONE,
            AttemptEvent.EXPIRE: AttemptState.UNKNOWN,
        },
        AttemptState.IN_CALL: {
            AttemptEvent.END: AttemptState.DONE,
            AttemptEvent.EXPIRE: AttemptState.UNKNOWN,
        },
        AttemptState.UNKNOWN: {
            AttemptEvent.END: AttemptState.DONE,
            AttemptEvent.GIVE_UP: AttemptState.DONE,
            AttemptEvent.WITHHOLD: AttemptState.WITHHELD,
        },
        AttemptState.WITHHELD: {},
        AttemptState.DONE: {},
    },
)

#: The states in which a worker holds the attempt and renews its lease.
HELD = frozenset({AttemptState.LEASED, AttemptState.DIALING, AttemptState.RINGING, AttemptState.IN_CALL})
