"""A VoiceXML session between its documents and a terminal, on a clock that does not wait.

Prompts take no time, and silence takes none either: when nobody has anything more to say, the clock jumps to
the next timer. So a whole call runs as fast as its documents come.
"""

import heapq
import itertools
import re
from collections.abc import Iterable

from services.cli.voicexml.documents import Documents, shown
from services.cli.voicexml.terminal import Answer, Terminal
from shared.voicexml import effects, events
from shared.voicexml.effects import Effect, Segment
from shared.voicexml.events import DTMF_KEYS, Event
from shared.voicexml.session import Session

#: A value and the full stop behind it come apart, and are heard as one.
_SPACE_BEFORE_MARK = re.compile(r" ([.,;:!?])(?=\s|$)")

#: How long a tried caller speaks into a recording, unless it takes less: longer than the shortest that applications
#: allow, so that a `maxtime` can be tried too; and the bytes that a millisecond of telephone sound measures.
_RECORDING_MS, _BYTES_PER_MS = 6_000, 8

#: How long an utterance is, and how long after the prompts it begins: what `marktime` and the like show of it.
_UTTERANCE_MS, _REACTION_MS = 1_000, 500

#: How long the two sides of a transfer talk, unless `maxtime` ends it.
_TALK_MS = 30_000

#: How a transfer ends for the application when the other side answered: a bridge when they have hung up, and
#: a blind one by the caller being gone.
_ANSWERED = {"blind": "transferred", "bridge": "far_end_disconnect", "consultation": "transferred"}


