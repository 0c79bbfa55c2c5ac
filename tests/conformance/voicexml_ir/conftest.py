"""A host for the Implementation Report: documents of a folder, and a caller who obeys the prompts.

The folder is no part of the project. `PACELINE_VXML_IR` names it; without it the suite is skipped. What the
report plays tells the caller what to do: "Say 'Chicago'.", "Press '1'.", "Hang up now." The verdict is the
"pass" or "fail" that is played.
"""

import heapq
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from shared.voicexml import effects, events
from shared.voicexml.effects import Effect, Segment
from shared.voicexml.events import Event, SessionVariables, Start
from shared.voicexml.session import Session

FOLDER_VARIABLE = "PACELINE_VXML_IR"
HOST = "http://ir.example/"

#: Where a few documents expect themselves to be installed.
_AS_INSTALLED = "vxml/"

#: Of one call; an endless one fails and does not hang.
MOST_EVENTS = 5_000

_SAY = re.compile(r"(?:Say|word) '([^']+)'|Say (New York)")
_PRESS = re.compile(r"Press '([0-9*#]+)'")

#: How the far end of a transfer behaves, for the assertions that need it to behave in a certain way.
TRANSFERS: Mapping[str, str] = {"298": "transferred", "300": "hangup", "301": "busy"}

#: Documents that the set names and does not have, by their last name; written for this harness.
STAND_INS: Mapping[str, str] = {
    "appRootDoc.txml": '<vxml xmlns="http://www.w3.org/2001/vxml" version="2.0">'
    "<var name='appRootVar' expr=\"'root'\"/></vxml>",
    "a59-root.txml": '<vxml xmlns="http://www.w3.org/2001/vxml" version="2.0"><var name="rootvar" expr="7"/></vxml>',
    "a655b.txml": '<vxml xmlns="http://www.w3.org/2001/vxml" version="2.0"><form id="a655">'
    '<var name="a655a" expr="true"/><var name="a655b" expr="true"/>'
    '<block><return namelist="a655a a655b"/></block></form></vxml>',
    "assert185-b.txml": '<vxml xmlns="http://www.w3.org/2001/vxml" version="2.0">'
    '<form id="form3"><block>pass<exit/></block></form></vxml>',
}


@dataclass
class Transcript:
    """What happened in one call."""

    said: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    exit: effects.Exit | None = None

    @property
    def verdict(self) -> str:
        """The report's own word: pass or fail; empty if it said neither."""
        return next((text for text in self.said if text in {"pass", "fail"}), "")


def texts(segments: Iterable[Segment]) -> Iterator[str]:
    """Write segments as a listener would note them."""
    for segment in segments:
        if isinstance(segment, effects.Speech):
            yield segment.text
        elif isinstance(segment, effects.Audio):
            yield f"<{segment.src}>"


