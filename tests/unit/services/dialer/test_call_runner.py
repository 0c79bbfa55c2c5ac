"""One attempt from its lease to its end, on scripted telephones in virtual time: when it dials, and what it tells."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.dialer.call_runner import CallLimits, CallRunner
from services.dialer.witness import CallWitness
from shared.contracts.conclusion import Conclusion
from shared.domain.callee_hours import USUAL_HOURS, CalleeClock, CalleeHours
from shared.domain.disposition import CalleeType, CallEnding, Disposition, Outcome, Stage
from shared.domain.drain import AFTER_HANG_UP_SECONDS
from shared.domain.errors import Unavailable
from shared.domain.fence import fence_of
from shared.domain.gate import GateFacts
from shared.domain.retry import ELSEWHERE_PAUSE_SECONDS, BackInLine, WaitUntil, Withheld
from shared.observability.metrics import ATTEMPTS_WITHHELD, CALLS_IN_PROGRESS, CALLS_PLACED
from shared.observability.tally import Tally
from shared.ports.dialing import LeasedAttempt, LeaseGone
from shared.telephony.port import Answered, CallEvent, Ended, NoTrunk, Ringing, TooLate
from shared.voicexml import effects as asked
from tests.unit.services.dialer.fakes import (
    ANSWERED_AND_OVER,
    BUSY,
    NOON,
    MemoryAttempts,
    MemoryScoreboard,
    NoFetcher,
    ScriptedInterpreter,
    ScriptedTelephony,
    leased,
)
from tests.unit.services.pacer.virtual_time import now, run

KEY = b"a key of a test"
LIMITS = CallLimits(ring_seconds=30, longest_call_seconds=1800, quarantine_seconds=1890)
OPEN_ROAD = GateFacts(
    now=NOON, send_by=NOON + timedelta(seconds=1), window_closes_at=NOON + timedelta(hours=1),
    campaign_running=True, same_epoch=True, held=False, excluded=False,
)  # fmt: skip
EXIT = asked.Exit(reason="exit", values=(("choice", "1"),))
A_CALL: tuple[CallEvent, ...] = (Ringing(), Answered(), Ended(ANSWERED_AND_OVER))


class Scene:
    """A runner with everything that it needs."""

    def __init__(
        self,
        *events: CallEvent,
        attempts: MemoryAttempts | None = None,
        error: Exception | None = None,
        interpreter: ScriptedInterpreter | None = None,
    ) -> None:
        self.attempts = attempts or MemoryAttempts()
        self.telephony = ScriptedTelephony(*events, error=error)
        self.interpreter = interpreter or ScriptedInterpreter(EXIT)
        self.fetcher = NoFetcher()
        self.tally = Tally()
        self.results_written = 0
        self.runner: CallRunner

    def play(self, story: "Callable[[Scene], Coroutine[Any, Any, None]]") -> None:
        """Run a story with a runner of its own loop."""

        async def told() -> None:
            self.runner = CallRunner(
                attempts=self.attempts, telephony=self.telephony, interpreter=self.interpreter,
                fetcher=self.fetcher, fence_key=KEY, limits=LIMITS,
                witness=CallWitness(MemoryScoreboard(), self.tally), result_written=self._result_written,
            )  # fmt: skip
            await story(self)

        run(told())

    def run(self, attempt: LeasedAttempt | None = None) -> "Scene":
        """Run one attempt to its end."""

        async def story(stage: Scene) -> None:
            await stage.runner.run(attempt or leased())

        self.play(story)
        return self

    @property
    def told(self) -> list[str]:
        """What the store was told, by kind."""
        return [str(line[0]) for line in self.attempts.said]

    def _result_written(self) -> None:
        self.results_written += 1


# The road --------------------------------------------------------------------------------------------------------


def test_an_answered_call_is_told_step_by_step_and_concluded() -> None:
    """Intent, ringing, answer, end: in this order, with what the application handed over."""
    stage = Scene(*A_CALL).run()
    assert stage.told == ["intend", "ringing", "answered", "conclude"]
    [(ending, disposition, conclusion)] = stage.attempts.of("conclude")
    assert disposition == Disposition(Outcome.ANSWERED, Stage.ANSWERED)
    assert ending == replace(ANSWERED_AND_OVER, message_left=True)
    result = conclusion.result
    assert (result.attempts, result.last_attempt_at, result.duration_seconds) == (1, NOON, 7)
    assert result.exit_values == {"choice": "1"}
    # Cookies are of one call.
    assert stage.fetcher.calls == 1
    assert conclusion.delivery is not None
    assert stage.results_written == 1
    assert stage.interpreter.closed == 1


def test_the_call_bears_the_fence_of_its_lease() -> None:
    """The trunk sees the name that was committed with the intent, and the campaign's caller id."""
    stage = Scene(*A_CALL).run()
    fence = fence_of(KEY, attempt_id=3, epoch=1)
    assert stage.attempts.of("intend") == [(fence,)]
    [(call, _, _)] = stage.telephony.placed
    assert (call.fence, call.e164, call.caller_id) == (fence, "+12025550100", "+12025550199")
    assert (call.ring_seconds, call.longest_call_seconds) == (30, 1800)