class Conversation:
    """One call from the first fetch to the exit."""

    def __init__(self, session: Session, documents: Documents, terminal: Terminal) -> None:
        self._session = session
        self._documents = documents
        self._terminal = terminal
        self._now_ms = 0
        self._order = itertools.count()
        #: When, in which order, and what: nothing that is further away happens before something nearer.
        self._agenda: list[tuple[int, int, Event]] = []
        #: The input that was announced, and not asked for yet.
        self._listens: effects.Listen | None = None
        self._exit: effects.Exit | None = None
        #: The name of the last error that was shown.
        self._error = ""

    async def run(self) -> effects.Exit:
        """Hold the conversation; raises Invalid for an answer that is none."""
        await self._carry_out(self._session.begin())
        while self._exit is None:
            self._now_ms, _, event = heapq.heappop(self._agenda)
            await self._carry_out(self._session.handle(event))
        return self._exit

    def _happen(self, event: Event, after_ms: int = 0) -> None:
        heapq.heappush(self._agenda, (self._now_ms + after_ms, next(self._order), event))

    async def _carry_out(self, wanted: Iterable[Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Fetch():
                    self._happen(await self._documents.fetch(effect))
                case effects.Play(play_id=play_id):
                    await self._play_prompts(effect)
                    self._happen(events.PlayEnded(play_id=play_id))
                case effects.Unheard():
                    await self._play_prompts(effect)
                case _:
                    self._carry_out_at_once(effect)

    def _carry_out_at_once(self, effect: Effect) -> None:
        match effect:
            case effects.StartTimer(timer_id=timer_id, after_ms=after_ms):
                self._happen(events.TimerFired(timer_id=timer_id), after_ms)
                self._ask()
            case effects.Listen():
                self._listens = effect
            case effects.StopListening():
                self._listens = None
            case effects.Exit():
                self._exit = effect
                if effect.event.startswith("error.") and effect.event != self._error:
                    # What ends a session from outside, such as its limits, is thrown nowhere.
                    self._tell_error(effect.event, effect.message)
                self._tell(event="exit", reason=effect.reason, values=dict(effect.values))
            case effects.Log(text=text):
                self._tell(event="log", text=text)
            case effects.ErrorThrown(event=event, message=message):
                self._tell_error(event, message)
            case _:
                self._telephony(effect)

    def _telephony(self, effect: Effect) -> None:
        match effect:
            case effects.Transfer():
                self._transfer(effect)
            case effects.EndTransfer(transfer_id=transfer_id):
                self._transfer_ends(transfer_id, "near_end_disconnect", _UTTERANCE_MS)
            case effects.Record():
                self._record(effect)
            case effects.StopRecording(record_id=record_id):
                self._recorded(record_id, "stop")
            case _:
                pass  # what is stopped has ended here already

    def _tell_error(self, event: str, message: str) -> None:
        self._error = event
        self._tell(event="error", name=event, message=shown(message))

    def _tell(self, **facts: object) -> None:
        self._terminal.show(facts)

    async def _play_prompts(self, play: effects.Play | effects.Unheard) -> None:
        """Show each prompt for itself, as the application has them."""
        rest = iter(play.segments)
        for length in play.lengths:
            await self._play(itertools.islice(rest, length))

    async def _play(self, segments: Iterable[Segment]) -> None:
        spoken: list[str] = []
        for segment in segments:
            if isinstance(segment, effects.Speech):
                spoken.append(segment.text)
            elif isinstance(segment, effects.Audio):
                self._say(spoken)
                await self._play_audio(segment)
            elif isinstance(segment, effects.Mark):
                self._happen(events.MarkReached(name=segment.name, at_ms=self._now_ms))
        self._say(spoken)

    def _say(self, spoken: list[str]) -> None:
        if spoken:
            self._tell(event="prompt", text=_SPACE_BEFORE_MARK.sub(r"\1", " ".join(spoken)))
            spoken.clear()

    async def _play_audio(self, audio: effects.Audio) -> None:
        """Show a recording; only where there is something instead is it asked for (4.1.3)."""
        if audio.fallback and not await self._documents.can_play(audio.src):
            await self._play(audio.fallback)
        else:
            self._tell(event="audio", src=shown(audio.src))

    def _ask(self) -> None:
        """Let the caller answer, once per input, when the time for it begins."""
        if self._listens is None:
            return
        self._tell(event="listen", timeout_ms=self._listens.timeout_ms)
        keep_sound, self._listens = self._listens.keep_sound, None
        self._take(self._terminal.answer(transfer=False), keep_sound=keep_sound)

    def _take(self, answer: Answer, *, keep_sound: bool = False) -> None:
        at_ms = self._now_ms + _REACTION_MS
        if answer.hangup:
            self._happen(events.HungUp())
        elif answer.say is not None:
            self._happen(_said(answer.say, at_ms, f"said-{next(self._order)}" if keep_sound else ""))
        for key in answer.dtmf:
            if key in DTMF_KEYS:
                self._happen(events.Digit(key=key, at_ms=at_ms))

    def _transfer(self, transfer: effects.Transfer) -> None:
        self._tell(event="transfer", dest=transfer.dest, type=transfer.kind)
        answer = self._terminal.answer(transfer=True)
        if answer.hangup or answer.transfer == "hangup":
            self._happen(events.HungUp())
        elif answer.dtmf or answer.say is not None:
            # A command of the caller; if it is none, the other side hangs up in the end.
            self._take(answer)
            self._answered(transfer, after_ms=1)
        elif answer.transfer in {"", "answer"}:
            self._answered(transfer)
        else:
            self._transfer_ends(transfer.transfer_id, answer.transfer)

    def _answered(self, transfer: effects.Transfer, after_ms: int = 0) -> None:
        """Let the two sides talk, until the other one hangs up or the time is over."""
        outcome, talk_ms = _ANSWERED[transfer.kind], _TALK_MS
        if transfer.kind == "bridge" and 0 < transfer.max_time_ms <= _TALK_MS:
            outcome, talk_ms = "maxtime_disconnect", transfer.max_time_ms
        self._transfer_ends(transfer.transfer_id, outcome, talk_ms, after_ms)

    def _transfer_ends(self, transfer_id: int, outcome: str, talk_ms: int = 0, after_ms: int = 0) -> None:
        ended = events.TransferEnded(transfer_id=transfer_id, outcome=outcome, duration_ms=talk_ms)
        self._happen(ended, after_ms)

    def _record(self, record: effects.Record) -> None:
        self._tell(event="listen", timeout_ms=record.timeout_ms)
        answer = self._terminal.answer(transfer=False)
        if answer.hangup:
            self._happen(events.HungUp())
            self._recorded(record.record_id, "hangup")
        elif answer.dtmf:
            self._take(answer)
            # Keys that nobody wants are heard on the recording.
            self._recorded(record.record_id, "silence", after_ms=1)
        elif answer.say is None:
            self._recorded(record.record_id, "noinput")
        elif record.max_time_ms < _RECORDING_MS:
            self._recorded(record.record_id, "maxtime", length_ms=record.max_time_ms)
        else:
            self._recorded(record.record_id, "silence")

    def _recorded(
        self, record_id: int, ended_by: str, after_ms: int = 0, length_ms: int = _RECORDING_MS
    ) -> None:
        nothing = ended_by == "noinput"
        self._happen(
            events.Recorded(
                record_id=record_id,
                recording="" if nothing else f"tried-{record_id}",
                content_type="audio/x-wav",
                duration_ms=0 if nothing else length_ms,
                size_bytes=0 if nothing else length_ms * _BYTES_PER_MS,
                ended_by=ended_by,
            ),
            after_ms,
        )


def _said(text: str, at_ms: int, recording: str) -> events.Said:
    """Say something; with a name its sound is kept (VoiceXML 2.1, 7)."""
    if not recording:
        return events.Said(text=text, at_ms=at_ms)
    return events.Said(
        text=text,
        at_ms=at_ms,
        recording=recording,
        recording_ms=_UTTERANCE_MS,
        recording_bytes=_UTTERANCE_MS * _BYTES_PER_MS,
    )
