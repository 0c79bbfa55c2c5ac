"""One outbound call as a table.

    CALLING → PROCEEDING (100) → EARLY (18x) → CONFIRMED (2xx) → TERMINATING (our BYE) → TERMINATED
       any of the first three → CANCELING → TERMINATED, or TERMINATING where a 2xx crossed our CANCEL

Two rows carry the promise that nobody is rung twice. RETRY (a new INVITE after 401, 407 or 422) exists in CALLING and
PROCEEDING only: once a 18x was seen there is no way to a second INVITE. And TIME_OUT leads to TERMINATED from
everywhere: a timeout proves nothing, so nothing follows it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.sip.errors import IllegalStep


class CallState(StrEnum):
    """Where a call stands."""

    CALLING = "CALLING"  # the INVITE has left; nothing came back
    PROCEEDING = "PROCEEDING"  # somebody works on it
    EARLY = "EARLY"  # a 18x was seen: a phone may ring
    CANCELING = "CANCELING"  # we want it to end; the final response is still to come
    CONFIRMED = "CONFIRMED"
    TERMINATING = "TERMINATING"  # our BYE is under way
    TERMINATED = "TERMINATED"


class CallInput(StrEnum):
    """What moves it."""

    TRYING = "100"
    PROGRESS = "18x"
    ANSWER = "2xx"
    REFUSAL = "3xx-6xx"
    RETRY = "challenge that can be met"
    TIME_OUT = "no response"
    ROUTE_FAILURE = "route failure"
    HANG_UP = "hang up"
    PEER_BYE = "BYE from the peer"
    BYE_DONE = "our BYE is answered or timed out"


_S, _I = CallState, CallInput

CALL: Final[Mapping[CallState, Mapping[CallInput, CallState]]] = {
    _S.CALLING: {
        _I.TRYING: _S.PROCEEDING,
        _I.PROGRESS: _S.EARLY,
        _I.ANSWER: _S.CONFIRMED,
        _I.REFUSAL: _S.TERMINATED,
        _I.RETRY: _S.CALLING,
        _I.TIME_OUT: _S.TERMINATED,
        _I.ROUTE_FAILURE: _S.TERMINATED,
        _I.HANG_UP: _S.CANCELING,
    },
    _S.PROCEEDING: {
        _I.TRYING: _S.PROCEEDING,
        _I.PROGRESS: _S.EARLY,
        _I.ANSWER: _S.CONFIRMED,
        _I.REFUSAL: _S.TERMINATED,
        _I.RETRY: _S.CALLING,
        _I.HANG_UP: _S.CANCELING,
    },
    _S.EARLY: {
        _I.TRYING: _S.EARLY,
        _I.PROGRESS: _S.EARLY,
        _I.ANSWER: _S.CONFIRMED,
        _I.REFUSAL: _S.TERMINATED,
        _I.HANG_UP: _S.CANCELING,
        _I.PEER_BYE: _S.CANCELING,  # it left before its 2xx reached us
    },
    _S.CANCELING: {
        _I.TRYING: _S.CANCELING,
        _I.PROGRESS: _S.CANCELING,
        _I.ANSWER: _S.TERMINATING,  # the 2xx crossed our CANCEL: ACK and BYE
        _I.REFUSAL: _S.TERMINATED,
        _I.TIME_OUT: _S.TERMINATED,
        _I.ROUTE_FAILURE: _S.TERMINATED,
        _I.HANG_UP: _S.CANCELING,
        _I.PEER_BYE: _S.CANCELING,
    },
    _S.CONFIRMED: {
        _I.HANG_UP: _S.TERMINATING,
        _I.PEER_BYE: _S.TERMINATED,
    },
    _S.TERMINATING: {
        _I.HANG_UP: _S.TERMINATING,
        _I.PEER_BYE: _S.TERMINATING,  # both hang up at once; ours is still answered
        _I.BYE_DONE: _S.TERMINATED,
    },
    _S.TERMINATED: {
        _I.HANG_UP: _S.TERMINATED,
    },
}


def after(state: CallState, event: CallInput) -> CallState:
    """Return the state that follows; raises IllegalStep for a pair that the table lacks."""
    try:
        return CALL[state][event]
    except KeyError:
        raise IllegalStep("call", state, event) from None


def takes(state: CallState, event: CallInput) -> bool:
    """Whether the table has this pair."""
    return event in CALL[state]
