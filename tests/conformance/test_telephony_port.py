"""One suite for the telephony port: whoever carries calls must pass it.

Callees are ordered by the last two digits of a number for fiction: those of the simulator's population, and those of
a SIPp that answers the SIP adapter's calls. An adapter that joins brings a factory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from shared.adapters.simulator.telephony import Simulator
from shared.domain.disposition import CalleeType, Outcome, Stage, disposition_of
from shared.telephony.port import (
    Answered,
    CalleeTypeDetected,
    CallEvent,
    DigitPressed,
    Ended,
    LiveCall,
    NoTrunk,
    OutboundCall,
    PlayEnded,
    RecordingEnded,
    Ringing,
    Speech,
    Telephony,
    TooLate,
)
from tests.sip.callee import PATIENCE_SECONDS, callee, free_port, need
from tests.sip.caller import caller, trunk
from tests.sip.voices import write_voices

#: A minute of call time passes in 60 ms: the suite is about order, not about waiting.
SPEED: Final = 1000.0
#: Real packets: as quickly as a busy machine sends them.
SIP_SPEED: Final = 20.0
GONE: Final = "the trunk is gone"
#: A greeting that a busy machine plays or hears with a hole in it sounds like a person; it has none every time.
GREETINGS: Final = 5
#: 150 characters: ten seconds of speech.
LONG_PROMPT: Final = (Speech("Hello, this is a message. " * 6),)

#: What builds an adapter in a folder of the test's own; the second part hurries call time as far as it can.
Factory = Callable[[Path, float], AbstractAsyncContextManager[Telephony]]


@asynccontextmanager
async def _simulator(_folder: Path, _speed: float) -> AsyncIterator[Telephony]:
    simulator = Simulator(speed=SPEED, seed=1)
    yield simulator
    await simulator.close()


@asynccontextmanager
async def _simulator_without_a_trunk(_folder: Path, _speed: float) -> AsyncIterator[Telephony]:
    simulator = Simulator(speed=SPEED, seed=1, trouble=lambda: GONE)
    yield simulator
    await simulator.close()


@asynccontextmanager
async def _sip(folder: Path, speed: float) -> AsyncIterator[Telephony]:
    need("espeak-ng", "espeak-ng")
    write_voices(folder)
    async with (
        callee(folder, "callees", calls=100) as far,
        caller(trunk(far.port), pace_of_time=speed) as telephony,
    ):
        yield telephony


@asynccontextmanager
async def _sip_without_a_trunk(_folder: Path, speed: float) -> AsyncIterator[Telephony]:
    async with caller(trunk(free_port()), pace_of_time=speed) as telephony:
        yield telephony


FACTORIES: Final[dict[str, Factory]] = {"simulator": _simulator, "sip": _sip}
WITHOUT_A_TRUNK: Final[dict[str, Factory]] = {
    "simulator": _simulator_without_a_trunk,
    "sip": _sip_without_a_trunk,
}


@pytest.fixture(params=FACTORIES)
async def telephony(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Telephony]:
    """Each adapter in turn."""
    async with FACTORIES[request.param](tmp_path, SIP_SPEED) as carrier:
        yield carrier


@pytest.fixture(params=FACTORIES)
async def telephony_in_real_time(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Telephony]:
    """Each adapter in turn, for callees whose voice takes its time."""
    async with FACTORIES[request.param](tmp_path, 1.0) as carrier:
        yield carrier


def call_to(last_two: str, *, ring_seconds: float = 30, longest_call_seconds: float = 600) -> OutboundCall:
    """Return a call to the callee with these last two digits."""
    return OutboundCall(
        e164=f"+120255501{last_two}",
        caller_id="+12025550199",
        post_dial=None,
        fence=f"fence{last_two}",
        ring_seconds=ring_seconds,
        longest_call_seconds=longest_call_seconds,
    )


async def place(telephony: Telephony, call: OutboundCall) -> LiveCall:
    """Place a call now."""
    now = asyncio.get_running_loop().time()
    return await telephony.place(call, not_before=now, send_by=now + PATIENCE_SECONDS)


async def events_of(live: LiveCall) -> list[CallEvent]:
    """Follow a call to its end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [event async for event in live.events()]


