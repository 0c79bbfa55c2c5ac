"""The calls of one process, in virtual time: what it takes, how it lives on its leases, and how it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.dialer.call_runner import CallLimits, CallRunner
from services.dialer.governor import LEAST
from services.dialer.switchboard import ADVERTISE_SECONDS, OBEY_SECONDS, Switchboard
from services.dialer.witness import CallWitness
from shared.domain.drain import HANG_UP_SECONDS
from shared.domain.errors import NotFound, PacelineError
from shared.domain.retry import Withheld
from shared.observability.tally import Tally
from shared.telephony.port import Answered, CallEvent, Ended
from tests.unit.services.dialer.fakes import (
    ANSWERED_AND_OVER,
    MemoryAttempts,
    MemoryScoreboard,
    NoFetcher,
    ScriptedInterpreter,
    ScriptedTelephony,
    job,
    leased,
)
from tests.unit.services.pacer.virtual_time import cancel, now, run

LEASE_SECONDS = 30.0
#: Longer than a hang-up of these telephones takes.
A_MOMENT = 0.3
LIMITS = CallLimits(ring_seconds=30, longest_call_seconds=1800, quarantine_seconds=1890)


class Process:
    """A switchboard whose calls are answered and go on until they are hung up."""

    def __init__(self, *events: CallEvent, attempts: MemoryAttempts | None = None) -> None:
        self.attempts = attempts or MemoryAttempts()
        self.telephony = ScriptedTelephony(*(events or (Answered(),)))
        self.switchboard: Switchboard

    def live(self, story: "Callable[[Process], Coroutine[Any, Any, None]]", *, capacity: int = 10) -> None:
        """Run a story beside the loops of the process."""

        async def told() -> None:
            runner = CallRunner(
                attempts=self.attempts, telephony=self.telephony, interpreter=ScriptedInterpreter(),
                fetcher=NoFetcher(), fence_key=b"key", limits=LIMITS,
                witness=CallWitness(MemoryScoreboard(), Tally()), result_written=lambda: None,
            )  # fmt: skip
            self.switchboard = Switchboard(
                runner, self.attempts, capacity=capacity, lease_seconds=LEASE_SECONDS
            )
            loops = [
                asyncio.create_task(self.switchboard.lease_forever()),
                asyncio.create_task(self.switchboard.renew_forever()),
                asyncio.create_task(self.switchboard.obey_forever()),
            ]
            await story(self)
            assert not any(loop.done() for loop in loops)
            await self.switchboard.drain(0, asyncio.Event())
            await cancel(*loops)

        run(told())

    async def hear(self, *attempt_ids: int, tenant_id: int = 1) -> None:
        """Let the doorbell say something and the loops do what follows."""
        for attempt_id in attempt_ids:
            self.switchboard.hear(job(attempt_id, tenant_id=tenant_id))
        await asyncio.sleep(0.001)


# Rings -----------------------------------------------------------------------------------------------------------


def test_what_was_rung_together_is_leased_together_by_tenant() -> None:
    """One question for each tenant, and a call for each attempt that could be had."""
    process = Process(
        attempts=MemoryAttempts(available={1: leased(1), 2: leased(2), 4: leased(4, tenant_id=9)})
    )

    async def story(process: Process) -> None:
        process.switchboard.hear(job(1))
        process.switchboard.hear(job(4, tenant_id=9))
        await process.hear(2, 3)
        assert sorted(process.attempts.of("lease")) == [(1, [1, 2, 3]), (9, [4])]
        assert process.switchboard.free == 10 - 3

    process.live(story)
    assert len(process.telephony.placed) == 3


def test_a_ring_for_what_is_under_way_is_not_heard_twice() -> None:
    """The pacer may ring again; the call goes on."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1, 1)
        await process.hear(1)

    process.live(story)
    assert process.attempts.of("lease") == [(1, [1])]
    assert len(process.telephony.placed) == 1


