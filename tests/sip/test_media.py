"""What is heard on either side of a call: prompts, keys, recordings, and who answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from shared.adapters.sip_trunk.espeak import speak
from shared.adapters.sip_trunk.wav import read_wav, write_mu_law_wav
from shared.domain.disposition import CalleeType
from shared.ports.fetching import FetchedDocument
from shared.rtp.g711 import PCMA, PCMU
from shared.rtp.inband import ToneReceiver
from shared.telephony.port import (
    Answered,
    Audio,
    CalleeTypeDetected,
    CallEvent,
    DigitPressed,
    LiveCall,
    PlayEnded,
    RecordingEnded,
    Segment,
    Silence,
    Speech,
)
from tests.sip.callee import PATIENCE_SECONDS, callee, need, need_key_recordings
from tests.sip.caller import Drawer, Shelf, call_to, caller, place, trunk
from tests.sip.ear import Ear, correlation, linear, open_ear
from tests.sip.real_time import in_real_time
from tests.sip.voices import GREETING, RATE, quiet, tones

HELLO: Final = "Hello, this is a test."


@asynccontextmanager
async def answered(
    folder: Path,
    scenario: str,
    *,
    formats: str = "0 101",
    ear_port: int = 0,
    shelf: Shelf | None = None,
    drawer: Drawer | None = None,
    post_dial: str | None = None,
) -> AsyncIterator[LiveCall]:
    """Place a call to a scenario; it is ended, and judged by SIPp, behind the block."""
    options = ("-key", "ear_port", str(ear_port), "-key", "formats", formats)
    async with (
        callee(folder, scenario, options=options) as far,
        caller(trunk(far.port), shelf=shelf, drawer=drawer) as telephony,
    ):
        live = await place(telephony, call_to(post_dial=post_dial))
        yield live
        await live.hang_up()
        assert await far.verdict() == 0, far.log()


async def play(live: LiveCall, *segments: Segment) -> None:
    """Play a prompt to its end and hang up."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.play(1, segments, bargein=True)
                case PlayEnded(_, whole):
                    assert whole
                    await asyncio.sleep(0.1)  # the last frame is on its way
                    return
                case _:
                    pass


@pytest.mark.parametrize(("formats", "law", "payload_type"), [("0 101", PCMU, 0), ("8 101", PCMA, 8)])
@in_real_time
async def test_the_callee_hears_the_prompt(
    tmp_path: Path, formats: str, law: object, payload_type: int
) -> None:
    """What was said arrives at the callee's ear, in the law that it asked for, whole and in time."""
    need("espeak-ng", "espeak-ng")
    async with (
        open_ear() as (ear, port),
        answered(tmp_path, "listens", formats=formats, ear_port=port) as live,
    ):
        await play(live, Speech(HELLO))
    chosen = PCMU if law is PCMU else PCMA
    assert correlation(linear(ear.heard(payload_type), chosen), linear(speak(HELLO, "en-US"))) > 0.98
    assert sequence_gaps(ear) == 0


def sequence_gaps(ear: Ear) -> int:
    """Return how many packets are missing between the first and the last."""
    numbers = [sequence for _, _, sequence, _, _ in ear.packets]
    return sum((later - earlier) % 65536 != 1 for earlier, later in pairwise(numbers))


@in_real_time
async def test_a_file_of_audio_is_played_as_it_is(tmp_path: Path) -> None:
    """WAV and raw µ-law from a server sound the same, and what cannot be had is replaced by its alternative."""
    sound = tones(440, seconds=0.3)
    other = tones(620, seconds=0.3)
    shelf = Shelf(
        {
            "http://files/a.wav": document("http://files/a.wav", "audio/wav", write_mu_law_wav(sound)),
            "http://files/b.ul": document("http://files/b.ul", "application/octet-stream", other),
        }
    )
    prompt = (
        Audio("http://files/a.wav"),
        Silence(100),
        Audio("http://files/b.ul"),
        Audio("http://files/none.wav", (Audio("http://files/a.wav"),)),
    )
    async with open_ear() as (ear, port), answered(tmp_path, "listens", ear_port=port, shelf=shelf) as live:
        await play(live, *prompt)
    assert sound + quiet(0.1) + other + sound in ear.heard()
    assert shelf.fetched.count("http://files/a.wav") == 1


def document(url: str, content_type: str, body: bytes) -> FetchedDocument:
    """Return a document as a server gives it."""
    return FetchedDocument(url=url, status=200, content_type=content_type, body=body)


@in_real_time
async def test_keys_by_rfc_4733_are_heard_once_each(tmp_path: Path) -> None:
    """SIPp's recordings of 1, 5 and # arrive in order, and silence the prompt that allows it within a frame."""
    need_key_recordings()
    keys: list[str] = []
    cut: list[PlayEnded] = []
    async with answered(tmp_path, "keys") as live, asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.play(1, (Silence(10_000),), bargein=True)
                case PlayEnded():
                    cut.append(event)
                case DigitPressed(key):
                    keys.append(key)
                    if key == "#":
                        break
                case _:
                    pass
    assert keys == ["1", "5", "#"]
    assert cut == [PlayEnded(1, whole=False)]


@in_real_time
async def test_keys_are_heard_as_tones_where_the_callee_knows_no_events(tmp_path: Path) -> None:
    """In-band digits are the fallback."""
    (tmp_path / "speech.ul").write_bytes(
        quiet(0.3) + tones(697, 1209, seconds=0.1) + quiet(0.1) + tones(852, 1477, seconds=0.1) + quiet(1)
    )
    keys: list[str] = []
    async with answered(tmp_path, "speaks") as live, asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            if isinstance(event, DigitPressed):
                keys.append(event.key)
                if len(keys) == 2:
                    break
    assert keys == ["1", "9"]