def test_nothing_is_committed_or_sent_before_the_due_instant() -> None:
    """The worker waits on its own clock; the trunk is told the same latest instant."""
    stage = Scene(*A_CALL).run(leased(due=1.75, send_by=1.85))
    [(_, placed_at, send_by)] = stage.telephony.placed
    assert (placed_at, send_by) == (1.75, 1.85)


def test_an_attempt_that_is_due_already_is_dialed_at_once() -> None:
    """Whether it is too late the gates decide, by Postgres' clock."""
    stage = Scene(*A_CALL).run(leased(due=-5.0))
    assert stage.telephony.placed[0][1] == 0


def test_a_busy_callee_is_concluded_without_an_application() -> None:
    """Nobody answered, so that nothing was started."""
    stage = Scene(Ended(BUSY)).run()
    [(_, disposition, conclusion)] = stage.attempts.of("conclude")
    assert disposition.outcome is Outcome.BUSY
    assert conclusion.result.duration_seconds == 0
    assert stage.interpreter.started == []


def test_a_campaign_that_tries_again_postpones() -> None:
    """A try is left: the number waits from the end of this call on, and no result is written."""
    stage = Scene(Ended(BUSY)).run(leased(tries_allowed=3))
    assert stage.attempts.of("postpone") == [
        (Disposition(Outcome.BUSY, Stage.NONE), WaitUntil(NOON + timedelta(seconds=60)))
    ]
    assert stage.attempts.of("conclude") == []


def test_the_last_try_is_concluded() -> None:
    """With the number of calls that there were."""
    stage = Scene(Ended(BUSY)).run(leased(tries=2, tries_allowed=3))
    [(_, _, conclusion)] = stage.attempts.of("conclude")
    assert conclusion.result.attempts == 3


def test_without_a_result_url_nothing_is_to_be_delivered() -> None:
    """The result is written all the same."""
    stage = Scene(*A_CALL).run(leased(result_url=None))
    [(_, _, conclusion)] = stage.attempts.of("conclude")
    assert conclusion.delivery is None


# What is no call -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(OPEN_ROAD, campaign_running=False), Withheld.STOPPED),
        (replace(OPEN_ROAD, same_epoch=False), Withheld.STOPPED),
        (replace(OPEN_ROAD, held=True), Withheld.HELD),
        (replace(OPEN_ROAD, window_closes_at=NOON), Withheld.WINDOW_CLOSED),
        (replace(OPEN_ROAD, send_by=NOON - timedelta(seconds=1)), Withheld.LATE),
        (OPEN_ROAD, Withheld.LATE),  # what was shut a moment ago is open now: it was late for that
    ],
)
def test_a_shut_gate_withholds_and_nothing_is_sent(facts: GateFacts, reason: Withheld) -> None:
    """With its reason, counted by it, and the number back in line."""
    stage = Scene(*A_CALL, attempts=MemoryAttempts(intent=facts)).run()
    assert stage.attempts.of("withhold") == [(reason, BackInLine())]
    assert stage.telephony.placed == []
    assert stage.tally.counters == {ATTEMPTS_WITHHELD.field(reason.name.lower()): 1}
    assert stage.results_written == 0


