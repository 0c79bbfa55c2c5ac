"""Hands work to the processes that make sound, and starts a new one when one dies."""

import asyncio
import sys
from contextlib import suppress
from typing import Final

import orjson
import structlog

from shared.adapters.sip_trunk.sound_process import HEAD, MOST_BYTES
from shared.domain.errors import PacelineError

_log = structlog.get_logger()

#: A prompt that takes longer than this is not worth waiting for: somebody listens to silence.
PATIENCE_SECONDS: Final = 15.0
#: After its input is closed a process ends at once.
_CLOSE_SECONDS: Final = 2.0
#: Prompts that wait for their turn: a second of work at the most for each call of a full dialer.
MOST_WAITING: Final = 1000


class NoSound(PacelineError):
    """A prompt could not be made into sound."""


class SoundMaker:
    """Processes that make sound, each one thing at a time."""

    def __init__(self, *, processes: int = 2, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._makers = [_Maker(patience_seconds) for _ in range(processes)]
        self._idle: asyncio.Queue[_Maker] = asyncio.Queue()
        for maker in self._makers:
            self._idle.put_nowait(maker)
        self._waiting = 0

    async def speak(self, text: str, language: str) -> bytes:
        """Return text as µ-law at 8 kHz; raises NoSound."""
        return await self._make({"text": text, "language": language}, b"")

    async def convert(self, body: bytes, *, raw: bool) -> bytes:
        """Return a file as µ-law at 8 kHz, raw µ-law as it is if that is allowed; raises NoSound."""
        return await self._make({"raw": "yes" if raw else ""}, body)

    async def close(self) -> None:
        """End the processes; what they work on is lost."""
        await asyncio.gather(*(maker.close() for maker in self._makers))

    async def _make(self, asked: dict[str, str], body: bytes) -> bytes:
        if self._waiting >= MOST_WAITING:
            raise NoSound("More prompts wait to be made than can be made in time.")
        self._waiting += 1
        try:
            maker = await self._idle.get()
        finally:
            self._waiting -= 1
        try:
            return await maker.make(asked, body)
        finally:
            self._idle.put_nowait(maker)


class _Maker:
    """One process, started when it is needed."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._process: asyncio.subprocess.Process | None = None

    async def make(self, asked: dict[str, str], body: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._patience_seconds):
                said, sound = await self._ask(asked, body)
        except (OSError, EOFError, TimeoutError) as error:
            await self.close()
            _log.warning("sound_process_lost", reason=repr(error))
            raise NoSound from error
        except asyncio.CancelledError:
            await self.close()  # its answer would be taken for the next one's
            raise
        if "failed" in said:
            raise NoSound(said["failed"])
        return sound

    async def _ask(self, asked: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        words = orjson.dumps(asked)
        process.stdin.write(HEAD.pack(len(words), len(body)) + words + body)
        await process.stdin.drain()
        said_bytes, sound_bytes = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        if said_bytes + sound_bytes > MOST_BYTES:
            raise EOFError
        said = orjson.loads(await process.stdout.readexactly(said_bytes))
        return said, await process.stdout.readexactly(sound_bytes)

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "shared.adapters.sip_trunk.sound_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self._process

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
