"""What a token may do: three roles, each of which may do what the one before it may.

A reader looks, an operator runs campaigns, an admin decides who may. The rule that a route without a word of its own
follows is here too, so that a new route is never more open than it should be.
"""

from enum import StrEnum
from typing import Final

from shared.domain.errors import NotFound, PacelineError


class Role(StrEnum):
    """Of a token; in ascending order."""

    READER = "reader"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may_act_as(self, needed: "Role") -> bool:
        """Tell whether this role may do what another may."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER: Final = tuple(Role)
_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class RoleNeeded(PacelineError):
    """This needs a token with another role."""

    def __init__(self, needed: Role, held: Role) -> None:
        self.needed = needed
        self.held = held
        super().__init__(f"This needs a token with the role {needed}; the one that was sent is of {held}.")


class UnknownTenant(NotFound):
    """No tenant has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no tenant called {name}: make it with `paceline token create --tenant {name}`."
        )


def usual_role(method: str) -> Role:
    """Return the role that a request of this method needs where its route says nothing: whoever may not look, runs."""
    return Role.READER if method in _LOOKING else Role.OPERATOR


def check_role(held: Role, needed: Role) -> None:
    """Raise RoleNeeded for a role that may not."""
    if not held.may_act_as(needed):
        raise RoleNeeded(needed, held)