def test_what_there_is_no_room_for_is_left_to_others() -> None:
    """A full process leases nothing; a call that ends makes room for the next ring."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1, 2, 3)
        assert process.attempts.of("lease") == [(1, [1, 2])]
        await process.hear(4)
        assert len(process.attempts.of("lease")) == 1
        process.telephony.calls[0].tell(Ended(ANSWERED_AND_OVER))
        await asyncio.sleep(A_MOMENT)
        assert process.switchboard.free == 1
        await process.hear(5)
        assert process.attempts.of("lease")[1:] == [(1, [5])]

    process.live(story, capacity=2)


def test_a_number_on_another_call_takes_no_telephone() -> None:
    """Its attempt is withheld, and its place is free again."""
    process = Process(attempts=MemoryAttempts(available={1: leased(1, took_number=False)}))

    async def story(process: Process) -> None:
        await process.hear(1)
        assert process.switchboard.free == 10

    process.live(story)
    assert process.attempts.of("withhold")[0][0] is Withheld.ELSEWHERE
    assert process.telephony.placed == []


def test_rings_that_cannot_be_leased_are_left_and_the_next_are_heard() -> None:
    """Postgres is away: it is said, nothing is dialed, and the loop goes on."""
    process = Process(attempts=MemoryAttempts(away={"lease": 1}))

    async def story(process: Process) -> None:
        await process.hear(1)
        await process.hear(2)

    with capture_logs() as lines:
        process.live(story)
    assert "attempts_not_leased" in [line["event"] for line in lines]
    assert process.attempts.of("lease") == [(1, [2])]


@pytest.mark.parametrize(
    ("error", "said"), [(NotFound(), "attempt_left_to_the_reaper"), (ZeroDivisionError(), "attempt_broke")]
)
def test_whatever_goes_wrong_with_one_call_the_others_go_on(error: Exception, said: str) -> None:
    """It is said, its place is free, and the next ring is heard."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1)
        process.telephony.error = error
        await process.hear(2)
        process.telephony.error = None
        await process.hear(3)
        assert process.switchboard.free == 10 - 2

    with capture_logs() as lines:
        process.live(story)
    assert said in [line["event"] for line in lines]
    assert isinstance(error, PacelineError) == (said == "attempt_left_to_the_reaper")


# Signs of life -----------------------------------------------------------------------------------------------------


def test_leases_are_renewed_three_times_before_they_would_run_out() -> None:
    """All of them together; none where there is none."""
    process = Process()

    async def story(process: Process) -> None:
        await asyncio.sleep(LEASE_SECONDS)
        assert process.attempts.of("renew") == []
        await process.hear(1, 2)
        await asyncio.sleep(LEASE_SECONDS)
        assert process.attempts.of("renew") == [({1, 2},)] * 3

    process.live(story)


def test_a_lease_that_was_lost_is_said_and_the_call_goes_on() -> None:
    """A late report may still win; nobody hangs up on a callee for it."""
    process = Process(attempts=MemoryAttempts(lost={2}, away={"renew": 1}))

    async def story(process: Process) -> None:
        await process.hear(1, 2)
        await asyncio.sleep(LEASE_SECONDS)
        assert [call.hang_ups for call in process.telephony.calls] == [0, 0]

    with capture_logs() as lines:
        process.live(story)
    events = [line["event"] for line in lines]
    assert events.count("leases_not_renewed") == 1
    assert [line["calls"] for line in lines if line["event"] == "leases_lost"] == [1, 1]


def test_the_pacer_is_told_the_room_again_and_again() -> None:
    """Also after Postgres was away; a dialer that misses its instants says less, and one that drains says none."""
    process = Process(attempts=MemoryAttempts(away={"advertise": 1}, missed=5, available={}))

    async def story(process: Process) -> None:
        task = asyncio.create_task(process.switchboard.advertise_forever())
        await asyncio.sleep(ADVERTISE_SECONDS * 1.5)
        await process.hear(1)
        await asyncio.sleep(ADVERTISE_SECONDS)
        await process.switchboard.drain(0, asyncio.Event())
        await asyncio.sleep(ADVERTISE_SECONDS)
        await cancel(task)

    process.live(story, capacity=200)
    assert process.attempts.of("advertise") == [(200, None), (100, None), (0, None)]
    assert LEAST < 100


def test_a_dialer_without_a_trunk_says_why_and_takes_it_back() -> None:
    """It asks for no calls while none can leave; the log says once that the trunk is gone, once that it is back."""
    process = Process()

    async def story(process: Process) -> None:
        process.telephony.gone_because = "the trunk north does not answer"
        task = asyncio.create_task(process.switchboard.advertise_forever())
        await asyncio.sleep(ADVERTISE_SECONDS * 1.5)
        process.telephony.gone_because = None
        await asyncio.sleep(ADVERTISE_SECONDS)
        await cancel(task)

    with capture_logs() as lines:
        process.live(story, capacity=200)
    gone = (0, "the trunk north does not answer")
    assert process.attempts.of("advertise") == [gone, gone, (200, None)]
    assert [line["event"] for line in lines] == ["telephony_gone", "telephony_is_back"]


