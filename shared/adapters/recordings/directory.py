"""Recordings in a folder, each in a file of its own, for as long as they are to be kept.

A file appears under its name when it is whole: a reader never sees half of one. What is older than the retention is
removed when something new is kept, at most once an hour; a recording is personal data, and the folder must not depend
on somebody to tidy it up.
"""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from typing_extensions import override

from shared.clock import epoch_seconds
from shared.ports.recordings import NotKept, Recordings

#: A name becomes a file's: nothing of it may mean a folder or hide a file.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_SWEEP_SECONDS: Final = 3600
_DAY_SECONDS: Final = 86_400


class NowhereRecordings(Recordings):
    """Keeps nothing: what was recorded is the application's alone."""

    @override
    async def keep(self, name: str, wav: bytes) -> None:
        """Let it go."""


class DirectoryRecordings(Recordings):
    """Keeps recordings as `NAME.wav`."""

    def __init__(self, folder: Path, *, keep_days: float) -> None:
        self._folder = folder
        self._keep_seconds = keep_days * _DAY_SECONDS
        self._swept_at: float | None = None

    @override
    async def keep(self, name: str, wav: bytes) -> None:
        if _NAME.fullmatch(name) is None:
            raise NotKept(f"{name!r} cannot name a recording: use up to 100 letters, digits, _ and -.")
        try:
            await asyncio.to_thread(self._write, name, wav)
        except OSError as error:
            raise NotKept(
                f"A recording cannot be kept in {self._folder}: {(error.strerror or 'no reason is known').lower()}."
            ) from error

    def _write(self, name: str, wav: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{name}.part"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(wav)
        unfinished.replace(self._folder / f"{name}.wav")
        self._sweep()

    def _sweep(self) -> None:
        """Remove what is too old."""
        now = epoch_seconds()
        if self._swept_at is not None and now - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = now
        for file in self._folder.glob("*.wav"):
            if file.stat().st_mtime < now - self._keep_seconds:
                file.unlink(missing_ok=True)
