"""What a simulated call will come to, known before it is placed: the callee's part of it, without the waiting.

A callee is drawn from the number and the seed, so that a forecast and the call itself meet the same one. What the
application does cannot be foreseen. It is taken to leave its message, and whoever answers to stay as long as patience
lasts: neither changes who is called again, save that an application that fails at an answering machine leaves none.
"""

from dataclasses import replace

from shared.adapters.simulator.population import Behaviour, Callee, callee_of
from shared.adapters.simulator.telephony import CALLEE_TYPES, CANCELED, REFUSALS
from shared.domain.campaign_simulation import Conduct
from shared.domain.disposition import CalleeType, CallEnding, disposition_of


def foreseen(e164: str, *, seed: int, speed: float, ring_seconds: float) -> Conduct:
    """Return what a call comes to, and its length by the clock on the wall; phones ring for `ring_seconds` at most."""
    callee = callee_of(e164, seed=seed)
    ending, call_seconds = _ending(callee, ring_seconds)
    return Conduct(disposition_of(ending), call_seconds / speed)


def _ending(callee: Callee, ring_seconds: float) -> tuple[CallEnding, float]:
    """Return how a call ends, and after how many seconds of call time."""
    refusal = REFUSALS.get(callee.behaviour)
    if refusal is not None and not refusal.rang:
        return refusal, callee.post_dial_seconds
    if callee.behaviour is Behaviour.NO_ANSWER or callee.ring_seconds >= ring_seconds:
        return CANCELED, callee.post_dial_seconds + ring_seconds
    rung_seconds = callee.post_dial_seconds + callee.ring_seconds
    if refusal is not None:
        return refusal, rung_seconds
    callee_type = CALLEE_TYPES.get(callee.behaviour, CalleeType.VOICE)
    ending = CallEnding(sip_status=200, rang=True, callee_type=callee_type, message_left=True)
    return replace(ending, talk_seconds=callee.patience_seconds), rung_seconds + callee.patience_seconds
