"""The audit log by HTTP: who changed what, when, and what it was before.

A bare array, the newest first, read on with `after=` the last id. `object=campaign:7` narrows it to one thing,
`object=campaign` to one kind of things.
"""

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from services.api.access_messages import OBJECT, AuditParameters, ChangeEntry
from services.api.answers import json_answer
from services.api.authentication import TENANT
from services.api.list_fields import id_of, limit_of, text_of
from services.api.parameters import described
from services.api.request_body import Fields, read_fields
from services.api.routes import Operation, Route
from shared.domain.access import Role
from shared.domain.errors import Invalid
from shared.ports.audit import AuditEntry, AuditLog

_OBJECT: Final = re.compile(OBJECT)
_CHANGE: Final = {
    "id": 31,
    "at": "2026-11-21T08:00:00.000+00:00",
    "who": {"token_id": 7, "name": "night shift", "process": "paceline_api"},
    "request": {"method": "POST", "route": "/api/campaigns/stop", "path": "/api/campaigns/stop"},
    "action": "update",
    "object": "campaign:2",
    "table": "campaign",
    "rows": 1,
    "before": {"state": "RUNNING"},
    "after": {"state": "STOPPED"},
}


@dataclass(frozen=True, slots=True)
class AuditRoom:
    """The log's endpoint."""

    log: AuditLog

    def routes(self) -> tuple[Route, ...]:
        """Return what this room serves."""
        return (
            Route(
                method="GET", path="/api/audit", handler=self.index, summary="List changes", role=Role.ADMIN,
                operation=Operation(
                    id="listChanges", tag="Audit", takes=AuditParameters, answers=list[ChangeEntry],
                    description="Who changed what and when, with what it was before; nothing can be taken out of it.",
                    example=[_CHANGE],
                ),
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List changes, the newest first."""
        fields = described(await read_fields(request), AuditParameters)
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


def entry_shape(entry: AuditEntry) -> ChangeEntry:
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
        "before": None if entry.before is None else dict(entry.before),
        "after": None if entry.after is None else dict(entry.after),
    }
