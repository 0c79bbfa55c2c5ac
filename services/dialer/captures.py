"""What a call recorded, for as long as the call lasts: to be posted by the application, and played to the caller."""

import base64
from collections.abc import Iterable
from typing import Final

from shared.contracts.multipart import FilePart
from shared.telephony.port import RecordingEnded
from shared.voicexml.effects import RECORDING_PREFIX
from shared.voicexml.events import Pairs, Recorded

#: Of one call: twenty minutes of telephone sound. What is more is not kept.
MAX_BYTES: Final = 10 * 1024 * 1024

CONTENT_TYPE: Final = "audio/x-wav"


class Captures:
    """The recordings of one call."""

    def __init__(self) -> None:
        self._sounds: dict[str, bytes] = {}
        #: Of those that were played, so that a recording in a loop is one text however often it is heard.
        self._addresses: dict[str, str] = {}
        self._bytes = 0
        #: The recording under way: its number, and its longest time in milliseconds.
        self._current: tuple[int, int] | None = None
        self._stopped = False

    def begin(self, record_id: int, longest_ms: int) -> None:
        """Note that a recording has begun."""
        self._current, self._stopped = (record_id, longest_ms), False

    def abandon(self) -> Recorded | None:
        """Give up a recording of which nothing will come; returns what the application is told."""
        return self.take(RecordingEnded("", 0.0), gone=True)

    def stopped(self) -> None:
        """Note that the application ended it, at a key."""
        self._stopped = True

    def take(self, ended: RecordingEnded, *, gone: bool) -> Recorded | None:
        """Keep a recording; returns what the application is told. `gone`: the callee has hung up."""
        if self._current is None:
            return None
        (record_id, longest_ms), self._current = self._current, None
        duration_ms = round(ended.duration_seconds * 1_000)
        fits = self._bytes + len(ended.wav) <= MAX_BYTES
        # A key says that there was something to say, however softly.
        spoken = ended.heard or self._stopped or ended.stop_key is not None
        kept = duration_ms > 0 and spoken and fits
        if kept:
            self._sounds[ended.name] = ended.wav
            self._bytes += len(ended.wav)
        return Recorded(
            record_id=record_id,
            recording=ended.name if kept else "",
            content_type=CONTENT_TYPE,
            duration_ms=duration_ms if kept else 0,
            size_bytes=len(ended.wav) if kept else 0,
            ended_by=self._ending(ended, duration_ms >= longest_ms, gone=gone)
            if fits
            else "error.noresource",
        )

    def _ending(self, ended: RecordingEnded, is_longest: bool, *, gone: bool) -> str:  # noqa: FBT001 - one of two facts
        if ended.duration_seconds > 0 and (self._stopped or ended.stop_key is not None):
            return "stop"
        if ended.duration_seconds <= 0 or not ended.heard:
            return "noinput"
        if gone:
            return "hangup"
        return "maxtime" if is_longest else "silence"

    def files(self, recordings: Pairs) -> Iterable[FilePart]:
        """Return what a request sends along; each pair is the name of a field and a recording."""
        for field, recording in recordings:
            name = recording.removeprefix(RECORDING_PREFIX)
            yield FilePart(
                name=field,
                filename=f"{field}.wav",
                content_type=CONTENT_TYPE,
                content=self._sounds.get(name, b""),
            )

    def address(self, src: str) -> str:
        """Return the address of a sound that is to be played: a recording becomes a data URL (RFC 2397)."""
        name = src.removeprefix(RECORDING_PREFIX)
        if name == src or name not in self._sounds:
            return src
        if name not in self._addresses:
            self._addresses[name] = f"data:audio/wav;base64,{base64.b64encode(self._sounds[name]).decode()}"
        return self._addresses[name]
