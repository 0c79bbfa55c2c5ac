"""Prompts: made once, kept within bounds, and never a reason for a call to fail."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.adapters.sip_trunk.prompts import AT_ONCE, LONGEST_PROMPT_BYTES, Prompts
from shared.adapters.sip_trunk.sound_maker import NoSound, SoundMaker
from shared.adapters.sip_trunk.wav import write_mu_law_wav
from shared.ports.fetching import FetchedDocument
from shared.telephony.port import Audio, Silence, Speech
from tests.sip.callee import need
from tests.sip.caller import Shelf
from tests.unit.services.pacer.virtual_time import run
from tests.unit.shared.adapters.sip_trunk.workshop import Workshop


def document(url: str, body: bytes, content_type: str = "audio/wav", status: int = 200) -> FetchedDocument:
    """Return a document as a server gives it."""
    return FetchedDocument(url=url, status=status, content_type=content_type, body=body)


async def test_the_same_words_are_made_once_per_language() -> None:
    """However many calls want them, at the same time or later."""
    workshop = Workshop()
    prompts = Prompts(workshop, Shelf())
    workshop.leave.clear()
    waiting = [asyncio.create_task(prompts.sound_of((Speech("hi"),))) for _ in range(5)]
    await asyncio.sleep(0)
    workshop.leave.set()
    assert set(await asyncio.gather(*waiting)) == {b"hi" * 10}
    await prompts.sound_of((Speech("hi"), Speech("hi", "de-DE")))
    assert workshop.spoken == ["en-US:hi", "de-DE:hi"]


async def test_a_caller_who_hangs_up_does_not_take_the_prompt_from_the_others() -> None:
    """The work goes on for whoever still waits."""
    workshop = Workshop()
    prompts = Prompts(workshop, Shelf())
    workshop.leave.clear()
    gone, stays = (asyncio.create_task(prompts.sound_of((Speech("hi"),))) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    workshop.leave.set()
    assert await stays == b"hi" * 10
    assert workshop.spoken == ["en-US:hi"]


async def test_the_cache_is_bounded_in_bytes_and_forgets_what_was_not_used() -> None:
    """Of three prompts two fit; the one that was heard again stays."""
    workshop = Workshop()
    prompts = Prompts(workshop, Shelf(), cache_bytes=1_100)
    for text in ("a", "b", "a", "c", "a", "b"):
        await prompts.sound_of((Speech(text),))
    assert workshop.spoken == ["en-US:a", "en-US:b", "en-US:c", "en-US:b"]


async def test_texts_that_make_no_sound_are_forgotten_too() -> None:
    """A long text of signs that nobody can say takes room although there is nothing to hear."""
    workshop = Workshop()
    prompts = Prompts(workshop, Shelf(), cache_bytes=10_000)
    texts = [f"mute {number} ".ljust(1_000, ".") for number in range(20)]
    for text in (*texts, texts[0]):
        await prompts.sound_of((Speech(text),))
    assert workshop.spoken.count(f"en-US:{texts[0]}") == 2


async def test_a_prompt_of_hundreds_leaves_room_for_those_of_others() -> None:
    """A few of its segments are made at a time; what another call says meanwhile is made, too."""
    workshop = Workshop()
    prompts = Prompts(workshop, Shelf())
    workshop.leave.clear()
    nothing = tuple(Audio(f"http://f/{number}.wav", (Speech(f"n{number}"),)) for number in range(200))
    long = asyncio.create_task(prompts.sound_of(nothing))
    short = asyncio.create_task(prompts.sound_of((Speech("hi"),)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(workshop.spoken) == AT_ONCE + 1
    workshop.leave.set()
    assert await short == b"hi" * 10
    assert (await long).endswith(b"n199" * 10)


async def test_a_prompt_that_nobody_could_hear_to_its_end_is_cut() -> None:
    """A day of silence is three lines of a document, and would be 700 MB."""
    prompts = Prompts(Workshop(), Shelf())
    sound = await prompts.sound_of((Speech("hi"), *(Silence(60_000),) * 1_440))
    assert len(sound) == LONGEST_PROMPT_BYTES
    assert sound.startswith(b"hi")


async def test_what_cannot_be_had_is_replaced_or_left_out() -> None:
    """A missing file has its alternative, a 404 and a web page are no audio, and the rest is played."""
    shelf = Shelf(
        {
            "http://f/missing.wav": document("http://f/missing.wav", b"", status=404),
            "http://f/page.wav": document("http://f/page.wav", b"<html>", "text/html"),
        }
    )
    prompts = Prompts(Workshop(), shelf)
    sound = await prompts.sound_of(
        (
            Audio("http://f/missing.wav", (Speech("one"),)),
            Audio("http://f/page.wav", (Audio("http://f/nobody.wav", (Speech("two"),)),)),
            Speech("unspeakable"),
            Speech("  "),
            Silence(1),
        )
    )
    assert sound == b"one" * 10 + b"two" * 10 + b"\xff" * 8


@pytest.mark.parametrize(
    ("url", "content_type"),
    [
        ("http://f/a", "audio/basic"),
        ("http://f/a.ulaw?x=1", "text/plain"),
        ("http://f/a", "AUDIO/PCMU; rate=8000"),
    ],
)
async def test_raw_sound_is_known_by_its_type_or_its_name(url: str, content_type: str) -> None:
    """As servers send it."""
    prompts = Prompts(Workshop(), Shelf({url: document(url, b"\x80\x81", content_type)}))
    assert await prompts.sound_of((Audio(url),)) == b"\x80\x81"


@pytest.mark.parametrize(("max_age_s", "times"), [(-1, 1), (0, 2), (3_600, 1)])
async def test_a_recording_is_kept_as_long_as_the_application_allows(max_age_s: int, times: int) -> None:
    """VoiceXML 2.0, 6.1.2: with a maxage of 0 its server is asked each time."""
    shelf = Shelf({"http://f/a.wav": document("http://f/a.wav", b"RIFF")})
    prompts = Prompts(Workshop(), shelf)
    for _ in range(2):
        assert await prompts.sound_of((Audio("http://f/a.wav", (), max_age_s),)) == b"RIFF"
    assert len(shelf.fetched) == times


@pytest.mark.parametrize(
    ("max_age_s", "max_stale_s", "later_seconds", "times"),
    [
        (-1, -1, 59, 1),
        (-1, -1, 61, 2),
        (-1, 0, 61, 2),
        (-1, 30, 89, 1),
        (-1, 30, 91, 2),
        (70, 30, 71, 2),
        (70, 30, 69, 1),
        (5, 30, 6, 2),
    ],
)
def test_a_recording_that_has_expired_is_played_as_long_as_the_application_allows(
    max_age_s: int, max_stale_s: int, later_seconds: float, times: int
) -> None:
    """VoiceXML 2.0, 6.1.2: its maxstale counts from the minute for which it is kept; never beyond its maxage."""
    shelf = Shelf({"http://f/a.wav": document("http://f/a.wav", b"RIFF")})
    audio = Audio("http://f/a.wav", (), max_age_s, max_stale_s)

    async def story() -> None:
        prompts = Prompts(Workshop(), shelf)
        await prompts.sound_of((audio,))
        await asyncio.sleep(later_seconds)
        await prompts.sound_of((audio,))

    run(story())
    assert len(shelf.fetched) == times


@pytest.fixture
async def maker() -> AsyncIterator[SoundMaker]:
    """The real processes."""
    made = SoundMaker(processes=1)
    yield made
    await made.close()


async def test_sound_is_made_in_another_process_that_is_replaced_when_it_dies(maker: SoundMaker) -> None:
    """One prompt may be lost with it, the next is made."""
    need("espeak-ng", "espeak-ng")
    first = await maker.speak("Hello.", "en-US")
    assert 2000 < len(first) < 16_000
    process = maker._makers[0]._process
    assert process is not None
    process.kill()
    await process.wait()
    with pytest.raises(NoSound):
        await maker.speak("Hello.", "en-US")
    assert await maker.speak("Hello.", "en-US") == first


async def test_a_file_is_converted_there_too(maker: SoundMaker) -> None:
    """And one that is none is refused with the reason."""
    assert await maker.convert(write_mu_law_wav(b"\x80\x81"), raw=False) == b"\x80\x81"
    with pytest.raises(NoSound, match="give WAV"):
        await maker.convert(b"<html>", raw=False)


async def test_an_unknown_language_is_spoken_as_english(maker: SoundMaker) -> None:
    """And what looks like an option is a text."""
    need("espeak-ng", "espeak-ng")
    english = await maker.speak("-v de", "en-US")
    assert await maker.speak("-v de", "xx-XX") == english
    assert await maker.speak("-v de", "--stdout") == english
    assert await maker.speak("-v de", "de-DE") != english