WEST = CalleeClock(hours=USUAL_HOURS, zones=("America/Los_Angeles",))


def test_a_call_outside_the_callee_s_hours_waits_for_them() -> None:
    """At four in the morning it waits for eight, in words with their zone, and costs no try."""
    facts = replace(OPEN_ROAD, callee_closes_at=NOON)
    stage = Scene(*A_CALL, attempts=MemoryAttempts(intent=facts)).run(replace(leased(), callee=WEST))
    assert stage.attempts.of("withhold") == [(Withheld.CALLEE_HOURS, WaitUntil(NOON + timedelta(hours=4)))]
    assert stage.attempts.words == ["04:00 America/Los_Angeles, allowed from 08:00"]
    assert stage.telephony.placed == []


def test_a_call_too_soon_after_the_last_waits_for_the_gap() -> None:
    """And where the gap ends outside the callee's hours, for these."""
    for callee, hours in ((None, 1), (WEST, 4)):
        facts = replace(OPEN_ROAD, rested_at=NOON + timedelta(hours=1))
        stage = Scene(*A_CALL, attempts=MemoryAttempts(intent=facts)).run(replace(leased(), callee=callee))
        until = WaitUntil(NOON + timedelta(hours=hours))
        assert stage.attempts.of("withhold") == [(Withheld.TOO_SOON, until)]
        assert stage.telephony.placed == []


def test_a_callee_whose_hours_never_come_is_out_of_time() -> None:
    """The campaign and the callee's clock never agree: an end with a result, and no loop."""
    never = CalleeClock(
        hours=CalleeHours(from_minute=480, until_minute=540), zones=("America/New_York", "Asia/Tokyo")
    )
    facts = replace(OPEN_ROAD, callee_closes_at=NOON)
    stage = Scene(attempts=MemoryAttempts(intent=facts)).run(replace(leased(), callee=never))
    [(reason, conclusion)] = stage.attempts.of("withhold")
    assert reason is Withheld.CALLEE_HOURS
    assert (conclusion.result.disposition.outcome, conclusion.result.attempts) == (Outcome.OUT_OF_TIME, 0)
    assert stage.results_written == 1


def test_a_blocked_number_ends_with_its_result() -> None:
    """Excluded is an end, and the deliverer is woken for it."""
    stage = Scene(attempts=MemoryAttempts(intent=replace(OPEN_ROAD, excluded=True))).run()
    [(reason, conclusion)] = stage.attempts.of("withhold")
    assert reason is Withheld.EXCLUDED
    assert isinstance(conclusion, Conclusion)
    assert (conclusion.result.disposition.outcome, conclusion.result.attempts) == (Outcome.EXCLUDED_NUMBER, 0)
    assert stage.results_written == 1


def test_a_lease_that_is_gone_leaves_nothing_to_do() -> None:
    """Somebody else decides: no word, no call."""
    stage = Scene(*A_CALL, attempts=MemoryAttempts(intent=LeaseGone())).run()
    assert stage.told == ["intend"]
    assert stage.telephony.placed == []


def test_a_number_that_is_on_another_call_waits() -> None:
    """No intent is committed for a lease that did not take the number."""
    stage = Scene(*A_CALL).run(leased(took_number=False))
    until = WaitUntil(NOON + timedelta(seconds=ELSEWHERE_PAUSE_SECONDS))
    assert stage.attempts.of("withhold") == [(Withheld.ELSEWHERE, until)]
    assert "intend" not in stage.told


