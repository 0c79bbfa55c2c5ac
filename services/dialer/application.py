"""The conversation: a VoiceXML session on one side, a live call on the other.

The session lives in an interpreter process and decides everything; this room only carries out its effects and
tells it what happened. Every wait ends in the same inbox, so that there is one order of events.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.dialer.captures import Captures
from shared.clock import epoch_seconds
from shared.contracts.multipart import multipart
from shared.domain.errors import Invalid, Unavailable
from shared.domain.phone_list_line import read_destination
from shared.failpoints import Failpoint, failpoint
from shared.ports.dialing import LeasedAttempt
from shared.ports.fetching import DocumentStore, FetchedDocument, FetchFailed
from shared.ports.interpreting import ApplicationLost, ApplicationSession, Interpreter
from shared.telephony import port
from shared.voicexml import effects as asked
from shared.voicexml import events as told

_log = structlog.get_logger()

#: The only destinations that a trunk can be given (RFC 3966).
_TEL: Final = re.compile(r"tel:", re.IGNORECASE)
#: More than anybody types ahead: a machine that presses keys without end is heard no further.
_MOST_WAITING: Final = 200
#: As large as a document may be; the interpreter refuses larger ones too.
DOCUMENT_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEnd:
    """How the application ended."""

    #: It said what it had to say: it exited or disconnected by its own will.
    finished: bool
    #: It could not be run, or broke.
    failed: bool
    #: What it handed to <exit> or <disconnect>.
    values: Mapping[str, str] = field(default_factory=dict)


FAILED = ApplicationEnd(finished=False, failed=True)


#: What the call heard that an application may want to know.
Heard = (
    port.DigitPressed
    | port.PlayEnded
    | port.CalleeTypeDetected
    | port.RecordingEnded
    | port.TransferAnswered
    | port.TransferEnded
)

#: Reasons of the port that are events in VoiceXML (2.0, 2.3.7); the others are values of the item.
_TRANSFER_ERRORS: Final[Mapping[str, str]] = {
    "noroute": "error.connection.noroute",
    "baddestination": "error.connection.baddestination",
    "noauthorization": "error.connection.noauthorization",
    "unsupported uri": "error.unsupported.uri",
    "unsupported": "error.unsupported.transfer.{kind}",
}


class Application:
    """One application on one call."""

    def __init__(
        self,
        leased: LeasedAttempt,
        call: port.LiveCall,
        interpreter: Interpreter,
        fetcher: DocumentStore,
        *,
        pace_of_time: float,
    ) -> None:
        self._leased = leased
        self._call = call
        self._interpreter = interpreter
        self._fetcher = fetcher
        self._pace_of_time = pace_of_time
        self._inbox: asyncio.Queue[told.Event] = asyncio.Queue()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self._captures = Captures()
        self._gone = False
        #: The marks behind what plays, by the number of the part that they end.
        self._marks: dict[int, tuple[str, ...]] = {}
        self._last_part = 0
        self._transfer: asked.Transfer | None = None
        self._too_long: asyncio.TimerHandle | None = None
        self._was_too_long = False
        #: A blind transfer took place: the two talk on without us.
        self._handed_over = False

    def hear(self, event: Heard) -> None:
        """Pass on what the call heard."""
        match event:
            case port.DigitPressed(key):
                if self._inbox.qsize() < _MOST_WAITING:
                    self._inbox.put_nowait(told.Digit(key=key, at_ms=self._now_ms()))
            case port.PlayEnded(play_id, whole):
                self._part_played(play_id, whole=whole)
            case port.CalleeTypeDetected(callee_type):
                self._inbox.put_nowait(told.CalleeTypeKnown(callee_type=callee_type.value))
            case port.RecordingEnded():
                recorded = self._captures.take(event, gone=self._gone)
                if recorded is not None:
                    self._inbox.put_nowait(recorded)
            case port.TransferAnswered():
                self._transfer_answered()
            case port.TransferEnded(reason, talk_seconds):
                self._transfer_ended(reason, talk_seconds)

    def hang_up_heard(self) -> None:
        """Tell the session that the callee is gone."""
        self._gone = True
        self._abandon_recording()
        self._inbox.put_nowait(told.HungUp())

    async def run(self) -> ApplicationEnd:
        """Run the application to its end and hang up."""
        try:
            session = await self._interpreter.open(self._start())
            try:
                return await self._converse(session)
            finally:
                await session.close()
        except (ApplicationLost, Unavailable) as error:
            _log.warning("application_lost", campaign_id=self._leased.job.campaign_id, reason=str(error))
            return FAILED
        finally:
            self._forget_waits()
            await self._hang_up()

    async def _converse(self, session: ApplicationSession) -> ApplicationEnd:
        effects = await session.begin()
        while True:
            for effect in effects:
                if isinstance(effect, asked.Exit):
                    return self._ended(effect)
                await self._carry_out(effect)
            effects = await session.handle(await self._inbox.get())

    async def _hang_up(self) -> None:
        """End the call; one that was transferred for good ends when the two have done."""
        if not self._handed_over:
            await self._call.hang_up()

    def _start(self) -> told.Start:
        leased = self._leased
        told_of_the_call = {
            "phone_number": leased.e164,
            "message_reference": leased.message_reference or "",
            "call_id": str(leased.number_id),
            "campaign_id": str(leased.job.campaign_id),
        }
        return told.Start(
            url=leased.start_url,
            method="GET" if leased.start_method == "GET" else "POST",
            # A column of the list that bears one of our names does not hide what the call is.
            form=tuple({**leased.variables, **told_of_the_call}.items()),
            session_variables=told.SessionVariables(
                session_id=str(leased.job.attempt_id),
                ani=leased.ani or leased.caller_id or "",
                dnis=leased.e164,
                callee_type="processing",  # Plum's word until call analysis has made up its mind
            ),
            seed=leased.job.attempt_id,
            now=epoch_seconds(),
        )

    async def _carry_out(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Fetch():
                self._fetches.add(asyncio.create_task(self._fetch(effect), name="fetch"))
            case asked.Play():
                await self._play(effect)
                await failpoint(Failpoint.IN_CALL)
            case asked.StopPlay():
                await self._call.stop_play()
            case asked.StartTimer(timer_id=timer_id, after_ms=after_ms):
                self._start_timer(timer_id, after_ms)
            case asked.StopTimer(timer_id=timer_id):
                self._stop_timer(timer_id)
            case asked.Listen(timeout_ms=timeout_ms):
                await self._call.collect(timeout_ms)
            case asked.StopListening():
                pass  # keys are heard at all times; the session drops those that it does not want
            case asked.HangUp():
                await self._hang_up()
            case asked.Log(label=label):
                # The text may hold what the callee said: it is the customer's, and stays out of our logs.
                _log.debug("application_log", campaign_id=self._leased.job.campaign_id, label=label)
            case _:
                await self._carry_out_more(effect)

    async def _carry_out_more(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Record():
                await self._record(effect)
            case asked.StopRecording():
                self._captures.stopped()
                await self._call.stop_recording()
            case asked.Transfer():
                await self._begin_transfer(effect)
            case asked.EndTransfer():
                await self._call.end_transfer()
            case _:
                pass  # for whoever debugs an application

    async def _play(self, play: asked.Play) -> None:
        """Play up to each mark for itself, so that it is known when the mark is reached."""
        part: list[asked.Segment] = []
        marks: list[str] = []
        for segment in play.segments:
            if isinstance(segment, asked.Mark):
                marks.append(segment.name)
                continue
            if marks and part:
                self._last_part -= 1  # below zero: no number of a session's
                await self._play_part(self._last_part, part, marks, bargein=play.bargein)
                part = []
            elif marks:
                self._reached(tuple(marks))
            marks = []
            part.append(segment)
        await self._play_part(play.play_id, part, marks, bargein=play.bargein)

    async def _play_part(
        self, number: int, part: list[asked.Segment], marks: list[str], *, bargein: bool
    ) -> None:
        self._marks[number] = tuple(marks)
        await self._call.play(number, _segments(tuple(part), self._captures), bargein=bargein)

    def _part_played(self, number: int, *, whole: bool) -> None:
        marks = self._marks.pop(number, ())
        if not whole:
            return
        self._reached(marks)
        if number >= 0:
            self._inbox.put_nowait(told.PlayEnded(play_id=number))

    def _reached(self, marks: tuple[str, ...]) -> None:
        for mark in marks:
            self._inbox.put_nowait(told.MarkReached(name=mark, at_ms=self._now_ms()))

    def _now_ms(self) -> int:
        """Return the call's time, for telling how long after a mark a key came."""
        return round(asyncio.get_running_loop().time() * self._pace_of_time * 1_000)

    async def _record(self, effect: asked.Record) -> None:
        self._captures.begin(effect.record_id, effect.max_time_ms)
        if self._gone:
            self._abandon_recording()
            return
        await self._call.record(
            f"{self._leased.job.attempt_id}-{effect.record_id}",
            longest_seconds=effect.max_time_ms / 1_000,
            stop_keys="".join(sorted(told.DTMF_KEYS)) if effect.dtmf_term else "",
            final_silence_seconds=effect.final_silence_ms / 1_000,
            first_sound_seconds=effect.timeout_ms / 1_000,
            beep=effect.beep,
        )

    def _abandon_recording(self) -> None:
        """Answer for a call that has ended: its last recording came before its end, or will not come."""
        recorded = self._captures.abandon()
        if recorded is not None:
            self._inbox.put_nowait(recorded)

    async def _begin_transfer(self, effect: asked.Transfer) -> None:
        self._transfer = effect
        if effect.kind == "consultation":
            self._transfer_ended("unsupported", 0.0)
            return
        if not _TEL.match(effect.dest):
            self._transfer_ended("unsupported uri", 0.0)
            return
        try:
            destination = read_destination(effect.dest)
        except Invalid:
            self._transfer_ended("baddestination", 0.0)
            return
        if self._leased.policy.refusal(destination.e164) is not None:
            self._transfer_ended("noauthorization", 0.0)
            return
        if effect.audio:
            # 2.3.7: heard until the far end answers; one that cannot be had is passed over.
            self._last_part -= 1
            await self._call.play(self._last_part, (port.Audio(effect.audio),), bargein=False)
        await self._call.transfer(
            destination.e164,
            bridge=effect.kind == "bridge",
            ring_seconds=effect.connect_timeout_ms / 1_000,
            post_dial=destination.post_dial,
        )

    def _silence_transfer(self, transfer: asked.Transfer) -> None:
        """Stop what was heard until now, before anything else is played."""
        if transfer.audio:
            self._fetches.add(asyncio.create_task(self._call.stop_play(), name="end of a transfer's audio"))

    def _transfer_answered(self) -> None:
        if self._transfer is not None:
            self._silence_transfer(self._transfer)
        if self._transfer is not None and self._transfer.max_time_ms:
            self._too_long = asyncio.get_running_loop().call_later(
                self._transfer.max_time_ms / 1_000 / self._pace_of_time, self._end_long_transfer
            )

    def _end_long_transfer(self) -> None:
        """End a bridge that has lasted as long as it may."""
        self._too_long, self._was_too_long = None, True
        self._fetches.add(asyncio.create_task(self._call.end_transfer(), name="end of a transfer"))

    def _transfer_ended(self, reason: str, talk_seconds: float) -> None:
        transfer, self._transfer = self._transfer, None
        if transfer is None:
            return
        self._silence_transfer(transfer)
        if self._too_long is not None:
            self._too_long.cancel()
        if self._was_too_long and reason == "near_end_disconnect":
            reason = "maxtime_disconnect"
        self._too_long, self._was_too_long = None, False
        self._handed_over = reason == "transferred"
        outcome = _TRANSFER_ERRORS.get(reason, reason).format(kind=transfer.kind)
        ended = told.TransferEnded(
            transfer_id=transfer.transfer_id, outcome=outcome, duration_ms=round(talk_seconds * 1_000)
        )
        self._inbox.put_nowait(ended)

    async def _fetch(self, effect: asked.Fetch) -> None:
        await failpoint(Failpoint.APPLICATION_ASKED)
        try:
            document = await self._document(effect)
        except FetchFailed as error:
            self._inbox.put_nowait(told.FetchFailed(fetch_id=effect.fetch_id, reason=error.message))
            return
        self._inbox.put_nowait(
            told.Fetched(
                fetch_id=effect.fetch_id,
                url=document.url,
                status=document.status,
                content_type=document.content_type,
                body=document.body,
            )
        )

    async def _document(self, effect: asked.Fetch) -> FetchedDocument:
        timeout_s = effect.timeout_ms / 1_000
        if effect.method == "GET":
            return await self._fetcher.fetch_stored(
                effect.url,
                max_age_s=effect.max_age_s,
                max_stale_s=effect.max_stale_s,
                timeout_s=timeout_s,
                max_bytes=DOCUMENT_BYTES,
            )
        if effect.multipart or effect.recordings:
            content_type, body = multipart(effect.form, self._captures.files(effect.recordings))
            return await self._fetcher.fetch(
                "POST",
                effect.url,
                body=body,
                headers={"Content-Type": content_type},
                timeout_s=timeout_s,
                max_bytes=DOCUMENT_BYTES,
                follow_redirects=True,
            )
        return await self._fetcher.fetch(
            "POST",
            effect.url,
            form=dict(effect.form),
            timeout_s=timeout_s,
            max_bytes=DOCUMENT_BYTES,
            follow_redirects=True,
        )

    def _start_timer(self, timer_id: int, after_ms: int) -> None:
        self._stop_timer(timer_id)
        self._timers[timer_id] = asyncio.get_running_loop().call_later(
            after_ms / 1000 / self._pace_of_time,
            lambda: self._inbox.put_nowait(told.TimerFired(timer_id=timer_id)),
        )

    def _stop_timer(self, timer_id: int) -> None:
        timer = self._timers.pop(timer_id, None)
        if timer is not None:
            timer.cancel()

    def _forget_waits(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._too_long is not None:
            self._too_long.cancel()
        for fetch in self._fetches:
            fetch.cancel()

    def _ended(self, effect: asked.Exit) -> ApplicationEnd:
        if effect.reason == "error":
            _log.warning("application_failed", campaign_id=self._leased.job.campaign_id, error=effect.event)
        return ApplicationEnd(
            finished=effect.reason in {"exit", "disconnect"},
            failed=effect.reason == "error",
            values=dict(effect.values),
        )


def _segments(
    segments: "tuple[asked.Segment, ...] | list[asked.Segment]", captures: Captures
) -> tuple[port.Segment, ...]:
    """Translate what the interpreter wants heard into what the telephony can play."""
    return tuple(_segment(segment, captures) for segment in segments if not isinstance(segment, asked.Mark))


def _segment(segment: asked.Speech | asked.Audio | asked.Silence, captures: Captures) -> port.Segment:
    match segment:
        case asked.Speech(text=text, language=language):
            return port.Speech(text, language)
        case asked.Audio(src=src, fallback=fallback):
            return port.Audio(
                captures.address(src), _segments(fallback, captures), segment.max_age_s, segment.max_stale_s
            )
        case asked.Silence(duration_ms=duration_ms):
            return port.Silence(duration_ms)
