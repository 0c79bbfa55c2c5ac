"""What must be true of the database at every moment, and what was found when somebody asked."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One sentence that must be true."""

    name: str
    #: `I1` to `I14`: several may be parts of one.
    number: str
    #: What the ids are of: `attempt`, `number`, `campaign` …
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """What breaks an invariant."""

    #: None for what belongs to no tenant.
    tenant_id: int | None
    campaign_id: int | None
    #: Of the invariant's kind.
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An invariant and what breaks it: nothing, if it holds."""

    invariant: Invariant
    #: How many there are.
    total: int
    #: The first of them, by tenant, campaign and id.
    offenders: tuple[Offender, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.total == 0


class Invariants(Protocol):
    """The invariants, asked of the store."""

    def check(self, *, most: int, within_seconds: float) -> AsyncGenerator[Finding, None]:
        """Ask for each invariant in turn, all of one moment; a finding names `most` offenders at most.

        Safe while everything runs. Close it (`aclosing`): it holds on to that moment. Raises Unavailable, with what
        to do, when the store does not answer, is of another version, or is not through after `within_seconds`: what
        was not asked is not proven.
        """