@pytest.mark.parametrize(("error", "reason"), [(TooLate(), Withheld.LATE), (NoTrunk(), Withheld.NO_TRUNK)])
def test_what_provably_never_rang_is_no_call(error: Exception, reason: Withheld) -> None:
    """The trunk refused before it sent anything: withheld after the intent, and no try is spent."""
    stage = Scene(error=error).run()
    assert stage.told == ["intend", "now", "withhold"]
    assert stage.attempts.of("withhold")[0][0] is reason


def test_whoever_waits_for_an_instant_gives_its_attempt_back_at_the_shutdown() -> None:
    """At once, and not when the instant comes."""
    stage = Scene(*A_CALL)

    async def story(stage: Scene) -> None:
        task = asyncio.create_task(stage.runner.run(leased(due=100.0)))
        await asyncio.sleep(1)
        stage.runner.close()
        await task
        assert now() == 1

    stage.play(story)
    assert stage.attempts.of("withhold") == [(Withheld.SHUTDOWN, BackInLine())]


# Postgres away -----------------------------------------------------------------------------------------------------


def test_an_intent_that_nobody_can_tell_of_is_not_dialed() -> None:
    """The answer was lost: this worker sends nothing, and says so when Postgres is back."""
    stage = Scene(*A_CALL, attempts=MemoryAttempts(away={"intend": 1, "now": 2, "withhold": 2})).run()
    assert stage.telephony.placed == []
    assert stage.attempts.of("withhold") == [(Withheld.LATE, BackInLine())]


@pytest.mark.parametrize("step", ["ringing", "answered"])
def test_a_step_that_cannot_be_written_does_not_hurt_the_call(step: str) -> None:
    """It explains and decides nothing; the end is written as ever."""
    with capture_logs() as lines:
        stage = Scene(*A_CALL, attempts=MemoryAttempts(away={step: 1})).run()
    assert stage.told == [told for told in ["intend", "ringing", "answered", "conclude"] if told != step]
    assert [line["event"] for line in lines] == ["call_progress_not_written"]


def test_an_end_is_written_when_postgres_is_back() -> None:
    """However often it takes; once."""
    stage = Scene(*A_CALL, attempts=MemoryAttempts(away={"conclude": 6})).run()
    assert len(stage.attempts.of("conclude")) == 1
    assert stage.results_written == 1


def test_an_end_that_cannot_be_written_within_the_quarantine_is_left_to_the_reaper() -> None:
    """From then on the number has its result, and this one would change nothing."""
    stage = Scene(*A_CALL, attempts=MemoryAttempts(away={"conclude": 10_000}))
    with pytest.raises(Unavailable):
        stage.run()
    assert stage.results_written == 0
    assert stage.tally.gauges[CALLS_IN_PROGRESS.field()] == 0


def test_a_report_that_comes_too_late_is_said_and_wakes_nobody() -> None:
    """Somebody else wrote the end."""
    with capture_logs() as lines:
        stage = Scene(*A_CALL, attempts=MemoryAttempts(written=False)).run()
    assert [line["event"] for line in lines] == ["call_reported_too_late"]
    assert stage.results_written == 0


# The application -----------------------------------------------------------------------------------------------------


async def _break() -> None:
    raise ZeroDivisionError


async def _hang() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "interpreter",
    [
        ScriptedInterpreter(asked.Exit(reason="error", event="error.badfetch")),
        ScriptedInterpreter(before=_break),
    ],
    ids=["it fails", "it breaks"],
)
def test_an_application_that_cannot_go_on_drops_the_call(interpreter: ScriptedInterpreter) -> None:
    """The callee was reached: Answered, dropped, and the line is hung up."""
    stage = Scene(Answered(), interpreter=interpreter).run()
    [(_, disposition, conclusion)] = stage.attempts.of("conclude")
    assert disposition == Disposition(Outcome.ANSWERED, Stage.CALL_DROPPED)
    assert conclusion.result.exit_values == {}
    assert stage.telephony.calls[0].hang_ups == 1