def test_a_dialer_leaves_rings_to_others_while_it_cannot_dial() -> None:
    """Without a trunk, and from the beginning of its end; what it hears late is not taken for its own slowness."""
    process = Process(attempts=MemoryAttempts(missed=5, available={}))

    async def story(process: Process) -> None:
        assert process.switchboard.takes_rings()
        process.telephony.gone_because = "the trunk north does not answer"
        task = asyncio.create_task(process.switchboard.advertise_forever())
        await asyncio.sleep(ADVERTISE_SECONDS * 0.5)
        assert not process.switchboard.takes_rings()
        process.telephony.gone_because = None
        await asyncio.sleep(ADVERTISE_SECONDS)
        assert process.switchboard.takes_rings()
        await process.hear(1)
        await asyncio.sleep(ADVERTISE_SECONDS)
        await process.switchboard.drain(0, asyncio.Event())
        assert not process.switchboard.takes_rings()
        await cancel(task)

    process.live(story, capacity=200)
    assert [capacity for capacity, _ in process.attempts.of("advertise")] == [0, 200, 200]


def test_calls_are_hung_up_when_a_stop_or_a_hold_wants_it() -> None:
    """Within half a second of the word, even if Postgres was away in between."""
    process = Process(attempts=MemoryAttempts(away={"to hang up": 1}))

    async def story(process: Process) -> None:
        await process.hear(1, 2)
        process.attempts.to_end = {2}
        await asyncio.sleep(OBEY_SECONDS * 2)
        await asyncio.sleep(A_MOMENT)
        assert [call.hang_ups > 0 for call in process.telephony.calls] == [False, True]

    process.live(story)


# The end -----------------------------------------------------------------------------------------------------------


def test_draining_lets_calls_end_by_themselves() -> None:
    """It waits as long as it may, takes nothing more, and says goodbye when the last call is over."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1)
        draining = asyncio.create_task(process.switchboard.drain(60, asyncio.Event()))
        await asyncio.sleep(10)
        await process.hear(2)
        assert process.switchboard.free == 0
        process.telephony.calls[0].tell(Ended(ANSWERED_AND_OVER))
        await draining
        assert now() == pytest.approx(10, abs=A_MOMENT)

    process.live(story)
    assert process.attempts.of("lease") == [(1, [1])]
    assert process.telephony.calls[0].hang_ups == 1  # by its application, which heard that the callee is gone
    assert process.attempts.said[-1] == ("retire",)


@pytest.mark.parametrize("hurried", [False, True])
def test_what_is_left_is_hung_up_and_recorded(hurried: bool) -> None:
    """When the patience is used up, or at a second signal at once."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1, 2)
        hurry = asyncio.Event()
        draining = asyncio.create_task(process.switchboard.drain(60, hurry))
        await asyncio.sleep(5)
        if hurried:
            hurry.set()
        await draining
        assert now() == pytest.approx(5.2 if hurried else 60.2, abs=0.2)

    process.live(story)
    assert len(process.attempts.of("conclude")) == 2


def test_a_call_that_begins_while_the_others_are_hung_up_is_hung_up_too() -> None:
    """Its INVITE was about to leave when the patience ended: the process does not wait for it to talk to its end."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1)
        process.telephony.takes_seconds = 1.0
        await process.hear(2)
        await process.switchboard.drain(0.5, asyncio.Event())
        assert now() == pytest.approx(1.0, abs=0.5)

    process.live(story)
    assert [call.hang_ups > 0 for call in process.telephony.calls] == [True, True]
    assert len(process.attempts.of("conclude")) == 2


def test_a_lease_that_comes_while_the_process_ends_is_given_back_before_it_has_ended() -> None:
    """It was asked for before the word to stop; nobody else would have the attempt until its lease ran out."""
    process = Process(attempts=MemoryAttempts(lease_takes_seconds=1.0))

    async def story(process: Process) -> None:
        await process.hear(1)
        await process.switchboard.drain(60, asyncio.Event())

    process.live(story)
    assert process.attempts.of("withhold")[0][0] is Withheld.SHUTDOWN
    assert process.attempts.said[-1] == ("retire",)
    assert process.telephony.placed == []


def test_a_call_that_will_not_end_does_not_keep_the_process() -> None:
    """Its lease runs out, and the reaper ends it."""
    process = Process()

    async def story(process: Process) -> None:
        await process.hear(1)
        process.attempts.away = {"conclude": 10_000}
        await process.switchboard.drain(1, asyncio.Event())
        assert now() == pytest.approx(1 + HANG_UP_SECONDS, abs=0.5)

    process.live(story)
    assert ("retire",) in process.attempts.said


def test_a_goodbye_that_cannot_be_said_is_no_trouble() -> None:
    """The pacer stops believing in this dialer by itself."""
    process = Process(attempts=MemoryAttempts(away={"retire": 1}))

    async def story(process: Process) -> None:
        with capture_logs() as lines:
            await process.switchboard.drain(0, asyncio.Event())
        assert [line["event"] for line in lines] == ["dialer_not_retired"]

    process.live(story)
