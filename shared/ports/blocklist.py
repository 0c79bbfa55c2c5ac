"""The blocklist: numbers of a tenant that are never to be called, whatever a campaign says."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.phone_list import PhoneEntry, RefusedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedNumber:
    """One number that is never to be called."""

    e164: str
    #: Why, in the words of whoever blocked it.
    reason: str | None
    #: Where the wish came from: a form, a call, a list of a regulator.
    source: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What became of an addition."""

    added: int
    #: Those that were blocked before; their reason and source stay as they were.
    already: int
    refused: int
    #: The first of them.
    refused_lines: tuple[RefusedLine, ...]


class Blocklist(Protocol):
    """A tenant's blocklist. The gates read it with every intent, so that a change counts from its commit on."""

    async def page(self, tenant_id: int, *, after: str, limit: int) -> list[BlockedNumber]:
        """Return the blocked numbers that follow one, in the order of their digits."""

    async def add(
        self,
        tenant_id: int,
        lines: AsyncIterator[Sequence[PhoneEntry | RefusedLine]],
        *,
        reason: str | None,
        source: str | None,
    ) -> Blocked:
        """Block all of the lines' numbers or, when their reading fails, none; a line's reference is its own reason."""

    async def remove(self, tenant_id: int, e164: str) -> None:
        """Allow a number again; raises NotFound when it was not blocked."""
