"""A number's life inside one campaign.

`NEW -> INVALID | EXCLUDED | READY -> IN_ATTEMPT -> WAITING -> ... -> FINAL`. Conservation holds at all times:
accepted = ready + waiting + in attempt + final. A number is FINAL if and only if it has exactly one result.
NEW, INVALID and EXCLUDED exist only inside the transaction that takes a number in; the others are stored.
"""

from enum import StrEnum

from shared.domain.state_machine import StateMachine


class NumberState(StrEnum):
    """Where a number stands in its campaign."""

    NEW = "NEW"
    INVALID = "INVALID"  # no network could route it
    EXCLUDED = "EXCLUDED"  # on the tenant's blocklist
    READY = "READY"  # in line, by batch and line
    IN_ATTEMPT = "IN_ATTEMPT"  # claimed for an attempt that is not over
    WAITING = "WAITING"  # not before its next_at
    FINAL = "FINAL"  # has its one result


class NumberEvent(StrEnum):
    """What moves a number."""

    ACCEPT = "accept"
    FIND_INVALID = "find_invalid"
    FIND_EXCLUDED = "find_excluded"
    CLAIM = "claim"  # the pacer planned an attempt
    RETURN = "return"  # the attempt was withheld: back in line, no try spent
    POSTPONE = "postpone"  # another try, or the same one, at a later instant
    CONCLUDE = "conclude"  # the one result is written


NUMBER = StateMachine[NumberState, NumberEvent](
    "number",
    {
        NumberState.NEW: {
            NumberEvent.ACCEPT: NumberState.READY,
            NumberEvent.FIND_INVALID: NumberState.INVALID,
            NumberEvent.FIND_EXCLUDED: NumberState.EXCLUDED,
        },
        NumberState.INVALID: {NumberEvent.CONCLUDE: NumberState.FINAL},
        NumberState.EXCLUDED: {NumberEvent.CONCLUDE: NumberState.FINAL},
        NumberState.READY: {
            NumberEvent.CLAIM: NumberState.IN_ATTEMPT,
            NumberEvent.CONCLUDE: NumberState.FINAL,
        },
        NumberState.WAITING: {
            NumberEvent.CLAIM: NumberState.IN_ATTEMPT,
            NumberEvent.CONCLUDE: NumberState.FINAL,
        },
        NumberState.IN_ATTEMPT: {
            NumberEvent.RETURN: NumberState.READY,
            NumberEvent.POSTPONE: NumberState.WAITING,
            NumberEvent.CONCLUDE: NumberState.FINAL,
        },
        NumberState.FINAL: {},
    },
)
