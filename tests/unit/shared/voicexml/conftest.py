"""A host on a virtual clock with a scripted caller, so that whole calls run in milliseconds.

`call(documents, *answers)` runs a session to its end. Each answer is what the caller does once the prompts are
over: keys to press, "say:words" to speak, "" for silence, "hangup" to go. A transfer and a recording take an
answer too: the outcome, or what ended it. What must happen at a certain moment (barge-in, a hang-up
between inputs) is given in `at` as milliseconds and event.

Speech takes 1,000 ms a segment, an audio file 2,000 ms, a fetch 50 ms; keys follow one another in 200 ms.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace

import pytest

from shared.voicexml import effects, events
from shared.voicexml.effects import Effect, Segment
from shared.voicexml.events import Event, SessionVariables, Start
from shared.voicexml.session import Session

START_URL = "http://app.example/start.vxml"

FETCH_MS = 50
SPEECH_MS = 1_000
AUDIO_MS = 2_000
KEY_MS = 200

#: Of one call: far more than any test needs, so that an endless one fails and does not hang.
MOST_EVENTS = 10_000


def vxml(content: str, attributes: str = "") -> str:
    """Wrap dialogs into a document."""
    return f'<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" {attributes}>{content}</vxml>'


def start(**changes: object) -> Start:
    """Make a Start like that of most calls."""
    given: dict[str, object] = {
        "url": START_URL,
        "form": (("message_reference", "INV-7"),),
        "session_variables": SessionVariables(session_id="s1", ani="+12125550100", dnis="+12125550109"),
        "seed": 7,
        "now": 1_800_000_000.0,
    }
    return Start(**(given | changes))  # type: ignore[arg-type]


def texts(segments: Iterable[Segment]) -> Iterator[str]:
    """Write segments as a listener would note them; a file as its URL in angle brackets."""
    for segment in segments:
        match segment:
            case effects.Speech(text=text):
                yield text
            case effects.Audio(src=src):
                yield f"<{src}>"
            case effects.Silence(duration_ms=duration_ms):
                yield f"({duration_ms} ms)"
            case effects.Mark(name=name):
                yield f"[{name}]"


def duration_ms(segments: Iterable[Segment]) -> int:
    """Tell how long segments take in this world."""
    lengths = {effects.Speech: SPEECH_MS, effects.Audio: AUDIO_MS, effects.Mark: 0}
    return sum(
        segment.duration_ms if isinstance(segment, effects.Silence) else lengths[type(segment)]
        for segment in segments
    )


def recorded(record_id: int, ended_by: str) -> events.Recorded:
    """Answer a recording: five seconds, unless nothing was said."""
    nothing = ended_by == "noinput" or ended_by.startswith("error.")
    return events.Recorded(
        record_id=record_id,
        recording="" if nothing else f"r{record_id}",
        content_type="audio/x-wav",
        duration_ms=0 if nothing else 5_000,
        size_bytes=0 if nothing else 40_000,
        ended_by=ended_by,
    )


class VirtualHost:
    """Carries out effects on a clock that jumps from event to event."""

    def __init__(
        self,
        documents: Mapping[str, str | bytes | int],
        answers: Iterable[str],
        at: Iterable[tuple[int, Event]],
        given: Start,
    ) -> None:
        self.now_ms = 0
        self.effects: list[Effect] = []
        self.heard: list[tuple[int, Effect]] = []
        self._documents = documents
        self._answers = list(answers)
        self._order = itertools.count()
        self._agenda: list[tuple[int, int, Event]] = []
        self._pending: set[int] = set()
        self._listening = False
        self._session = Session(given)
        for moment_ms, event in at:
            self._schedule(moment_ms, event)

    def run(self) -> None:
        """Run the call to its end."""
        self._carry_out(self._session.begin())
        for _ in range(MOST_EVENTS):
            if self._session.ended:
                return
            assert self._agenda, f"nothing left to happen after {self.effects[-3:]}"
            self.now_ms, _, event = heapq.heappop(self._agenda)
            self._carry_out(self._session.handle(event))
        pytest.fail("the call does not end")

    def _schedule(self, moment_ms: int, event: Event) -> None:
        heapq.heappush(self._agenda, (moment_ms, next(self._order), event))

    def _carry_out(self, wanted: tuple[Effect, ...]) -> None:
        for effect in wanted:
            self.effects.append(effect)
            self.heard.append((self.now_ms, effect))
            self._carry_out_one(effect)

    def _carry_out_one(self, effect: Effect) -> None:
        match effect:
            case effects.Fetch():
                self._schedule(self.now_ms + FETCH_MS, self._answer(effect))
            case effects.Play(play_id=play_id, segments=segments):
                self._schedule(self.now_ms + duration_ms(segments), events.PlayEnded(play_id=play_id))
            case effects.StartTimer(timer_id=timer_id, after_ms=after_ms):
                self._schedule(self.now_ms + after_ms, events.TimerFired(timer_id=timer_id))
                if self._listening:
                    self._answer_caller()
            case effects.Transfer() | effects.Record():
                self._answer_telephony(effect)
            case effects.EndTransfer(transfer_id=transfer_id):
                ended = events.TransferEnded(
                    transfer_id=transfer_id, outcome="near_end_disconnect", duration_ms=2_500
                )
                self._schedule(self.now_ms + KEY_MS, ended)
            case effects.StopRecording(record_id=record_id):
                self._schedule(self.now_ms + KEY_MS, recorded(record_id, "stop"))
            case effects.Listen():
                self._listening = True
            case effects.StopListening():
                self._listening = False
            case _:
                pass

    def _answer(self, fetch: effects.Fetch) -> Event:
        found = self._documents.get(fetch.url.partition("?")[0], 404)
        if isinstance(found, int):
            return events.Fetched(
                fetch_id=fetch.fetch_id, url=fetch.url, status=found, content_type="text/html", body=b"no"
            )
        if isinstance(found, str) and found.startswith("fail:"):
            return events.FetchFailed(fetch_id=fetch.fetch_id, reason=found.removeprefix("fail:"))
        body = found.encode() if isinstance(found, str) else found
        return events.Fetched(
            fetch_id=fetch.fetch_id,
            url=fetch.url,
            status=200,
            content_type="application/voicexml+xml",
            body=body,
        )

    def _answer_telephony(self, effect: effects.Transfer | effects.Record) -> None:
        """Let a transfer or recording end as the script says: keys and words come from the caller."""
        answer = self._answers.pop(0) if self._answers else ""
        if answer == "hangup":
            self._schedule(self.now_ms + KEY_MS, events.HungUp())
            if isinstance(effect, effects.Transfer):
                return
            self._schedule(self.now_ms + 2 * KEY_MS, recorded(effect.record_id, "hangup"))
        elif len(answer) == 1:
            self._schedule(self.now_ms + KEY_MS, events.Digit(key=answer))
        elif isinstance(effect, effects.Transfer):
            ended = events.TransferEnded(
                transfer_id=effect.transfer_id, outcome=answer or "noanswer", duration_ms=2_500
            )
            self._schedule(self.now_ms + KEY_MS, ended)
        else:
            self._schedule(self.now_ms + 5 * KEY_MS, recorded(effect.record_id, answer or "silence"))

    def _answer_caller(self) -> None:
        """Do what the script says, once per input, now that the prompts are over."""
        self._listening = False
        answer = self._answers.pop(0) if self._answers else ""
        if answer == "hangup":
            self._schedule(self.now_ms + KEY_MS, events.HungUp())
            return
        if answer.startswith("say:"):
            self._schedule(self.now_ms + KEY_MS, events.Said(text=answer.removeprefix("say:")))
            return
        for position, key in enumerate(answer, start=1):
            self._schedule(self.now_ms + position * KEY_MS, events.Digit(key=key))


def run_call(
    documents: str | Mapping[str, str | bytes | int],
    *answers: str,
    at: Iterable[tuple[int, Event]] = (),
    **changes: object,
) -> SimpleNamespace:
    """Run a call; a string is the content of the only document.

    The result has `effects`, `said` (a list of what was played, a text per segment), `logs`, `fetches`,
    `exit`, and `timeline` (pairs of milliseconds and effect).
    """
    if isinstance(documents, str):
        documents = {START_URL: vxml(documents)}
    host = VirtualHost(documents, answers, at, start(**changes))
    host.run()
    exits = [effect for effect in host.effects if isinstance(effect, effects.Exit)]
    assert exits == host.effects[-1:], "Exit comes exactly once, and last"
    plays = [effect for effect in host.effects if isinstance(effect, effects.Play)]
    return SimpleNamespace(
        effects=host.effects,
        timeline=host.heard,
        plays=plays,
        said=[text for play in plays for text in texts(play.segments)],
        logs=[effect.text for effect in host.effects if isinstance(effect, effects.Log)],
        fetches=[effect for effect in host.effects if isinstance(effect, effects.Fetch)],
        exit=exits[0],
    )


@pytest.fixture
def call() -> Callable[..., SimpleNamespace]:
    """Run a whole call: see `run_call`."""
    return run_call


@pytest.fixture
def wrap() -> Callable[..., str]:
    """Wrap dialogs into a document: see `vxml`."""
    return vxml


@pytest.fixture
def make_start() -> Callable[..., Start]:
    """Make a Start: see `start`."""
    return start
