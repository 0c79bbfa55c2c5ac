"""What the API asks of the store so that a mistake with a phone list can be undone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.campaign import Dialect
from shared.domain.phone_list import PhoneEntry, RefusedLine

Lines = AsyncIterator[Sequence[PhoneEntry | RefusedLine]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadView:
    """One upload of a campaign."""

    #: Its place among the campaign's uploads, from 1.
    upload_no: int
    file_name: str | None
    accepted: int
    refused: int
    duplicates: int
    uploaded_at: datetime
    #: When it was taken back; None for one that stands.
    canceled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedLine:
    """A line that was not taken."""

    upload_no: int
    line: RefusedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """What became of numbers that were taken back."""

    #: Ended just now, each with its result.
    canceled: int
    #: In a call that goes on: they end with its result and are not called again.
    in_call: int
    #: Lines of the request that are no number, and the first of them.
    refused: int = 0
    refused_lines: tuple[RefusedLine, ...] = ()


class UploadDesk(Protocol):
    """Uploads of one API process. Everything of another tenant answers as unknown: NotFound."""

    async def uploads(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, after: int, limit: int
    ) -> list[UploadView]:
        """Return a campaign's uploads behind one, the oldest first."""

    async def rejects(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, *, after: tuple[int, int], limit: int
    ) -> list[RejectedLine]:
        """Return the lines that were not taken, behind one, by upload and line."""

    async def cancel_upload(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, upload_no: int
    ) -> Canceled:
        """End whatever of an upload is undialed; again, it ends what has come back since."""

    async def cancel_numbers(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, lines: Lines
    ) -> Canceled:
        """End where these numbers stand undialed; a line with a reference means that one line of the campaign."""

    async def cancel_references(
        self, tenant_id: int, dialect: Dialect, campaign_id: int, references: Sequence[str]
    ) -> Canceled:
        """End the undialed numbers with one of these message references."""
