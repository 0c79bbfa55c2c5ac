"""The audit log by HTTP: who changed what, when, and what it was before.

A bare array, the newest first, read on with `after=` the last id. `object=campaign:7` narrows it to one thing,
`object=campaign` to one kind of things.
"""

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.list_fields import id_of, limit_of, text_of
from services.api.request_body import Fields, read_fields
from services.api.routes import Route
from shared.domain.access import Role
from shared.domain.errors import Invalid
from shared.ports.audit import AuditEntry, AuditLog

#: A kind, and after a colon what tells the one from the others: an id, a number, a URL.
_OBJECT: Final = re.compile(r"([a-z_]{1,32})(?::([^\x00]{1,200}))?")


@dataclass(frozen=True, slots=True)
class AuditRoom:
    """The log's endpoint."""

    log: AuditLog

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(method="GET", path="/api/audit", handler=self.index, summary="List changes", role=Role.ADMIN),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List changes, the newest first."""
        fields = await read_fields(request)
        object_type, object_id = _object_of(fields)
        entries = await self.log.entries(
            request[TENANT],
            before_id=id_of(fields, "after") or None,  # 0 is the beginning, as of other lists
            limit=limit_of(fields),
            object_type=object_type,
            object_id=object_id,
        )
        return json_answer([entry_shape(entry) for entry in entries])


def _object_of(fields: Fields) -> tuple[str | None, str | None]:
    text = text_of(fields, "object")
    if text is None:
        return None, None
    matched = _OBJECT.fullmatch(text)
    if matched is None:
        raise Invalid(
            "object", "The object is a kind of things, such as campaign, or one of them: campaign:7."
        )
    return matched[1], matched[2]


def entry_shape(entry: AuditEntry) -> dict[str, object]:
    """Return a change as its tenant sees it."""
    return {
        "id": entry.audit_id,
        "at": entry.at.isoformat(timespec="milliseconds"),
        "who": {"token_id": entry.token_id, "name": entry.actor, "process": entry.process},
        "request": {"method": entry.method, "route": entry.route, "path": entry.path},
        "action": entry.action,
        "object": entry.object_type if entry.object_id is None else f"{entry.object_type}:{entry.object_id}",
        "table": entry.table_name,
        "rows": entry.rows,
        "before": entry.before,
        "after": entry.after,
    }