@pytest.mark.parametrize(
    ("last_two", "outcome", "stage"),
    [
        ("01", Outcome.BUSY, Stage.NONE),
        ("02", Outcome.NO_ANSWER, Stage.NONE),
        ("05", Outcome.UNOBTAINABLE, Stage.NONE),
        ("06", Outcome.NO_CONNECTION, Stage.NONE),
        ("07", Outcome.NO_ANSWER, Stage.CALL_DECLINED),
    ],
)
async def test_a_call_that_is_not_answered(
    telephony: Telephony, last_two: str, outcome: Outcome, stage: Stage
) -> None:
    """Each refusal ends with its own disposition, is never answered, and ends exactly once."""
    events = await events_of(await place(telephony, call_to(last_two)))
    assert isinstance(events[-1], Ended)
    assert (disposition_of(events[-1].ending).outcome, disposition_of(events[-1].ending).stage) == (
        outcome,
        stage,
    )
    assert not any(isinstance(event, Answered) for event in events)
    assert sum(isinstance(event, Ended) for event in events) == 1


async def test_a_call_that_is_answered_rings_first_and_ends_with_a_hang_up(telephony: Telephony) -> None:
    """Ringing, Answered, Ended, in this order; the talk time runs from the answer."""
    live = await place(telephony, call_to("00"))
    steps: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            steps.append(type(event).__name__)
            if isinstance(event, Answered):
                await live.hang_up()
    assert [step for step in steps if step != "CalleeTypeDetected"] == ["Ringing", "Answered", "Ended"]


@pytest.mark.parametrize(
    ("last_two", "callee_type"),
    [("00", CalleeType.VOICE), ("03", CalleeType.ANSWERING_MACHINE), ("04", CalleeType.FAX)],
)
async def test_call_analysis_tells_who_answered(
    telephony_in_real_time: Telephony, last_two: str, callee_type: CalleeType
) -> None:
    """What is detected is also what the ending says."""
    heard: list[CalleeType] = []
    while callee_type not in heard and len(heard) < GREETINGS:
        heard.append(await _who_answers(telephony_in_real_time, call_to(last_two)))
    assert heard[-1] is callee_type, heard


async def _who_answers(telephony: Telephony, call: OutboundCall) -> CalleeType:
    live = await place(telephony, call)
    detected: list[CalleeType] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            if isinstance(event, CalleeTypeDetected):
                detected.append(event.callee_type)
                await live.hang_up()
            if isinstance(event, Ended):
                assert event.ending.talk_seconds > 0
                assert [event.ending.callee_type] == detected
    return detected[0]


async def test_a_prompt_is_played_to_its_end(telephony: Telephony) -> None:
    """PlayEnded follows, whole, with the id that was given; a second prompt waits for the first."""
    live = await place(telephony, call_to("00"))
    played: list[PlayEnded] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.play(1, LONG_PROMPT, bargein=True)
                    await live.play(2, (Speech("Bye."),), bargein=True)
                case PlayEnded():
                    played.append(event)
                    if len(played) == 2:
                        await live.hang_up()
                case _:
                    pass
    assert played == [PlayEnded(1, whole=True), PlayEnded(2, whole=True)]


async def test_stop_cuts_every_prompt_short(telephony: Telephony) -> None:
    """What plays and what waits ends at once, and is not called whole."""
    live = await place(telephony, call_to("00"))
    cut: set[int] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.play(1, LONG_PROMPT, bargein=True)
                    await live.play(2, LONG_PROMPT, bargein=True)
                    await asyncio.sleep(0)
                    await live.stop_play()
                case PlayEnded(play_id, whole):
                    assert not whole
                    cut.add(play_id)
                    if cut == {1, 2}:
                        await live.hang_up()
                case _:
                    pass
    assert cut == {1, 2}


@pytest.mark.parametrize(("bargein", "whole"), [(True, False), (False, True)])
async def test_a_key_stops_a_prompt_that_allows_it(telephony: Telephony, bargein: bool, whole: bool) -> None:
    """The callee presses 1 while listening: a barge-in prompt is cut, another goes on."""
    live = await place(telephony, call_to("09"))
    keys: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.play(1, LONG_PROMPT, bargein=bargein)
                    await live.collect(5000)
                case DigitPressed(key):
                    keys.append(key)
                case PlayEnded(_, ended_whole):
                    assert ended_whole is whole
                    await live.hang_up()
                case _:
                    pass
    assert keys == ["1"]


