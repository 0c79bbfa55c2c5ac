"""Who a change is made for, and what was changed before.

The log is written by the database itself, in the transaction of the change. What the database cannot know, who asked,
is said here: whoever serves a request wraps it in `acting`, and every transaction that begins inside names the actor.
It is a context variable because it has to pass through every port on the way without being anybody's argument: a store
that forgot to hand it on would write an entry without a name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks, and for what."""

    #: The token's, or who sits at the command line.
    name: str
    token_id: int | None = None
    method: str | None = None
    #: The route as the API describes it, and the path that was asked for.
    route: str | None = None
    path: str | None = None
    #: What the path names, where it names something.
    object_type: str | None = None
    object_id: str | None = None

    def document(self) -> dict[str, object]:
        """Return what is told to the database."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change."""

    audit_id: int
    at: datetime
    #: The role of the process that made it.
    process: str
    token_id: int | None
    actor: str | None
    method: str | None
    route: str | None
    path: str | None
    action: str
    table_name: str
    object_type: str
    object_id: str | None
    #: None: not counted.
    rows: int | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


class AuditLog(Protocol):
    """Reads what was changed."""

    async def entries(
        self,
        tenant_id: int,
        *,
        before_id: int | None,
        limit: int,
        object_type: str | None,
        object_id: str | None,
    ) -> list[AuditEntry]:
        """Return a page, newest first, of everything or of one type of object or of one object."""


_ACTING: ContextVar[Actor | None] = ContextVar("acting", default=None)


def acting_now() -> Actor | None:
    """Return who the work of this task is done for; None where nobody asked."""
    return _ACTING.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Do what is in the block for somebody."""
    token = _ACTING.set(actor)
    try:
        yield
    finally:
        _ACTING.reset(token)
