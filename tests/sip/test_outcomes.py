"""Each way in which a callee may take or refuse a call, judged by SIPp and by what the port says."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.disposition import Outcome, Stage, disposition_of
from shared.sip.timing import Timings
from shared.telephony.port import Answered, Ended, NoTrunk, Ringing
from tests.sip.callee import callee
from tests.sip.caller import call_to, caller, follow, place, the_end, trunk


@pytest.mark.parametrize(
    ("scenario", "status", "outcome", "stage"),
    [
        ("486", 486, Outcome.BUSY, Stage.NONE),
        ("404", 404, Outcome.UNOBTAINABLE, Stage.NONE),
        ("480", 480, Outcome.NO_ANSWER, Stage.NONE),
        ("603", 603, Outcome.NO_ANSWER, Stage.CALL_DECLINED),
        ("502", 502, Outcome.NO_CONNECTION, Stage.NONE),
        ("503_cause", 503, Outcome.OVERFLOW, Stage.NONE),
    ],
)
async def test_a_refusal_is_acknowledged_and_ends_with_its_outcome(
    tmp_path: Path, scenario: str, status: int, outcome: Outcome, stage: Stage
) -> None:
    """The callee gets its ACK, and the number its outcome."""
    async with callee(tmp_path, scenario) as far, caller(trunk(far.port)) as telephony:
        ending = the_end(await follow(await place(telephony, call_to()))).ending
        assert await far.verdict() == 0, far.log()
    assert ending.sip_status == status
    assert (disposition_of(ending).outcome, disposition_of(ending).stage) == (outcome, stage)


async def test_an_answered_call_rings_talks_and_is_hung_up(tmp_path: Path) -> None:
    """The events come in order and the callee sees a call by the book."""
    async with callee(tmp_path, "answer") as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to()))
        assert await far.verdict() == 0, far.log()
    assert [type(event) for event in events] == [Ringing, Answered, Ended]
    assert the_end(events).ending.talk_seconds > 0.19


async def test_a_503_without_a_cause_is_the_trunks_and_costs_no_try(tmp_path: Path) -> None:
    """No trunk took the call, and the phone provably did not ring."""
    async with callee(tmp_path, "503") as far, caller(trunk(far.port)) as telephony:
        with pytest.raises(NoTrunk):
            await place(telephony, call_to())
        assert await far.verdict() == 0, far.log()


async def test_a_phone_that_nobody_answers_is_cancelled_after_the_ring_time(tmp_path: Path) -> None:
    """CANCEL, 487, ACK: no answer."""
    async with callee(tmp_path, "no_answer") as far, caller(trunk(far.port)) as telephony:
        ending = the_end(await follow(await place(telephony, call_to(ring_seconds=0.5)))).ending
        assert await far.verdict() == 0, far.log()
    assert (ending.sip_status, ending.rang) == (487, True)
    assert disposition_of(ending).outcome is Outcome.NO_ANSWER


async def test_an_answer_that_crosses_the_cancel_is_hung_up_at_once(tmp_path: Path) -> None:
    """The callee's phone is not left off the hook, and the call counts as not answered."""
    async with callee(tmp_path, "cancel_crosses_200") as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to(ring_seconds=0.5)))
        assert await far.verdict() == 0, far.log()
    assert not any(isinstance(event, Answered) for event in events)
    assert disposition_of(the_end(events).ending).outcome is Outcome.NO_ANSWER


async def test_early_media_is_ringing_that_says_so(tmp_path: Path) -> None:
    """A 183 with audio before the answer is no answer."""
    async with callee(tmp_path, "early_media") as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to()))
        assert await far.verdict() == 0, far.log()
    assert events[:2] == [Ringing(early_media=True), Answered()]


async def test_each_repeated_200_is_acknowledged(tmp_path: Path) -> None:
    """A lost ACK leaves nobody waiting, and the call is answered once."""
    async with callee(tmp_path, "duplicate_200") as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to()))
        assert await far.verdict() == 0, far.log()
    assert sum(isinstance(event, Answered) for event in events) == 1
    assert far.messages().count("ACK sip:") >= 2


async def test_good_byes_that_cross_are_both_answered(tmp_path: Path) -> None:
    """Who hangs up at the same time as the callee still ends the call once."""
    async with callee(tmp_path, "bye_race") as far, caller(trunk(far.port)) as telephony:
        the_end(await follow(await place(telephony, call_to())))
        assert await far.verdict() == 0, far.log()


@pytest.mark.parametrize("scenario", ["callee_hangs_up", "reinvite"])
async def test_what_the_callee_begins_is_answered(tmp_path: Path, scenario: str) -> None:
    """A hold, its end and a hang-up from the other side are all by the book."""
    async with callee(tmp_path, scenario) as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to()), talk_seconds=None)
        assert await far.verdict() == 0, far.log()
    assert disposition_of(the_end(events).ending).outcome is Outcome.ANSWERED


async def test_a_trunk_that_asks_for_a_password_gets_its_digest(tmp_path: Path) -> None:
    """The second INVITE is signed, and SIPp finds the signature right."""
    async with callee(tmp_path, "digest") as far, caller(trunk(far.port)) as telephony:
        events = await follow(await place(telephony, call_to()))
        assert await far.verdict() == 0, far.log()
    assert isinstance(events[-2], Answered)


async def test_lost_packets_are_sent_again(tmp_path: Path) -> None:
    """With every tenth datagram lost on the callee's side, calls are still set up and ended.

    Two of ten may have lost all there was to lose: SIPp throws a die for each datagram.
    """
    calls = 10
    patient = Timings(t1_seconds=0.1, t2_seconds=0.4, t4_seconds=0.4)
    async with (
        callee(tmp_path, "answer", calls=calls, options=("-lost", "10", "-recv_timeout", "6000")) as far,
        caller(trunk(far.port), timings=patient) as telephony,
    ):
        lives = [await place(telephony, call_to(f"fence{index}")) for index in range(calls)]
        ends = await asyncio.gather(*(follow(live) for live in lives))
    assert sum(any(isinstance(event, Answered) for event in events) for events in ends) >= calls - 2
    for events in ends:
        the_end(events)


@pytest.mark.parametrize(
    ("of_call", "of_trunk", "shown"),
    [
        ("+12025550199", "+12025550100", "sip:+12025550199@127.0.0.1"),
        (None, "+12025550100", "sip:+12025550100@127.0.0.1"),
        ("me@elsewhere;x=y", "+12025550100", "sip:+12025550100@127.0.0.1"),
        (None, None, "sip:anonymous@anonymous.invalid"),
    ],
)
async def test_the_number_that_is_shown_is_the_calls_else_the_trunks_else_nobodys(
    tmp_path: Path, of_call: str | None, of_trunk: str | None, shown: str
) -> None:
    """And only digits: what else somebody wrote there does not reach the wire."""
    async with (
        callee(tmp_path, "486") as far,
        caller(replace(trunk(far.port), caller_id=of_trunk)) as telephony,
    ):
        the_end(await follow(await place(telephony, call_to(caller_id=of_call))))
        assert await far.verdict() == 0, far.log()
    assert f"From: <{shown}" in far.messages()
    assert "elsewhere" not in far.messages()
