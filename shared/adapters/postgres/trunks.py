"""Trunks in Postgres; a password is sealed before it is stored, and opened only where a dialer uses it."""

import re
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.ports.trunks import TrunkRecord, Trunks, UsableTrunks

_ADMINISTRATION = queries("trunk_administration")
_USE = queries("trunks")

#: Nobody has more carriers; a dialer keeps watch over each.
MOST_TRUNKS: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_USER: Final = 128
_LAST_PRIORITY: Final = 1_000_000
#: Far more than any carrier gives anybody.
_MOST_CHANNELS: Final = 1_000_000
_MOST_CALLS_PER_SECOND: Final = 10_000
_CALLER_ID: Final = re.compile(r"\+[0-9]{1,15}")


class PostgresTrunks(Trunks):
    """Trunks, for whoever administers them."""

    def __init__(self, database: Database, *, seal: Callable[[bytes], bytes]) -> None:
        self._database = database
        self._seal = seal

    @override
    async def add(self, trunk: TrunkRecord) -> None:
        _check(trunk)
        sealed = None if trunk.password is None else self._seal(trunk.password.encode())
        row = await self._database.row(
            _ADMINISTRATION["add_trunk"],
            trunk.name,
            trunk.host,
            trunk.port,
            trunk.username,
            sealed,
            trunk.caller_id,
            trunk.prefix,
            trunk.priority,
            trunk.channels,
            trunk.calls_per_second,
            trunk.pings,
            trunk.asserted_identity,
        )
        if row is None:
            raise Conflict(f"There is a trunk called {trunk.name}: choose another name.")

    @override
    async def listed(self) -> list[TrunkRecord]:
        rows = await self._database.rows(_ADMINISTRATION["list_trunks"], MOST_TRUNKS)
        return [TrunkRecord(**dict(row)) for row in rows]

    @override
    async def switch(self, name: str, *, disabled: bool) -> None:
        if await self._database.row(_ADMINISTRATION["switch_trunk"], name, disabled) is None:
            raise NotFound(
                f"There is no trunk called {name}: `paceline trunk list` shows those that there are."
            )


class PostgresUsableTrunks(UsableTrunks):
    """Trunks, for a dialer."""

    def __init__(self, database: Database, *, unseal: Callable[[bytes], bytes]) -> None:
        self._database = database
        self._unseal = unseal

    @override
    async def usable(self) -> list[TrunkRecord]:
        rows = await self._database.rows(_USE["usable_trunks"], MOST_TRUNKS)
        trunks = []
        for row in rows:
            fields = dict(row)
            sealed = fields.pop("sealed_secret")
            password = None if sealed is None else self._unseal(sealed).decode()
            trunks.append(TrunkRecord(**fields, password=password))
        return trunks


def _check(trunk: TrunkRecord) -> None:
    """Refuse in a sentence what the table would refuse with a code."""
    if _NAME.fullmatch(trunk.name) is None:
        raise Invalid("name", "A trunk's name must be 1 to 64 letters, digits, dots, _ and -.")
    if (trunk.username is None) != (trunk.password is None):
        raise Invalid("user", "A trunk has a user and a secret, or neither.")
    if trunk.username is not None and not (
        trunk.username.isprintable() and 0 < len(trunk.username) <= _LONGEST_USER
    ):
        raise Invalid("user", f"A trunk's user must be 1 to {_LONGEST_USER} printable characters.")
    if not 0 <= trunk.priority <= _LAST_PRIORITY:
        raise Invalid("priority", f"A trunk's priority must be 0 to {_LAST_PRIORITY}.")
    for field, bound, most in (
        ("channels", trunk.channels, _MOST_CHANNELS),
        ("cps", trunk.calls_per_second, _MOST_CALLS_PER_SECOND),
    ):
        if bound is not None and not 0 < bound <= most:
            raise Invalid(field, f"A trunk's {field} must be 1 to {most}; leave it out for no limit.")
    if trunk.caller_id is not None and _CALLER_ID.fullmatch(trunk.caller_id) is None:
        raise Invalid("caller_id", "A caller id must be + and at most 15 digits, as in +12025550100.")
