"""How a SIP call ended, in the port's words: what was said and what was seen, without a judgement of its own.

The table of outcomes stands in the domain. Here it is only decided what a final response means that we caused
ourselves: nobody's answer came where our own CANCEL ended the call.
"""

from typing import Final

from shared.domain.disposition import CalleeType, CallEnding
from shared.sip.effects import Cause, Ended, Failed

_SUCCESS: Final = range(200, 300)
#: What the callee's side would have said, had our CANCEL been quicker than the answer.
_TERMINATED: Final = 487
#: The call was answered with audio that nobody here can carry (RFC 3261, 21.4.26).
_NOT_ACCEPTABLE: Final = 488


def ending_of_failed(failed: Failed) -> CallEnding:
    """Return the ending of a call that was not answered, or not for us.

    Rung for as long as it may, or cancelled: 487, but for one that never rang while we waited; its callee was not
    reached, and it counts as no final response at all.
    """
    status = failed.status
    if failed.cause is Cause.BAD_MEDIA:
        status = _NOT_ACCEPTABLE
    elif failed.cause is Cause.UNANSWERED and not failed.rang:
        status = None
    elif status in _SUCCESS:
        status = _TERMINATED  # answered in the instant in which we gave up
    return CallEnding(sip_status=status, q850_cause=failed.q850, rang=failed.rang)


def ending_of_answered(ended: Ended, *, callee_type: CalleeType, talk_seconds: float) -> CallEnding:
    """Return the ending of an answered call."""
    return CallEnding(
        sip_status=200,
        q850_cause=ended.q850,
        rang=True,
        callee_type=callee_type,
        talk_seconds=talk_seconds,
    )
