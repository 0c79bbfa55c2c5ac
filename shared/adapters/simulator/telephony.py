"""The telephony that rings nobody: it is the default, so that nothing rings by accident.

Each call is one asyncio task that plays the callee's part: it rings, answers or refuses, listens to prompts for
as long as they would last, presses keys and hangs up. Call time runs `speed` times as fast as the clock; every
figure that leaves this module (durations, for example) is in call time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from typing_extensions import override

from shared.adapters.simulator.outage import Trouble, never
from shared.adapters.simulator.population import Behaviour, Callee, callee_of
from shared.adapters.simulator.silence import silent_wav
from shared.adapters.simulator.witness import Sight, Witness, look_away
from shared.clock import monotonic_seconds
from shared.domain.disposition import CalleeType, CallEnding
from shared.telephony.port import (
    Answered,
    Audio,
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
    Segment,
    Silence,
    Speech,
    Telephony,
    TooLate,
    TransferAnswered,
    TransferEnded,
)

#: English is spoken at about 15 characters a second.
SECONDS_PER_CHARACTER = 1 / 15
#: What a recorded prompt lasts; its file is not fetched for a callee who does not hear.
AUDIO_SECONDS = 3.0
#: Call analysis takes this long after the answer: a fax tone is plain, a machine's greeting is long.
ANALYSIS_SECONDS = {CalleeType.FAX: 0.5, CalleeType.VOICE: 1.2, CalleeType.ANSWERING_MACHINE: 2.0}
#: A person finds the key this long after the application began to listen.
KEY_SECONDS = 1.5

#: How long a callee speaks who is recorded.
SPEAKING_SECONDS = 4.0
#: The tone that a recording may begin with.
BEEP_SECONDS = 0.25

#: What a callee who never answers makes the network say.
REFUSALS = {
    Behaviour.BUSY: CallEnding(sip_status=486, q850_cause=17),
    Behaviour.UNOBTAINABLE: CallEnding(sip_status=404, q850_cause=1),
    Behaviour.NETWORK_FAILURE: CallEnding(sip_status=502, q850_cause=38),
    Behaviour.DECLINES: CallEnding(sip_status=603, q850_cause=21, rang=True),
}
CANCELED = CallEnding(sip_status=487, rang=True)

#: Whoever is called by a transfer has less to say than whoever waits for it.
SHARE_OF_PATIENCE = 0.25

#: Whom a transfer does not reach, and what the caller's application hears of it.
SECOND_LEGS = {
    Behaviour.BUSY: "busy",
    Behaviour.NO_ANSWER: "noanswer",
    Behaviour.DECLINES: "busy",
    Behaviour.UNOBTAINABLE: "noroute",
    Behaviour.NETWORK_FAILURE: "noroute",
}

CALLEE_TYPES = {Behaviour.MACHINE: CalleeType.ANSWERING_MACHINE, Behaviour.FAX: CalleeType.FAX}


@dataclass(frozen=True, slots=True)
class _Recording:
    """A recording under way."""

    name: str
    longest_seconds: float
    stop_keys: str
    #: On the loop's clock.
    began_at: float


class Simulator(Telephony):
    """Places calls to simulated callees."""

    def __init__(
        self, *, speed: float, seed: int, witness: Witness = look_away, trouble: Trouble = never
    ) -> None:
        self.pace_of_time = speed
        self._seed = seed
        self._witness = witness
        self._trouble = trouble
        self._live: set[SimulatedCall] = set()

    @override
    def trouble(self) -> str | None:
        return self._trouble()

    @override
    async def place(self, call: OutboundCall, *, not_before: float, send_by: float) -> LiveCall:
        loop = asyncio.get_running_loop()
        # A timer may fire within the last millisecond before its time.
        while (wait := not_before - loop.time()) > 0:  # noqa: ASYNC110 - the clock itself is what is waited for
            await asyncio.sleep(wait)
        if monotonic_seconds() > send_by:
            raise TooLate
        if (trouble := self._trouble()) is not None:
            raise NoTrunk(trouble)
        # Told before the call exists: from here on the network has the INVITE, whatever becomes of this process.
        self._witness(Sight.INVITE, call, monotonic_seconds())
        live = SimulatedCall(
            call, callee_of(call.e164, seed=self._seed), self.pace_of_time, self._witness, seed=self._seed
        )
        self._live.add(live)
        live.task.add_done_callback(lambda _: self._live.discard(live))
        return live

    @override
    async def close(self) -> None:
        calls = [live.task for live in self._live]
        for live in list(self._live):
            await live.hang_up()
        await asyncio.gather(*calls)


class SimulatedCall(LiveCall):
    """One call, from the INVITE to the end."""

    def __init__(
        self, call: OutboundCall, callee: Callee, speed: float, witness: Witness = look_away, *, seed: int = 0
    ) -> None:
        self._call = call
        self._seed = seed
        self._witness = witness
        self._callee = callee
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._hung_up = asyncio.Event()
        self._prompts: asyncio.Queue[tuple[int, tuple[Segment, ...], bool]] = asyncio.Queue()
        self._prompt: asyncio.Task[bool] | None = None
        self._prompt_stops_on_key = False
        self._callee_type = CalleeType.UNKNOWN
        self._answered_at: float | None = None
        self._played_before = False
        self._recording: _Recording | None = None
        self._second_leg: asyncio.Task[None] | None = None
        self._bridged_at: float | None = None
        self._helpers: set[asyncio.Task[None]] = set()
        self.sent_at = self._loop.time()
        self.task = asyncio.create_task(self._live(), name="simulated call")

    @override
    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Ended):
                return

    @override
    async def play(self, play_id: int, segments: tuple[Segment, ...], *, bargein: bool) -> None:
        if not self._played_before and self._callee.behaviour is Behaviour.HANGS_UP:
            self._later(_seconds(segments) / 2, self._hung_up.set)
        self._played_before = True
        self._prompts.put_nowait((play_id, segments, bargein))

    @override
    async def stop_play(self) -> None:
        while not self._prompts.empty():
            play_id, _, _ = self._prompts.get_nowait()
            self._events.put_nowait(PlayEnded(play_id, whole=False))
        if self._prompt is not None:
            self._prompt.cancel()

    @override
    async def collect(self, timeout_ms: int) -> None:
        if self._callee.behaviour is Behaviour.PRESSES_ONE:
            self._later(KEY_SECONDS, lambda: self._press("1"))

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
        self._end_recording()
        beep_seconds = BEEP_SECONDS if beep else 0.0
        began_at = self._loop.time() + beep_seconds / self._speed
        self._recording = _Recording(name, longest_seconds, stop_keys, began_at)
        if self._callee.behaviour is Behaviour.PRESSES_ONE:
            self._later(KEY_SECONDS, lambda: self._press("1"))
        recording = self._recording
        self._later(
            beep_seconds + min(longest_seconds, SPEAKING_SECONDS),
            lambda: self._end_recording() if self._recording is recording else None,
        )

    @override
    async def stop_recording(self) -> None:
        self._end_recording()

    @override
    async def transfer(
        self, e164: str, *, bridge: bool, ring_seconds: float, post_dial: str | None = None
    ) -> None:
        self._second_leg = asyncio.create_task(self._place_second_leg(e164, bridge, ring_seconds))
        self._helpers.add(self._second_leg)
        self._second_leg.add_done_callback(self._helpers.discard)

    @override
    async def end_transfer(self) -> None:
        if self._second_leg is not None and not self._second_leg.done():
            self._second_leg.cancel()
            self._events.put_nowait(TransferEnded("near_end_disconnect", self._bridged_seconds()))

    @override
    async def hang_up(self) -> None:
        self._hung_up.set()

    async def _live(self) -> None:
        try:
            ending = await self._ring() or await self._converse()
        finally:
            for helper in self._helpers:
                helper.cancel()
        self._end_recording()
        self._witness(Sight.END, self._call, self._loop.time())
        self._events.put_nowait(Ended(ending))

    async def _ring(self) -> CallEnding | None:
        """Play the part before the answer; returns the ending of a call that was not answered."""
        if await self._pause(self._callee.post_dial_seconds):
            return CallEnding(sip_status=487)
        refusal = REFUSALS.get(self._callee.behaviour)
        if refusal is not None and not refusal.rang:
            return refusal
        self._events.put_nowait(Ringing())
        never = self._callee.behaviour is Behaviour.NO_ANSWER
        rings = self._call.ring_seconds if never else min(self._callee.ring_seconds, self._call.ring_seconds)
        if await self._pause(rings) or rings >= self._call.ring_seconds:
            return CANCELED
        return refusal

    async def _converse(self) -> CallEnding:
        self._answered_at = self._loop.time()
        self._events.put_nowait(Answered())
        analysed = CALLEE_TYPES.get(self._callee.behaviour, CalleeType.VOICE)
        self._later(ANALYSIS_SECONDS[analysed], lambda: self._analysed(analysed))
        player = asyncio.create_task(self._play_prompts())
        await self._pause(min(self._callee.patience_seconds, self._call.longest_call_seconds))
        player.cancel()
        return CallEnding(
            sip_status=200,
            rang=True,
            callee_type=self._callee_type,
            talk_seconds=(self._loop.time() - self._answered_at) * self._speed,
        )

    async def _play_prompts(self) -> None:
        while True:
            play_id, segments, self._prompt_stops_on_key = await self._prompts.get()
            self._prompt = asyncio.create_task(self._pause(_seconds(segments)))
            await asyncio.wait([self._prompt])
            whole = not self._prompt.cancelled()
            self._prompt = None
            self._events.put_nowait(PlayEnded(play_id, whole=whole))

    def _press(self, key: str) -> None:
        self._events.put_nowait(DigitPressed(key))
        if self._recording is not None and key in self._recording.stop_keys:
            self._end_recording(key)
        if self._prompt is not None and self._prompt_stops_on_key:
            self._prompt.cancel()

    def _analysed(self, callee_type: CalleeType) -> None:
        self._callee_type = callee_type
        self._events.put_nowait(CalleeTypeDetected(callee_type))

    def _end_recording(self, key: str | None = None) -> None:
        recording, self._recording = self._recording, None
        if recording is None:
            return
        elapsed = max(0.0, self._loop.time() - recording.began_at) * self._speed
        seconds = min(elapsed, recording.longest_seconds, SPEAKING_SECONDS)
        self._events.put_nowait(RecordingEnded(recording.name, seconds, key, silent_wav(seconds)))

    async def _place_second_leg(self, e164: str, bridge: bool, ring_seconds: float) -> None:  # noqa: FBT001 - the port's word
        callee = callee_of(e164, seed=self._seed)
        reason = SECOND_LEGS.get(callee.behaviour)
        await asyncio.sleep(min(callee.post_dial_seconds + callee.ring_seconds, ring_seconds) / self._speed)
        if reason is None and callee.post_dial_seconds + callee.ring_seconds > ring_seconds:
            reason = "noanswer"
        if reason is not None:
            self._events.put_nowait(TransferEnded(reason))
            return
        self._bridged_at = self._loop.time()
        self._events.put_nowait(TransferAnswered() if bridge else TransferEnded("transferred"))
        await asyncio.sleep(callee.patience_seconds * SHARE_OF_PATIENCE / self._speed)
        if bridge:
            self._events.put_nowait(TransferEnded("far_end_disconnect", self._bridged_seconds()))
        else:
            self._hung_up.set()

    def _bridged_seconds(self) -> float:
        began, self._bridged_at = self._bridged_at, None
        return 0.0 if began is None else (self._loop.time() - began) * self._speed

    def _later(self, call_seconds: float, action: Callable[[], None]) -> None:
        async def act() -> None:
            if not await self._pause(call_seconds):
                action()

        helper = asyncio.create_task(act())
        self._helpers.add(helper)
        helper.add_done_callback(self._helpers.discard)

    async def _pause(self, call_seconds: float) -> bool:
        """Let call time pass; returns True when the call was hung up meanwhile."""
        try:
            async with asyncio.timeout(call_seconds / self._speed):
                await self._hung_up.wait()
        except TimeoutError:
            return False
        return True


def _seconds(segments: tuple[Segment, ...]) -> float:
    """Return how long prompts last, in call time."""
    total = 0.0
    for segment in segments:
        match segment:
            case Speech(text):
                total += len(text) * SECONDS_PER_CHARACTER
            case Silence(duration_ms):
                total += duration_ms / 1000
            case Audio():
                total += AUDIO_SECONDS
    return total