def test_an_application_that_will_not_end_is_waited_for_so_long() -> None:
    """After the hang-up it may submit what it has; then the result is written without it."""
    stage = Scene(*A_CALL, interpreter=ScriptedInterpreter(before=_hang))

    async def story(stage: Scene) -> None:
        await stage.runner.run(leased())
        assert now() == pytest.approx(AFTER_HANG_UP_SECONDS)

    stage.play(story)
    [(_, disposition, _)] = stage.attempts.of("conclude")
    assert disposition.stage is Stage.CALL_DROPPED


@pytest.mark.parametrize(
    ("callee_type", "outcome"),
    [
        (CalleeType.ANSWERING_MACHINE, Outcome.ANSWERPHONE_MESSAGE_LEFT),
        (CalleeType.FAX, Outcome.FAX),
        (CalleeType.VOICE, Outcome.ANSWERED),
    ],
)
def test_who_answered_is_told(callee_type: CalleeType, outcome: Outcome) -> None:
    """A message counts as left on a machine when the application came to its end."""
    ending = CallEnding(sip_status=200, callee_type=callee_type, talk_seconds=7.4)
    stage = Scene(Answered(), Ended(ending)).run()
    [(_, disposition, conclusion)] = stage.attempts.of("conclude")
    assert disposition.outcome is outcome
    assert (conclusion.result.callee_type, conclusion.result.duration_seconds) == (callee_type, 7)


# Hanging up ----------------------------------------------------------------------------------------------------------


def _calls(stage: Scene, count: int) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(stage.runner.run(leased(number))) for number in range(1, count + 1)]


def test_only_the_calls_that_are_named_are_hung_up() -> None:
    """Those that live here; the others talk on."""
    stage = Scene(Answered(), interpreter=ScriptedInterpreter())

    async def story(stage: Scene) -> None:
        tasks = _calls(stage, 3)
        await asyncio.sleep(1)
        assert stage.tally.gauges[CALLS_IN_PROGRESS.field()] == 3
        await stage.runner.hang_up({2, 99})
        await asyncio.sleep(1)
        assert [task.done() for task in tasks] == [False, True, False]
        await stage.runner.hang_up_all()
        await asyncio.gather(*tasks)

    stage.play(story)
    assert len(stage.attempts.of("conclude")) == 3
    assert stage.tally.gauges[CALLS_IN_PROGRESS.field()] == 0
    assert stage.tally.counters[CALLS_PLACED.field()] == 3


def test_a_call_that_cannot_be_hung_up_keeps_no_other_on_the_line() -> None:
    """A mistake of ours in one is said; the others are over as soon as if they were alone."""
    stage = Scene(Answered(), interpreter=ScriptedInterpreter())

    async def story(stage: Scene) -> None:
        tasks = _calls(stage, 3)
        await asyncio.sleep(1)
        stage.telephony.calls[0].broken = True
        began = now()
        await stage.runner.hang_up_all()
        assert now() - began == pytest.approx(0.1, abs=0.05)
        stage.telephony.calls[0].tell(Ended(ANSWERED_AND_OVER))
        stage.telephony.calls[0].broken = False
        await asyncio.gather(*tasks)

    with capture_logs() as lines:
        stage.play(story)
    assert [line["event"] for line in lines] == ["call_not_hung_up"]
    assert len(stage.attempts.of("conclude")) == 3


def test_a_call_that_ends_by_itself_while_others_are_hung_up_is_no_trouble() -> None:
    """A hang-up takes its time; meanwhile a callee may be quicker."""
    stage = Scene(Answered(), interpreter=ScriptedInterpreter())

    async def story(stage: Scene) -> None:
        tasks = _calls(stage, 3)
        await asyncio.sleep(1)
        hanging_up = asyncio.create_task(stage.runner.hang_up_all())
        await asyncio.sleep(0.05)
        for call in stage.telephony.calls:
            call.tell(Ended(ANSWERED_AND_OVER))
        await hanging_up
        await asyncio.gather(*tasks)

    stage.play(story)
    assert len(stage.attempts.of("conclude")) == 3
