"""A look at a campaign's two addresses before anybody's phone rings.

The original service sends a GET to both and wants a 200; a typing error in a URL is so found by the person who made
it and not by the first callee. Here the answer is kept on the campaign for people to read; whether a bad one also
refuses the start is the operator's choice.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.errors import Conflict
from shared.ports.fetching import DocumentFetcher, FetchFailed

#: A person waits for the answer to `start`.
PATIENCE_SECONDS: Final = 5.0
#: Only the status counts; a document of this size is read, so that its connection ends in order.
MOST_BYTES: Final = 2 * 1024 * 1024

_OK: Final = 200


class Preflight(StrEnum):
    """What a start does about the campaign's addresses."""

    OFF = "off"
    WARN = "warn"
    REQUIRE = "require"


class AddressNotAnswering(Conflict):
    """An address of the campaign does not answer 200, so it was not started; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Inspector:
    """Looks at addresses, as strictly as the operator wants."""

    fetcher: DocumentFetcher
    strictness: Preflight

    async def look_at(self, addresses: dict[str, str | None]) -> dict[str, str] | None:
        """Return what each address answered, in words, by its field; None when nobody is to look.

        Raises AddressNotAnswering when the operator requires 200 of all.
        """
        if self.strictness is Preflight.OFF:
            return None
        given = {field: url for field, url in addresses.items() if url is not None}
        answers = await asyncio.gather(*(self._ask(url) for url in given.values()))
        found = dict(zip(given, answers, strict=True))
        bad = [f"{field}: {answer}" for field, answer in found.items() if answer != f"answered {_OK}"]
        if bad and self.strictness is Preflight.REQUIRE:
            raise AddressNotAnswering(f"The campaign was not started. {'; '.join(bad)}.")
        return found

    async def _ask(self, url: str) -> str:
        try:
            document = await self.fetcher.fetch(
                "GET", url, timeout_s=PATIENCE_SECONDS, max_bytes=MOST_BYTES, follow_redirects=True
            )
        except FetchFailed as error:
            return error.message
        return f"answered {document.status}"