async def test_a_callee_may_hang_up_during_a_prompt(telephony: Telephony) -> None:
    """The prompt never ends; the call does."""
    live = await place(telephony, call_to("08"))
    events: list[CallEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            events.append(event)
            if isinstance(event, Answered):
                await live.play(1, LONG_PROMPT, bargein=True)
    assert isinstance(events[-1], Ended)
    assert not any(isinstance(event, PlayEnded) for event in events)


async def test_a_ringing_call_can_be_cancelled(telephony: Telephony) -> None:
    """A hang-up before the answer ends the call unanswered."""
    live = await place(telephony, call_to("02"))
    events: list[CallEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            events.append(event)
            if isinstance(event, Ringing):
                await live.hang_up()
    assert isinstance(events[-1], Ended)
    assert events[-1].ending.sip_status == 487
    assert not any(isinstance(event, Answered) for event in events)


async def test_an_answered_call_ends_at_its_longest(telephony: Telephony) -> None:
    """A call that nobody ends is ended by the limit that it was placed with."""
    live = await place(telephony, call_to("00", longest_call_seconds=5))
    events = await events_of(live)
    assert isinstance(events[-1], Ended)
    assert events[-1].ending.talk_seconds >= 5


async def test_nothing_is_sent_after_its_latest_instant(telephony: Telephony) -> None:
    """A call that would be late is refused, and the phone provably did not ring."""
    now = asyncio.get_running_loop().time()
    with pytest.raises(TooLate):
        await telephony.place(call_to("00"), not_before=now - 2, send_by=now - 1)


async def test_an_adapter_that_works_has_no_trouble(telephony: Telephony) -> None:
    """Campaigns are held in the adapter's words only while it has any."""
    assert telephony.trouble() is None


@pytest.mark.parametrize("adapter", WITHOUT_A_TRUNK)
async def test_without_a_trunk_nothing_is_sent_and_the_adapter_says_why(adapter: str, tmp_path: Path) -> None:
    """The phone provably did not ring, and people read why no call can leave."""
    async with WITHOUT_A_TRUNK[adapter](tmp_path, SIP_SPEED) as carrier:
        with pytest.raises(NoTrunk):
            await place(carrier, call_to("00"))
        trouble = carrier.trouble()
    assert trouble
    assert not trouble.endswith(".")


async def test_nothing_is_sent_before_its_instant(telephony: Telephony) -> None:
    """The INVITE leaves at not_before or later, and the call says when."""
    due = asyncio.get_running_loop().time() + 0.05
    live = await telephony.place(call_to("01"), not_before=due, send_by=due + PATIENCE_SECONDS)
    assert live.sent_at >= due
    await events_of(live)


async def test_closing_ends_live_calls(telephony: Telephony) -> None:
    """Whoever closes the adapter hangs up politely: each call still ends, once."""
    live = await place(telephony, call_to("00"))
    await telephony.close()
    events = await events_of(live)
    assert isinstance(events[-1], Ended)


async def test_a_recording_that_a_hang_up_ends_is_told_before_the_end(telephony: Telephony) -> None:
    """Its name, its sound as a WAV file, and only then Ended."""
    live = await place(telephony, call_to("00"))
    events: list[CallEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            events.append(event)
            if isinstance(event, Answered):
                await live.record("message", longest_seconds=60, stop_keys="")
            if isinstance(event, CalleeTypeDetected):
                await live.hang_up()
    recording, ended = events[-2:]
    assert isinstance(recording, RecordingEnded)
    assert (recording.name, recording.stop_key, recording.wav[:4]) == ("message", None, b"RIFF")
    assert isinstance(ended, Ended)


async def test_a_recording_ends_at_once_when_it_is_stopped(telephony: Telephony) -> None:
    """And a second word to stop changes nothing."""
    live = await place(telephony, call_to("00"))
    stopped: list[RecordingEnded] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            if isinstance(event, Answered):
                await live.record("message", longest_seconds=60, stop_keys="")
                await live.stop_recording()
                await live.stop_recording()
            if isinstance(event, RecordingEnded):
                stopped.append(event)
                await live.hang_up()
    assert [event.name for event in stopped] == ["message"]
