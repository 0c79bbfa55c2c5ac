"""A phone list on its way to the API: read in pieces as they are sent, and counted for the progress bar.

A list may have millions of lines, so it is never in memory as a whole, and no line of it is looked at here:
what a good line is, the API decides.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import override

from shared.domain.errors import Invalid

Counter = Callable[[int], None]


class CountedFile(io.BufferedReader):
    """A file that tells how many bytes were read of it.

    It stays a BufferedReader because aiohttp sends one in pieces, with its length told beforehand.
    """

    def __init__(self, path: Path, count: Counter) -> None:
        super().__init__(io.FileIO(path))
        self._count = count

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._count(len(chunk))
        return chunk


@contextmanager
def opened_list(path: Path, count: Counter) -> Iterator[CountedFile]:
    """Open a phone list; raises `Invalid` with a sentence where that does not work."""
    try:
        file = CountedFile(path, count)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Invalid("numbers", f"The phone list {path} cannot be read: {reason}.") from error
    with file:
        yield file
