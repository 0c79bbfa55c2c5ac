"""A maker of sound for tests: letters instead of speech."""

import asyncio
from dataclasses import dataclass, field

from typing_extensions import override

from shared.adapters.sip_trunk.sound_maker import NoSound, SoundMaker


@dataclass
class Workshop(SoundMaker):
    """Makes sound of letters, and counts; waits for leave where it is told to."""

    spoken: list[str] = field(default_factory=list)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.leave.set()

    @override
    async def speak(self, text: str, language: str) -> bytes:
        self.spoken.append(f"{language}:{text}")
        await self.leave.wait()
        if text == "unspeakable":
            raise NoSound("It cannot be said.")
        if text.startswith("mute"):
            return b""
        return text.encode() * 10

    @override
    async def convert(self, body: bytes, *, raw: bool) -> bytes:
        if not raw and not body.startswith(b"RIFF"):
            raise NoSound("It is no audio.")
        return body