class Library:
    """The documents of the folder, as W3C's transformation makes VoiceXML of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._transform = etree.XSLT(etree.parse(folder / "ir.xslt"))
        self._made: dict[str, bytes | None] = {}

    def manifest(self) -> list[dict[str, object]]:
        """Return the assertions."""
        content = json.loads((self._folder / "manifest.json").read_text())
        assert isinstance(content, list)
        return content

    def find(self, url: str) -> bytes | None:
        """Answer a request; None where nothing is found."""
        path = urlsplit(url).path.removeprefix("/")
        if path.startswith(_AS_INSTALLED):
            path = "vxml20/" + path.removeprefix(_AS_INSTALLED)
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: str) -> bytes | None:
        source = self._folder / path
        if source.suffix == ".vxml":
            source = source.with_suffix(".txml")
        if source.name in STAND_INS and not source.exists():
            return STAND_INS[source.name].encode()
        if not source.is_file():
            return None
        if source.suffix != ".txml":
            return source.read_bytes()
        made = bytes(etree.tostring(self._transform(etree.parse(source))))
        # The set was renamed from vxml to txml, and in two documents the name of the namespace was too.
        return made.replace(b"www.w3.org/2001/txml", b"www.w3.org/2001/vxml")


class Call:
    """One call on a clock that jumps from event to event."""

    def __init__(self, library: Library, assertion: str, url: str) -> None:
        self.transcript = Transcript()
        self._library = library
        self._transfer = TRANSFERS.get(assertion, "noanswer")
        self._agenda: list[tuple[int, int, Event]] = []
        self._order = itertools.count()
        self._now_ms = 0
        self._listens = False
        self._last_prompt = ""
        self._session = Session(
            Start(
                url=url,
                method="GET",
                session_variables=SessionVariables(session_id="ir", ani="+12125550100", dnis="+12125550109"),
                seed=1,
                now=1_800_000_000.0,
            )
        )

    def run(self) -> Transcript:
        """Run to the end."""
        self._carry_out(self._session.begin())
        for _ in range(MOST_EVENTS):
            if self._session.ended:
                return self.transcript
            assert self._agenda, "nothing is left to happen"
            self._now_ms, _, event = heapq.heappop(self._agenda)
            self._carry_out(self._session.handle(event))
        raise AssertionError("the call does not end")

    def _schedule(self, after_ms: int, event: Event) -> None:
        heapq.heappush(self._agenda, (self._now_ms + after_ms, next(self._order), event))

    def _carry_out(self, wanted: Iterable[Effect]) -> None:
        for effect in wanted:
            self._carry_out_one(effect)

    def _carry_out_one(self, effect: Effect) -> None:
        match effect:
            case effects.Fetch():
                self._schedule(10, self._answer(effect))
            case effects.Unheard(segments=segments):
                # What is queued after the caller has gone; of these documents it is the verdict.
                self.transcript.said.extend(texts(segments))
            case effects.Play(play_id=play_id, segments=segments):
                heard = list(texts(segments))
                self.transcript.said.extend(heard)
                self._last_prompt = " ".join(heard)
                self._schedule(1_000, events.PlayEnded(play_id=play_id))
            case effects.Listen():
                self._listens = True
            case effects.StopListening():
                self._listens = False
            case effects.StartTimer(timer_id=timer_id, after_ms=after_ms):
                self._schedule(after_ms, events.TimerFired(timer_id=timer_id))
                self._speak()
            case effects.Log(text=text):
                self.transcript.logs.append(text)
            case effects.Exit():
                self.transcript.exit = effect
            case _:
                self._telephony(effect)

    def _telephony(self, effect: Effect) -> None:
        match effect:
            case effects.ErrorThrown(event=event):
                self.transcript.errors.append(event)
            case effects.Transfer(transfer_id=transfer_id):
                if self._transfer == "hangup":
                    self._schedule(100, events.HungUp())
                else:
                    ended = events.TransferEnded(
                        transfer_id=transfer_id, outcome=self._transfer, duration_ms=0
                    )
                    self._schedule(100, ended)
            case effects.Record(record_id=record_id):
                self._schedule(
                    5_000,
                    events.Recorded(
                        record_id=record_id,
                        recording="r1",
                        content_type="audio/x-wav",
                        duration_ms=5_000,
                        size_bytes=40_000,
                        ended_by="silence",
                    ),
                )
            case _:
                pass

    def _answer(self, fetch: effects.Fetch) -> Event:
        body = self._library.find(fetch.url)
        return events.Fetched(
            fetch_id=fetch.fetch_id,
            url=fetch.url,
            status=404 if body is None else 200,
            content_type="text/xml",
            body=body or b"",
        )

    def _speak(self) -> None:
        """Do what the last prompt asks for, once."""
        if not self._listens or not self._last_prompt:
            return
        said = self._last_prompt
        self._last_prompt = ""
        if match := _SAY.search(said):
            self._schedule(100, events.Said(text=match[1] or match[2]))
        elif match := _PRESS.search(said):
            for position, key in enumerate(match[1]):
                self._schedule(100 * (position + 1), events.Digit(key=key))
        elif "Hang up" in said:
            self._schedule(100, events.HungUp())
        elif "unrecognizable" in said:
            self._schedule(100, events.Said(text="mumble grumble"))


def _library() -> Library | None:
    folder = os.environ.get(FOLDER_VARIABLE, "")
    return Library(Path(folder)) if folder else None


LIBRARY = _library()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every start document of every assertion; one that says so where there is no folder."""
    if "start_document" not in metafunc.fixturenames:
        return
    cases = [] if LIBRARY is None else list(_cases(LIBRARY))
    missing = pytest.param("", "", id="none", marks=pytest.mark.skip(f"{FOLDER_VARIABLE} names no folder"))
    metafunc.parametrize(("assertion", "start_document"), cases or [missing])


def _cases(library: Library) -> Iterator[object]:
    for entry in library.manifest():
        starts = entry["start"]
        assert isinstance(starts, list)
        for start in starts:
            yield pytest.param(
                str(entry["assertion"]), start, id=f"{entry['suite']}-{entry['assertion']}-{Path(start).stem}"
            )


@pytest.fixture
def place_call() -> Callable[[str, str], Transcript]:
    """Run an assertion's document as a call."""

    def place(assertion: str, start_document: str) -> Transcript:
        assert LIBRARY is not None
        return Call(LIBRARY, assertion, HOST + start_document).run()

    return place
