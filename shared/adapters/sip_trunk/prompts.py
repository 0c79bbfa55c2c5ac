"""Prompts as sound: each made once and kept, by what it says and not by who asked for it.

A campaign plays the same few prompts to everybody, so that the cache decides what speech costs. It is bounded in
bytes; the prompt that was not used for longest goes first. Who asks for what is being made waits for the same work.
A file is asked for again a minute after it was fetched, sooner or later where the application's `maxage` or `maxstale`
says so: whoever replaces a recording hears the new one soon. It is asked for without the cookies of any call, since
what comes is played in all of them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final
from urllib.parse import urlsplit

import structlog

from shared.adapters.sip_trunk.sound_maker import NoSound, SoundMaker
from shared.ports.fetching import DocumentFetcher, FetchFailed
from shared.rtp.g711 import PCMU
from shared.telephony.port import Audio, Segment, Silence, Speech

_log = structlog.get_logger()

#: An hour and a half of µ-law.
CACHE_BYTES: Final = 48 * 1024 * 1024
_FRESH_SECONDS: Final = 60.0
_FETCH_SECONDS: Final = 10.0
#: Ten minutes of one channel at 8 kHz and 16 bits fit, and three at 44.1 kHz.
_FILE_BYTES: Final = 16 * 1024 * 1024
_LONGEST_SILENCE_MS: Final = 60_000
_BYTES_PER_MS: Final = 8
#: Half an hour of one prompt. A document asks for a thousand times as much in three lines: a pause in a loop.
LONGEST_PROMPT_BYTES: Final = 30 * 60_000 * _BYTES_PER_MS
#: Segments of one prompt that are made at a time: a list of thousands must not stand before the prompts of others.
AT_ONCE: Final = 8
#: What an entry of the cache takes beside its sound and its name, so that ten million of nothing do not fit.
_ENTRY_BYTES: Final = 512
_OK: Final = range(200, 300)
#: Types and endings under which raw µ-law at 8 kHz comes (RFC 2046, 4.3; VoiceXML 2.0, appendix E).
_RAW_TYPES: Final = frozenset({"audio/basic", "audio/x-mulaw", "audio/pcmu", "audio/ulaw"})
_RAW_ENDINGS: Final = (".ul", ".ulaw", ".mulaw", ".raw", ".pcmu")

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    sound: bytes
    #: On the loop's clock.
    since: float


class Prompts:
    """Makes and keeps the sound of prompts."""

    def __init__(
        self, maker: SoundMaker, fetcher: DocumentFetcher, *, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self._maker = maker
        self._fetcher = fetcher
        self._cache_bytes = cache_bytes
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._kept_bytes = 0
        self._making: dict[_Key, asyncio.Task[bytes]] = {}

    async def sound_of(self, segments: tuple[Segment, ...]) -> bytes:
        """Return a whole prompt as µ-law at 8 kHz; what cannot be had is left out, and logged.

        An empty prompt is no error: the application goes on, as VoiceXML wants it for audio without an alternative.
        One that is longer than LONGEST_PROMPT_BYTES is cut there.
        """
        return await self._whole(segments, AT_ONCE)

    async def _whole(self, segments: tuple[Segment, ...], at_once: int) -> bytes:
        made: list[bytes] = []
        left = LONGEST_PROMPT_BYTES
        for start in range(0, len(segments), at_once):
            if left <= 0:
                _log.warning("prompt_cut", segments=len(segments), heard=start)
                break
            sounds = await asyncio.gather(*map(self._segment, segments[start : start + at_once]))
            made += sounds
            left -= sum(map(len, sounds))
        return b"".join(made)[:LONGEST_PROMPT_BYTES]

    async def close(self) -> None:
        """Make nothing more."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _segment(self, segment: Segment) -> bytes:
        match segment:
            case Silence(duration_ms):
                length_ms = max(0, min(duration_ms, _LONGEST_SILENCE_MS))
                return bytes([PCMU.silence]) * (length_ms * _BYTES_PER_MS)
            case Speech(text, language):
                return await self._speech(text, language)
            case Audio():
                return await self._audio(segment)

    async def _speech(self, text: str, language: str) -> bytes:
        if not text.strip():
            return b""
        try:
            return await self._have(("speech", language, text), partial(self._maker.speak, text, language))
        except NoSound as error:
            _log.warning("prompt_not_spoken", reason=error.message)
            return b""

    async def _audio(self, audio: Audio) -> bytes:
        fresh_seconds = _FRESH_SECONDS + max(0, audio.max_stale_s)
        if audio.max_age_s >= 0:
            fresh_seconds = min(fresh_seconds, audio.max_age_s)
        make = partial(self._fetch, audio.src)
        try:
            return await self._have(("audio", audio.src, ""), make, fresh_seconds=fresh_seconds)
        except (NoSound, FetchFailed) as error:
            _log.warning("prompt_not_fetched", reason=error.message)
            # One after the other: each of them may have alternatives of its own.
            return await self._whole(audio.fallback, 1)

    async def _fetch(self, src: str) -> bytes:
        document = await self._fetcher.fetch(
            "GET", src, timeout_s=_FETCH_SECONDS, max_bytes=_FILE_BYTES, follow_redirects=True
        )
        if document.status not in _OK:
            raise NoSound(f"The server of an audio file answered {document.status}.")
        return await self._maker.convert(document.body, raw=_is_raw(document.content_type, src))

    async def _have(
        self, key: _Key, make: Callable[[], Awaitable[bytes]], *, fresh_seconds: float = inf
    ) -> bytes:
        """Return what is kept and fresh, or what somebody makes already, or make it."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(key)
        if kept is not None and loop.time() < kept.since + fresh_seconds:
            self._kept.move_to_end(key)
            return kept.sound
        task = self._making.get(key)
        if task is None:
            task = loop.create_task(self._make(key, make), name="prompt")
            self._making[key] = task
            task.add_done_callback(lambda done: self._made(key, done))
        # Shielded: one caller who hangs up must not take the prompt from the others.
        return await asyncio.shield(task)

    async def _make(self, key: _Key, make: Callable[[], Awaitable[bytes]]) -> bytes:
        sound = await make()
        self._keep(key, _Kept(sound, asyncio.get_running_loop().time()))
        return sound

    def _made(self, key: _Key, done: asyncio.Task[bytes]) -> None:
        self._making.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waited has seen it; nobody may have

    def _keep(self, key: _Key, kept: _Kept) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._kept_bytes -= _size_bytes(key, before)
        self._kept[key] = kept
        self._kept_bytes += _size_bytes(key, kept)
        while self._kept_bytes > self._cache_bytes:
            self._kept_bytes -= _size_bytes(*self._kept.popitem(last=False))


def _size_bytes(key: _Key, kept: _Kept) -> int:
    """Return what an entry takes: a long text may make no sound at all."""
    return _ENTRY_BYTES + sum(map(len, key)) + len(kept.sound)


def _is_raw(content_type: str, src: str) -> bool:
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    try:
        path = urlsplit(src).path.lower()
    except ValueError:
        return False
    return kind in _RAW_TYPES or path.endswith(_RAW_ENDINGS)