async def test_digits_after_the_answer_are_sent_with_their_pauses(tmp_path: Path) -> None:
    """`w` waits a second, and each digit arrives as an event with a repeated end."""
    async with open_ear() as (ear, port), answered(tmp_path, "listens", ear_port=port, post_dial="4w2"):
        await until(lambda: len(ends_of_keys(ear)) >= 6)
    assert ends_of_keys(ear) == [4, 4, 4, 2, 2, 2]
    # By the timestamps, which are the callee's own clock: when a busy machine has its packets arrive says nothing.
    began = {payload[0]: stamp for _, kind, _, stamp, payload in ear.packets if kind == 101}
    assert began[2] - began[4] > 0.9 * RATE


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes with the clock of the audio."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def ends_of_keys(ear: Ear) -> list[int]:
    """Return the events of RFC 4733 whose end was told, each as often as it was."""
    return [payload[0] for _, kind, _, _, payload in ear.packets if kind == 101 and payload[1] & 0x80]


async def test_digits_after_the_answer_are_tones_where_the_callee_knows_no_events(tmp_path: Path) -> None:
    """Each is heard once by a receiver of tones, and what is no key is passed over."""
    async with (
        open_ear() as (ear, port),
        answered(tmp_path, "listens", formats="0", ear_port=port, post_dial="4x#4"),
    ):
        await until(lambda: len(tones_in(ear)) >= 3)
    assert tones_in(ear) == ["4", "#", "4"]


def tones_in(ear: Ear) -> list[str]:
    """Return the keys that were heard as tones."""
    receiver, heard = ToneReceiver(), ear.heard()
    keys = [receiver.take(linear(heard[at : at + 160])) for at in range(0, len(heard), 160)]
    return [key for key in keys if key]


@in_real_time
async def test_what_the_callee_says_is_recorded(tmp_path: Path) -> None:
    """The recording is WAV, holds the callee's words, and is kept even when the call ends in the middle of it."""
    said = speak(HELLO, "en-US")
    (tmp_path / "speech.ul").write_bytes(quiet(0.2) + said + quiet(0.5))
    drawer = Drawer()
    events: list[CallEvent] = []
    async with answered(tmp_path, "speaks", drawer=drawer) as live, asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            events.append(event)
            if isinstance(event, Answered):
                await live.record("message-1", longest_seconds=30, stop_keys="#")
                asyncio.get_running_loop().call_later(
                    1.5 + len(said) / RATE, lambda: asyncio.ensure_future(live.hang_up())
                )
    recorded = events[-2]
    assert isinstance(recorded, RecordingEnded)
    assert recorded.wav == drawer.kept["message-1"]
    assert recorded.duration_seconds == len(read_wav(drawer.kept["message-1"]).data) / RATE
    assert correlation_at_any_sample(linear(read_wav(drawer.kept["message-1"]).data), linear(said)) > 0.9


async def test_a_recording_ends_when_it_is_told_to_and_at_its_longest(tmp_path: Path) -> None:
    """The call goes on after both."""
    ended: list[RecordingEnded] = []
    async with answered(tmp_path, "answer") as live, asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            match event:
                case Answered():
                    await live.record("long", longest_seconds=60, stop_keys="")
                    await live.stop_recording()
                case RecordingEnded(name="long"):
                    ended.append(event)
                    await live.record("short", longest_seconds=0.2, stop_keys="")
                case RecordingEnded():
                    ended.append(event)
                    break
                case _:
                    pass
    assert [(event.name, event.stop_key) for event in ended] == [("long", None), ("short", None)]
    assert ended[1].duration_seconds == 0.2


def correlation_at_any_sample(heard: Sequence[int], said: Sequence[int]) -> float:
    """Return the correlation where the two need not begin with a packet."""
    return max(correlation(heard[offset:], said) for offset in range(0, 160, 20))


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (quiet(0.2) + tones(1100, seconds=0.5, level=9000) + quiet(2), CalleeType.FAX),
        (b"hello", CalleeType.VOICE),
        (b"greeting", CalleeType.ANSWERING_MACHINE),
    ],
)
@in_real_time
async def test_call_analysis_hears_who_answered(tmp_path: Path, sound: bytes, expected: CalleeType) -> None:
    """A fax beeps, a person says hello and waits, a machine goes on; and the ending says so."""
    if sound == b"hello":
        sound = quiet(0.2) + speak("Hello?", "en-US") + quiet(3)
    elif sound == b"greeting":
        sound = quiet(0.2) + speak(GREETING, "en-US")
    (tmp_path / "speech.ul").write_bytes(sound)
    async with answered(tmp_path, "speaks") as live, asyncio.timeout(PATIENCE_SECONDS):
        async for event in live.events():
            if isinstance(event, CalleeTypeDetected):
                assert event.callee_type is expected
                break


async def test_a_callee_who_sends_nothing_hears_the_prompt_all_the_same(tmp_path: Path) -> None:
    """Silence on the other side holds nothing up, and counts as a person."""
    async with answered(tmp_path, "answer") as live:
        events: list[CallEvent] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for event in live.events():
                events.append(event)
                if isinstance(event, Answered):
                    await live.play(1, (Silence(300),), bargein=True)
                if isinstance(event, CalleeTypeDetected):
                    break
    assert PlayEnded(1, whole=True) in events
    assert events[-1] == CalleeTypeDetected(CalleeType.VOICE)
