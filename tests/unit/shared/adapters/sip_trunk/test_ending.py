"""From what SIP said to the outcome of a number: the whole way, as a table."""

import pytest

from shared.adapters.sip_trunk.ending import ending_of_answered, ending_of_failed
from shared.domain.disposition import CalleeType, Outcome, disposition_of
from shared.sip.effects import Cause, Ended, Failed, Party


@pytest.mark.parametrize(
    ("failed", "outcome"),
    [
        (Failed(cause=Cause.REFUSED, status=486), Outcome.BUSY),
        (Failed(cause=Cause.REFUSED, status=480, rang=True), Outcome.NO_ANSWER),
        (Failed(cause=Cause.REFUSED, status=503, q850=34), Outcome.OVERFLOW),
        (Failed(cause=Cause.REFUSED, status=480, q850=1), Outcome.UNOBTAINABLE),
        (Failed(cause=Cause.REFUSED, status=500), Outcome.NO_CONNECTION),
        (Failed(cause=Cause.UNANSWERED, status=487, rang=True), Outcome.NO_ANSWER),
        (Failed(cause=Cause.UNANSWERED, status=487, rang=False), Outcome.NO_CONNECTION),
        (Failed(cause=Cause.UNANSWERED, status=None, rang=True), Outcome.NO_ANSWER),
        (Failed(cause=Cause.UNANSWERED, status=200, rang=True), Outcome.NO_ANSWER),
        (Failed(cause=Cause.CANCELLED, status=487, rang=False), Outcome.NO_ANSWER),
        (Failed(cause=Cause.TIMED_OUT), Outcome.NO_CONNECTION),
        (Failed(cause=Cause.TIMED_OUT, rang=True), Outcome.NO_ANSWER),
        (Failed(cause=Cause.BAD_MEDIA, status=200), Outcome.NO_CONNECTION),
    ],
)
def test_no_answer_and_unreachable_are_told_apart(failed: Failed, outcome: Outcome) -> None:
    """Whether it rang decides between a callee who is not there and one who was not reached."""
    assert disposition_of(ending_of_failed(failed)).outcome is outcome


@pytest.mark.parametrize(
    ("callee_type", "outcome"),
    [
        (CalleeType.VOICE, Outcome.ANSWERED),
        (CalleeType.UNKNOWN, Outcome.ANSWERED),
        (CalleeType.FAX, Outcome.FAX),
        (CalleeType.ANSWERING_MACHINE, Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT),
    ],
)
def test_who_answered_decides_the_outcome_of_an_answered_call(
    callee_type: CalleeType, outcome: Outcome
) -> None:
    """Whoever hung up, and for whatever reason."""
    ended = Ended(by=Party.PEER, cause=Cause.HUNG_UP, q850=16)
    ending = ending_of_answered(ended, callee_type=callee_type, talk_seconds=3.5)
    assert disposition_of(ending).outcome is outcome
    assert ending.talk_seconds == 3.5
