"""The routes of a rule that has a name and that campaigns use: a schedule, a profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from services.api.routes import ID, Operation, Route


class NamedRules(Protocol):
    """What answers for rules of one kind."""

    async def create(self, request: web.Request) -> web.Response:
        """Make one."""

    async def index(self, request: web.Request) -> web.Response:
        """List them all."""

    async def update(self, request: web.Request) -> web.Response:
        """Change what was sent of one."""

    async def delete(self, request: web.Request) -> web.Response:
        """Delete one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRuleOperations:
    """What the five routes of a kind take and answer."""

    create: Operation
    index: Operation
    #: By method: PATCH and PUT are alike.
    updates: Mapping[str, Operation]
    delete: Operation


def named_rule_routes(kind: str, rooms: NamedRules, operations: NamedRuleOperations) -> tuple[Route, ...]:
    """Return the routes of a kind, `schedule` for example, which is what its path is called after."""
    path = f"/api/{kind}s"
    one = f"{path}/{ID}"
    return (
        Route(
            method="POST", path=path, handler=rooms.create, summary=f"Create a {kind}",
            operation=operations.create,
        ),
        Route(
            method="GET", path=path, handler=rooms.index, summary=f"List {kind}s", operation=operations.index
        ),
        *(
            Route(method=method, path=one, handler=rooms.update, summary=f"Update a {kind}", operation=operation)
            for method, operation in operations.updates.items()
        ),
        Route(
            method="DELETE", path=one, handler=rooms.delete, summary=f"Delete a {kind}",
            operation=operations.delete,
        ),
    )  # fmt: skip
