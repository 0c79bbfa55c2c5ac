"""One live call over SIP: what the engine tells and what the line hears, as the port's events.

Everything arrives on the running loop and ends in one queue, so that there is one order of events. Ended is last and
comes exactly once, whatever the engine, the callee and the application do at the same time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Final

import structlog
from typing_extensions import override

from shared.adapters.sip_trunk.analysis import CallAnalysis
from shared.adapters.sip_trunk.audio_line import AudioLine
from shared.adapters.sip_trunk.beep import beep as tone_before_recording
from shared.adapters.sip_trunk.ending import ending_of_answered, ending_of_failed
from shared.adapters.sip_trunk.player import Player, Prompt
from shared.adapters.sip_trunk.prompts import LONGEST_PROMPT_BYTES, Prompts
from shared.adapters.sip_trunk.recorder import Recorder
from shared.adapters.sip_trunk.report_line import Quality, ReportLine
from shared.adapters.sip_trunk.rtp_ports import PortPair
from shared.adapters.sip_trunk.second_leg import Joinable, Place, SecondLeg
from shared.adapters.sip_trunk.ticker import Ticker
from shared.adapters.sip_trunk.wav import write_mu_law_wav
from shared.clock import monotonic_seconds
from shared.domain.disposition import CalleeType, CallEnding
from shared.ports.recordings import NotKept, Recordings
from shared.sip import effects as sip
from shared.sip.offer_answer import Media
from shared.telephony.port import (
    Answered,
    CalleeTypeDetected,
    CallEvent,
    DigitPressed,
    Ended,
    OutboundCall,
    PlayEnded,
    RecordingEnded,
    Ringing,
    Segment,
    TransferAnswered,
    TransferEnded,
)

_log = structlog.get_logger()

#: A disk that takes longer than this to keep a recording must not keep a call's end from being told.
_KEEP_SECONDS: Final = 10.0
#: Prompts of one call that are made at a time: the next ones while one plays, and no queue of two hundred at once.
_PROMPTS_AT_ONCE: Final = 4
#: The number of the tone before a recording, which is no prompt of the application's.
_BEEP: Final = -(2**31)
_RINGS: Final = range(180, 190)


class SipCall(Joinable):
    """A call from its INVITE to its end."""

    def __init__(
        self,
        call: OutboundCall,
        *,
        prompts: Prompts,
        recordings: Recordings,
        pace_of_time: float,
        place: Place,
        hang_up: Callable[[], None],
        unheard: Callable[[], None],
    ) -> None:
        self.sent_at = monotonic_seconds()
        self._call = call
        self._prompts = prompts
        self._recordings = recordings
        self._pace_of_time = pace_of_time
        self._place = place
        self._hang_up = hang_up
        self.patience_over = unheard
        self._line: AudioLine | None = None
        self._player = Player(self._prompt_over)
        self._recorder: Recorder | None = None
        self._analysis: CallAnalysis | None = None
        self._callee_type = CalleeType.UNKNOWN
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        #: Prompts of which the sound is not there yet, by their numbers.
        self._making: dict[int, asyncio.Task[None]] = {}
        self._making_room = asyncio.Semaphore(_PROMPTS_AT_ONCE)
        self._transferring: set[asyncio.Task[None]] = set()
        self._keeping: set[asyncio.Task[None]] = set()
        self._first_word: asyncio.Future[sip.Failed | None] = asyncio.get_running_loop().create_future()
        self._second_leg: SecondLeg | None = None
        self._transfers = 0
        self._rang = False
        self._keys_in_audio = False
        self._answered_at: float | None = None
        #: Set when the outcome is settled; Ended may still be on its way.
        self.over = asyncio.Event()

    def open_line(
        self,
        pair: PortPair,
        ticker: Ticker,
        released: Callable[[int], None],
        note_quality: Callable[[Quality], None],
        *,
        home: str,
    ) -> int:
        """Speak and hear through these sockets, which the far end reaches at `home`; returns the port of the audio."""
        reports = ReportLine(pair.reports, ticker, note=note_quality)
        self._line = AudioLine(
            pair.audio, ticker, self._player, self, reports=reports, released=released, home=home
        )
        return self._line.port

    def close_line(self) -> None:
        """Let go of the socket of a call that never left."""
        if self._line is not None:
            self._line.close()

    def abandon(self) -> None:
        """End a call whose far end does not answer our good-bye; nothing for one that is over."""
        if self._answered_at is None:
            self.hear(sip.Failed(cause=sip.Cause.CANCELLED, rang=self._rang))
        else:
            self.hear(sip.Ended(by=sip.Party.US, cause=sip.Cause.HUNG_UP))

    async def first_word(self, patience_seconds: float) -> sip.Failed | None:
        """Wait until somebody took the call (None) or it failed; raises TimeoutError when nothing is heard so long."""
        async with asyncio.timeout(patience_seconds):
            return await asyncio.shield(self._first_word)

    # What the dialer asks.

    @override
    async def events(self) -> AsyncIterator[CallEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Ended):
                return

    @override
    async def play(self, play_id: int, segments: tuple[Segment, ...], *, bargein: bool) -> None:
        if self.over.is_set():
            return
        if self._player.full:
            self._prompt_over(play_id, whole=False)
            return
        prompt = Prompt(play_id=play_id, bargein=bargein)
        self._player.add(prompt)
        task = asyncio.get_running_loop().create_task(self._make(prompt, segments))
        self._making[play_id] = task
        task.add_done_callback(lambda _: self._making.pop(play_id, None))

    @override
    async def stop_play(self) -> None:
        self._player.stop()

    @override
    async def collect(self, timeout_ms: int) -> None:
        """Do nothing: keys are heard from the answer to the end."""

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
        if self.over.is_set() or self._line is None:
            return
        self._end_recording(None)
        self._recorder = Recorder(
            name,
            longest_seconds=longest_seconds,
            stop_keys=stop_keys,
            final_silence_seconds=final_silence_seconds,
            first_sound_seconds=first_sound_seconds,
        )
        if beep and not self._player.full:
            self._player.add(Prompt(play_id=_BEEP, bargein=False, sound=tone_before_recording()))
        else:
            self._line.record(self._recorder)

    @override
    async def stop_recording(self) -> None:
        self._end_recording(None)

    @override
    async def transfer(
        self, e164: str, *, bridge: bool, ring_seconds: float, post_dial: str | None = None
    ) -> None:
        if self.over.is_set() or self._second_leg is not None or self._answered_at is None:
            return
        self._transfers += 1
        talked = (monotonic_seconds() - self._answered_at) * self._pace_of_time
        call = OutboundCall(
            e164=e164,
            caller_id=self._call.caller_id,
            post_dial=post_dial,
            fence=f"{self._call.fence}.t{self._transfers}",
            ring_seconds=ring_seconds,
            longest_call_seconds=max(1.0, self._call.longest_call_seconds - talked),
        )
        leg = SecondLeg(
            self, self._place, self._transfer_told, bridge=bridge, pace_of_time=self._pace_of_time
        )
        self._second_leg = leg
        _start(leg.run(call), self._transferring)

    def _transfer_told(self, event: TransferAnswered | TransferEnded) -> None:
        if isinstance(event, TransferEnded) and event.reason != "transferred":
            self._second_leg = None
        self._events.put_nowait(event)

    @override
    async def end_transfer(self) -> None:
        if self._second_leg is not None:
            await self._second_leg.give_up()

    @override
    async def hang_up(self) -> None:
        self._hang_up()

    # The other leg of a transfer.

    @override
    def join(self, hears: deque[bytes] | None, tells: deque[bytes] | None) -> None:
        if self._line is not None:
            self._line.join(hears, tells)

    @override
    def press(self, key: str) -> None:
        if self._line is not None:
            self._line.dial(key)

    # What the engine tells.

    def hear(self, event: sip.CallEvent | None) -> None:
        """Take an event of the engine; None says that nothing of the call is left there."""
        match event:
            case sip.Provisional(status=status, media=media):
                self._progressed(status, early_media=media is not None)
            case sip.Answered(media=media):
                self._answered(media)
            case sip.MediaChanged(media=media):
                if self._answered_at is not None and self._line is not None:
                    self._line.connect(media)
            case sip.KeyByInfo(key=key):
                if not self._keys_in_audio:  # who sends both means one key
                    self._pressed(key)
            case sip.Failed():
                self._settle(event)
                self._end(ending_of_failed(event))
            case sip.Ended(cause=cause):
                self._end(
                    ending_of_answered(
                        event, callee_type=self._callee_type, talk_seconds=self._talk_seconds(cause)
                    )
                )
            case None:
                pass

    def _progressed(self, status: int, *, early_media: bool) -> None:
        if status not in _RINGS:
            return
        self._settle(None)
        if not self._rang:
            self._rang = True
            self._events.put_nowait(Ringing(early_media=early_media))

    def _answered(self, media: Media) -> None:
        self._answered_at = monotonic_seconds()
        self._settle(None)
        if self._line is not None:
            self._line.connect(media)
            self._line.dial(self._call.post_dial or "")
            self._analysis = CallAnalysis()
            self._line.analyse(self._analysis)
        self._events.put_nowait(Answered())

    def _settle(self, word: sip.Failed | None) -> None:
        if not self._first_word.done():
            self._first_word.set_result(word)

    def _talk_seconds(self, cause: sip.Cause) -> float:
        if self._answered_at is None:
            return 0.0
        seconds = (monotonic_seconds() - self._answered_at) * self._pace_of_time
        # The engine counts from the datagram, a moment before we heard of it.
        return max(seconds, self._call.longest_call_seconds) if cause is sip.Cause.TOO_LONG else seconds

    # What the line hears.

    def key_heard(self, key: str) -> None:
        """Take a key from the audio."""
        self._keys_in_audio = True
        self._pressed(key)

    def recording_full(self) -> None:
        """End a recording at its longest."""
        self._end_recording(None)

    def callee_known(self, callee_type: CalleeType) -> None:
        """Take call analysis' word."""
        self._callee_type = callee_type
        self._events.put_nowait(CalleeTypeDetected(callee_type))

    def _pressed(self, key: str) -> None:
        self._events.put_nowait(DigitPressed(key))
        self._player.key_pressed()
        if self._second_leg is not None:
            self._second_leg.press(key)
        if self._recorder is not None and key in self._recorder.stop_keys:
            self._end_recording(key)

    # Prompts and recordings.

    async def _make(self, prompt: Prompt, segments: tuple[Segment, ...]) -> None:
        sound = b""
        async with self._making_room:
            try:
                sound = await self._prompts.sound_of(segments)
            except Exception:  # noqa: BLE001 - a prompt that cannot be made must not hold up those behind it
                _log.exception("prompt_broke")
        prompt.sound = sound[: max(0, LONGEST_PROMPT_BYTES - self._player.sound_bytes)]

    def _prompt_over(self, play_id: int, whole: bool) -> None:  # noqa: FBT001 - the player's word
        if play_id == _BEEP:
            if self._line is not None and self._recorder is not None:
                self._line.record(self._recorder)
            return
        if (making := self._making.get(play_id)) is not None:
            making.cancel()  # nobody will hear it, and those behind it wait for their turn to be made
        self._events.put_nowait(PlayEnded(play_id, whole=whole))

    def _end_recording(self, key: str | None) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        if self._line is not None:
            self._line.record(None)
        wav = write_mu_law_wav(recorder.sound())
        self._events.put_nowait(
            RecordingEnded(recorder.name, recorder.duration_seconds, key, wav, heard=recorder.heard)
        )
        _start(self._keep(recorder.name, wav), self._keeping)

    async def _keep(self, name: str, wav: bytes) -> None:
        try:
            async with asyncio.timeout(_KEEP_SECONDS):
                await self._recordings.keep(name, wav)
        except (NotKept, TimeoutError) as error:
            _log.warning("recording_not_kept", reason=str(error))

    # The end.

    def _end(self, ending: CallEnding) -> None:
        if self.over.is_set():
            return
        self.over.set()
        self._player.forget()
        self._end_recording(None)
        if self._line is not None:
            self._line.close()
        for task in (*self._making.values(), *self._transferring):
            task.cancel()
        _start(self._tell_end(ending), self._keeping)

    async def _tell_end(self, ending: CallEnding) -> None:
        """Tell the end when the recordings are on their disk: after the last call a process may end."""
        others = self._keeping - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        self._events.put_nowait(Ended(ending))


def _start(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run work beside the call, held by a set for as long as it runs."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
