"""A phone list on its way in: kept in a temporary file until the whole request is known to be good.

The list may come before the fields that say what it is for, and a client may be slow. The file lets both be: no
transaction waits for a client, memory stays flat, and a connection that breaks off leaves nothing behind.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import IO, Final

from typing_extensions import override

from services.api.request_body import Fields, FilePart
from shared.domain.errors import Invalid
from shared.domain.phone_list import PhoneListLimits, PhoneListParser, Row, parse_json_entries

#: Lists up to this size never touch the disk.
IN_MEMORY_BYTES: Final = 1024 * 1024
#: Copied at a time.
CHUNK_BYTES: Final = 64 * 1024
#: Parsed at a time, so that the loop answers others in between: a line that is refused takes ten times as long as a
#: number, and a chunk of nothing else would stop everybody for a third of a second.
PARSED_BYTES: Final = 16 * 1024

#: Where nobody says how many connections to Postgres there are.
UPLOADS_AT_ONCE: Final = 4


class UploadTurns:
    """How many lists are taken in at a time: a few of a process's connections, so that a stop always finds one.

    Taking in a list of millions lasts minutes, and holds a connection for as long. A list that has arrived waits here,
    in its file, and holds nothing.
    """

    def __init__(self, at_once: int = UPLOADS_AT_ONCE) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def take(self) -> None:
        """Wait for a turn."""
        await self._turns.acquire()

    def give_back(self) -> None:
        """Let the next one have it."""
        self._turns.release()


class PhoneListUpload(AbstractContextManager["PhoneListUpload"]):
    """The one file of a request, and its turn to be taken in."""

    def __init__(self, turns: UploadTurns) -> None:
        self._turns = turns
        self._has_turn = False
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed in __exit__
        self.arrived = False
        self.file_name: str | None = None

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._has_turn:
            self._turns.give_back()

    async def take(self, part: FilePart) -> None:
        """Keep a file part; raises Invalid for a second one or one under another name."""
        if part.name != "phone_numbers":
            raise Invalid(part.name, f"A file was sent as {part.name}; send the phone list as phone_numbers.")
        if self.arrived:
            raise Invalid("phone_numbers", "More than one phone list was sent; send one file.")
        self.arrived, self.file_name = True, part.file_name
        async for chunk in part.chunks:
            self._file.write(chunk)

    async def turn(self, fields: Fields) -> None:
        """Wait for a turn before anything is asked of Postgres; a request without a list, be it a file, needs none."""
        if self.arrived or "phone_numbers" in fields.names:
            await self._turns.take()
            self._has_turn = True

    async def lines(self) -> AsyncIterator[Sequence[Row]]:
        """Yield the parsed lines chunk by chunk; raises Invalid for what is no phone list."""
        self._file.seek(0)
        parser = PhoneListParser(PhoneListLimits())
        while chunk := self._file.read(CHUNK_BYTES):
            rows: list[Row] = []
            for start in range(0, len(chunk), PARSED_BYTES):
                rows += parser.feed(chunk[start : start + PARSED_BYTES])
                await asyncio.sleep(0)  # let other requests have their turn
            yield rows
        yield parser.finish()


async def lines_of_array(entries: list[object]) -> AsyncIterator[Sequence[Row]]:
    """Yield the lines of a JSON array."""
    yield parse_json_entries(entries)
