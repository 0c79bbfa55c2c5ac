"""How a call ended, in the words of the published APIs.

Outcomes and stages are the Voice API's (VOICE-19, VOICE-20). One table maps what the network said to an outcome,
another maps outcomes to Plum's `result`. What the network says is a SIP status and a Q.850 cause; a cause is the
better witness where both are given, because gateways fold many causes into one status (RFC 3398 section 7).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Outcome(IntEnum):
    """What became of a number; numbered as VOICE-19."""

    ANSWERED = 1
    UNOBTAINABLE = 2
    BUSY = 3
    ANSWERPHONE_MESSAGE_NOT_LEFT = 4
    ANSWERPHONE_MESSAGE_LEFT = 5
    NO_ANSWER = 6
    OVERFLOW = 7
    OUT_OF_TIME = 8
    FAX = 9
    UNKNOWN = 10
    EXCLUDED_NUMBER = 11
    NO_CONNECTION = 12
    INVALID_NUMBER = 13

    @property
    def title(self) -> str:
        """The published name, for example `NoAnswer`."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class Stage(IntEnum):
    """How far a call came; numbered as VOICE-20."""

    NONE = 0
    CORRECT_CALLEE = 1
    WRONG_CALLEE = 2
    CALL_DECLINED = 3
    CORRECT_CALLEE_HUNG_UP = 4
    WRONG_CALLEE_HUNG_UP = 5
    CALL_CENTER_HUNG_UP = 6
    CALLEE_TRANSFER_REQUEST = 7
    CALLEE_TRANSFER_ACCEPTED = 8
    EXCLUDED = 9
    ANSWERED = 10
    ANSWERPHONE_MESSAGE_NOT_LEFT = 11
    ANSWERPHONE_MESSAGE_LEFT = 12
    OPT_IN = 13
    OPT_OUT = 14
    WRONG_CALLEE_TRANSFER_REQUESTED = 15
    CALL_TRANSFERRED_TO_CALL_CENTRE = 16
    TRANSFERRED_TO_PAYMENT_LINE = 17
    CALLER_REQUESTED_CALL_BACK = 18
    WRONG_CALLEE_TRANSFER_ACCEPTED = 19
    CALL_DROPPED = 20


class CalleeType(StrEnum):
    """Who answered, as Plum's `callee_type` says it."""

    UNKNOWN = "unknown"
    VOICE = "voice"
    ANSWERING_MACHINE = "answeringmachine"
    FAX = "fax"


class Result(StrEnum):
    """Plum's `result`."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnding:
    """What is known when a call is over."""

    #: The final response to the INVITE; None when none came.
    sip_status: int | None
    #: The Q.850 cause of a Reason header (RFC 3326); None when none came.
    q850_cause: int | None = None
    #: A 18x was seen: the far end was alerting.
    rang: bool = False
    callee_type: CalleeType = CalleeType.UNKNOWN
    #: The application played its message to the end, or ended the call itself.
    message_left: bool = False
    #: Seconds between answer and hang-up; 0 for a call that was not answered.
    talk_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Disposition:
    """An outcome with its stage."""

    outcome: Outcome
    stage: Stage


#: ITU-T Q.850 causes that say more than the SIP status beside them.
_BY_CAUSE: dict[int, Disposition] = {
    1: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),  # unallocated number
    3: Disposition(Outcome.NO_CONNECTION, Stage.NONE),  # no route to destination
    17: Disposition(Outcome.BUSY, Stage.NONE),  # user busy
    18: Disposition(Outcome.NO_ANSWER, Stage.NONE),  # no user responding
    19: Disposition(Outcome.NO_ANSWER, Stage.NONE),  # alerting, no answer
    21: Disposition(Outcome.NO_ANSWER, Stage.CALL_DECLINED),  # call rejected
    22: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),  # number changed
    27: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),  # destination out of order
    28: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),  # invalid number format
    34: Disposition(Outcome.OVERFLOW, Stage.NONE),  # no circuit available
    38: Disposition(Outcome.NO_CONNECTION, Stage.NONE),  # network out of order
    41: Disposition(Outcome.NO_CONNECTION, Stage.NONE),  # temporary failure
    42: Disposition(Outcome.OVERFLOW, Stage.NONE),  # switching equipment congestion
}

_BY_STATUS: dict[int, Disposition] = {
    404: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),
    410: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),
    480: Disposition(Outcome.NO_ANSWER, Stage.NONE),
    484: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),
    486: Disposition(Outcome.BUSY, Stage.NONE),
    487: Disposition(Outcome.NO_ANSWER, Stage.NONE),  # our own CANCEL after the ring time
    503: Disposition(Outcome.OVERFLOW, Stage.NONE),
    600: Disposition(Outcome.BUSY, Stage.NONE),
    603: Disposition(Outcome.NO_ANSWER, Stage.CALL_DECLINED),
    604: Disposition(Outcome.UNOBTAINABLE, Stage.NONE),
}

_SIP_SUCCESS = range(200, 300)
_NETWORK_FAILED = Disposition(Outcome.NO_CONNECTION, Stage.NONE)
UNKNOWN = Disposition(Outcome.UNKNOWN, Stage.NONE)


def disposition_of(ending: CallEnding) -> Disposition:
    """Map what the network and the call analysis said to an outcome and a stage."""
    if ending.sip_status in _SIP_SUCCESS:
        return _answered(ending)
    if ending.q850_cause in _BY_CAUSE:
        return _BY_CAUSE[ending.q850_cause]
    if ending.sip_status is None:
        # No final response: rung and cut off by us is a no-answer; silence proves nothing about the callee.
        return Disposition(Outcome.NO_ANSWER, Stage.NONE) if ending.rang else _NETWORK_FAILED
    return _BY_STATUS.get(ending.sip_status, _NETWORK_FAILED)


def _answered(ending: CallEnding) -> Disposition:
    match ending.callee_type:
        case CalleeType.FAX:
            return Disposition(Outcome.FAX, Stage.NONE)
        case CalleeType.ANSWERING_MACHINE if ending.message_left:
            return Disposition(Outcome.ANSWERPHONE_MESSAGE_LEFT, Stage.ANSWERPHONE_MESSAGE_LEFT)
        case CalleeType.ANSWERING_MACHINE:
            return Disposition(Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT, Stage.ANSWERPHONE_MESSAGE_NOT_LEFT)
        case CalleeType.VOICE | CalleeType.UNKNOWN:
            return Disposition(Outcome.ANSWERED, Stage.ANSWERED)


#: Plum calls a call that was answered by anything completed and tells who answered in `callee_type`.
RESULT_OF: dict[Outcome, Result] = {
    Outcome.ANSWERED: Result.COMPLETED,
    Outcome.UNOBTAINABLE: Result.FAILED,
    Outcome.BUSY: Result.FAILED,
    Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT: Result.COMPLETED,
    Outcome.ANSWERPHONE_MESSAGE_LEFT: Result.COMPLETED,
    Outcome.NO_ANSWER: Result.FAILED,
    Outcome.OVERFLOW: Result.FAILED,
    Outcome.OUT_OF_TIME: Result.FAILED,
    Outcome.FAX: Result.COMPLETED,
    Outcome.UNKNOWN: Result.FAILED,
    Outcome.EXCLUDED_NUMBER: Result.REJECTED,
    Outcome.NO_CONNECTION: Result.FAILED,
    Outcome.INVALID_NUMBER: Result.REJECTED,
}
