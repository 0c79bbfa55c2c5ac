"""What an application asks of its call."""

import asyncio

import pytest
from typing_extensions import override

from services.dialer.application import Application, Heard
from shared.telephony import port
from shared.voicexml import effects as asked
from shared.voicexml import events as told
from tests.unit.services.dialer.fakes import NoFetcher, ScriptedCall, ScriptedInterpreter, leased

BEFORE_ANSWER = "http://app.example/ringing.wav"


class NotedCall(ScriptedCall):
    """A call that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(())
        self.notes: list[tuple[object, ...]] = []
        #: Set when the last thing that an effect leads to was asked for.
        self.asked = asyncio.Event()

    def _note(self, *note: object) -> None:
        self.notes.append(note)
        if note[0] in {"record", "transfer"}:
            self.asked.set()

    @override
    async def play(self, play_id: int, segments: tuple[port.Segment, ...], *, bargein: bool) -> None:
        self._note("play", segments)

    @override
    async def stop_play(self) -> None:
        self._note("stop play")

    @override
    async def record(
        self,
        name: str,
        *,
        longest_seconds: float,
        stop_keys: str,
        final_silence_seconds: float = 0.0,
        first_sound_seconds: float = 0.0,
        beep: bool = False,
    ) -> None:
        self._note("record", beep)

    @override
    async def transfer(
        self, e164: str, *, bridge: bool, ring_seconds: float, post_dial: str | None = None
    ) -> None:
        self._note("transfer", e164)


class OneEffect(ScriptedInterpreter):
    """An application that asks for one thing, and exits when it is done."""

    def __init__(self, effect: asked.Effect) -> None:
        super().__init__()
        self._effect = effect

    @override
    async def begin(self) -> tuple[asked.Effect, ...]:
        return (self._effect,)

    @override
    async def handle(self, event: told.Event) -> tuple[asked.Effect, ...]:
        return (asked.Exit(reason="exit"),)


async def notes_of(effect: asked.Effect, *events: Heard) -> list[tuple[object, ...]]:
    """Run an application that asks for something, and let these be the answers."""
    call = NotedCall()
    application = Application(leased(), call, OneEffect(effect), NoFetcher(), pace_of_time=1.0)
    async with asyncio.timeout(60):
        running = asyncio.create_task(application.run())
        await call.asked.wait()
        for event in events:
            application.hear(event)
        await running
    return call.notes


@pytest.mark.parametrize("beep", [False, True])
async def test_a_recording_begins_with_a_beep_if_the_application_says_so(*, beep: bool) -> None:
    """The call is told."""
    record = asked.Record(
        record_id=1, beep=beep, max_time_ms=1_000, final_silence_ms=1_000, dtmf_term=True, content_type=""
    )
    assert await notes_of(record, port.RecordingEnded("message", 1.0)) == [("record", beep)]


@pytest.mark.parametrize(
    "events",
    [
        (port.TransferEnded("busy"),),
        (port.TransferAnswered(), port.TransferEnded("far_end_disconnect", 3.0)),
    ],
)
async def test_a_transfer_has_its_audio_until_it_is_answered_or_over(
    events: tuple[port.TransferAnswered | port.TransferEnded, ...],
) -> None:
    """It begins before the second leg is placed, and stops at the answer (VoiceXML 2.0, 2.3.7)."""
    transfer = asked.Transfer(
        transfer_id=1,
        dest="tel:+12025550123",
        kind="bridge",
        connect_timeout_ms=1_000,
        max_time_ms=0,
        audio=BEFORE_ANSWER,
    )
    notes = await notes_of(transfer, *events)
    assert notes[:2] == [("play", (port.Audio(BEFORE_ANSWER),)), ("transfer", "+12025550123")]
    assert notes[2:] == [("stop play",)] * len(events)


@pytest.mark.parametrize(("reason", "hang_ups"), [("transferred", 0), ("busy", 1)])
async def test_who_was_transferred_for_good_is_not_hung_up(reason: str, hang_ups: int) -> None:
    """The application has done, and the two talk on; a transfer that failed ends with it."""
    transfer = asked.Transfer(
        transfer_id=1, dest="tel:+12025550123", kind="blind", connect_timeout_ms=1_000, max_time_ms=0
    )
    call = NotedCall()
    application = Application(leased(), call, OneEffect(transfer), NoFetcher(), pace_of_time=1.0)
    async with asyncio.timeout(60):
        running = asyncio.create_task(application.run())
        await call.asked.wait()
        application.hear(port.TransferEnded(reason))
        await running
    assert call.hang_ups == hang_ups


async def test_a_machine_that_presses_keys_without_end_fills_no_memory() -> None:
    """Whatever nobody asks for is dropped beyond what anybody types ahead; the end of the call is told all the same."""
    call = NotedCall()
    application = Application(leased(), call, ScriptedInterpreter(), NoFetcher(), pace_of_time=1.0)
    for _ in range(10_000):
        application.hear(port.DigitPressed("1"))
    application.hang_up_heard()
    waiting = application._inbox
    assert waiting.qsize() == 201


async def test_a_transfer_without_audio_plays_and_stops_nothing() -> None:
    """What the application queued before is heard out."""
    transfer = asked.Transfer(
        transfer_id=1, dest="tel:+12025550123", kind="blind", connect_timeout_ms=1_000, max_time_ms=0
    )
    notes = await notes_of(transfer, port.TransferEnded("busy"))
    assert notes == [("transfer", "+12025550123")]


async def test_how_old_a_recording_may_be_reaches_the_telephony() -> None:
    """VoiceXML 2.0, 6.1.2: each for itself, alternatives too."""
    call = NotedCall()
    inner = asked.Audio(src="http://f/b.wav", max_age_s=3, max_stale_s=4)
    play = asked.Play(
        play_id=1,
        segments=(asked.Audio(src="http://f/a.wav", fallback=(inner,), max_age_s=1, max_stale_s=2),),
        bargein=True,
    )
    application = Application(leased(), call, OneEffect(play), NoFetcher(), pace_of_time=1.0)
    application.hang_up_heard()
    async with asyncio.timeout(60):
        await application.run()
    alternative = port.Audio("http://f/b.wav", (), 3, 4)
    assert call.notes == [("play", (port.Audio("http://f/a.wav", (alternative,), 1, 2),))]
