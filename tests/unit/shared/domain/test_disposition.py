"""What the network said, in the published words."""

import pytest

from shared.domain.disposition import (
    RESULT_OF,
    CalleeType,
    CallEnding,
    Disposition,
    Outcome,
    Result,
    Stage,
    disposition_of,
)

NONE = Stage.NONE


@pytest.mark.parametrize(
    ("ending", "outcome", "stage"),
    [
        (CallEnding(sip_status=200, callee_type=CalleeType.VOICE), Outcome.ANSWERED, Stage.ANSWERED),
        (CallEnding(sip_status=200), Outcome.ANSWERED, Stage.ANSWERED),
        (CallEnding(sip_status=200, callee_type=CalleeType.FAX), Outcome.FAX, NONE),
        (
            CallEnding(sip_status=200, callee_type=CalleeType.ANSWERING_MACHINE, message_left=True),
            Outcome.ANSWERPHONE_MESSAGE_LEFT,
            Stage.ANSWERPHONE_MESSAGE_LEFT,
        ),
        (
            CallEnding(sip_status=200, callee_type=CalleeType.ANSWERING_MACHINE),
            Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT,
            Stage.ANSWERPHONE_MESSAGE_NOT_LEFT,
        ),
        (CallEnding(sip_status=486), Outcome.BUSY, NONE),
        (CallEnding(sip_status=600), Outcome.BUSY, NONE),
        (CallEnding(sip_status=404), Outcome.UNOBTAINABLE, NONE),
        (CallEnding(sip_status=480), Outcome.NO_ANSWER, NONE),
        (CallEnding(sip_status=487, rang=True), Outcome.NO_ANSWER, NONE),
        (CallEnding(sip_status=603, rang=True), Outcome.NO_ANSWER, Stage.CALL_DECLINED),
        (CallEnding(sip_status=503), Outcome.OVERFLOW, NONE),
        # A gateway folds causes into one status: the cause is the better witness.
        (CallEnding(sip_status=503, q850_cause=17), Outcome.BUSY, NONE),
        (CallEnding(sip_status=480, q850_cause=1), Outcome.UNOBTAINABLE, NONE),
        (CallEnding(sip_status=480, q850_cause=34), Outcome.OVERFLOW, NONE),
        # No final response: that it rang tells no-answer from unreachable.
        (CallEnding(sip_status=None, rang=True), Outcome.NO_ANSWER, NONE),
        (CallEnding(sip_status=None, rang=False), Outcome.NO_CONNECTION, NONE),
        (CallEnding(sip_status=488), Outcome.NO_CONNECTION, NONE),
    ],
)
def test_an_ending_has_one_disposition(ending: CallEnding, outcome: Outcome, stage: Stage) -> None:
    """Each way in which a call can end maps to one published outcome and stage."""
    assert disposition_of(ending) == Disposition(outcome, stage)


def test_every_outcome_has_a_result() -> None:
    """No outcome is left without one of Plum's four words, and only an answered call is completed."""
    assert set(RESULT_OF) == set(Outcome)
    completed = {outcome for outcome, result in RESULT_OF.items() if result is Result.COMPLETED}
    assert completed == {
        Outcome.ANSWERED,
        Outcome.ANSWERPHONE_MESSAGE_LEFT,
        Outcome.ANSWERPHONE_MESSAGE_NOT_LEFT,
        Outcome.FAX,
    }


def test_outcomes_carry_the_published_names_and_numbers() -> None:
    """VOICE-19: thirteen outcomes, from Answered 1 to InvalidNumber 13."""
    assert {outcome.title: int(outcome) for outcome in Outcome} == {
        "Answered": 1, "Unobtainable": 2, "Busy": 3, "AnswerphoneMessageNotLeft": 4, "AnswerphoneMessageLeft": 5,
        "NoAnswer": 6, "Overflow": 7, "OutOfTime": 8, "Fax": 9, "Unknown": 10, "ExcludedNumber": 11,
        "NoConnection": 12, "InvalidNumber": 13,
    }  # fmt: skip


def test_stages_carry_the_published_numbers() -> None:
    """VOICE-20: twenty-one stages, from None 0 to CallDropped 20, without a hole."""
    assert sorted(int(stage) for stage in Stage) == list(range(21))
