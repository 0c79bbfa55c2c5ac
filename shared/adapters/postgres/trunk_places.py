"""Places on trunks in Postgres: every dialer takes them here right before it sends, so the caps hold over all of them.

Not in Redis, which may lose at any moment what it was told; and not one transaction per call. What is wanted and left
while one transaction is under way waits for the next, which takes it all at once: the busier, the cheaper, and the lock
of a trunk is held for three short statements and a commit, however many legs they are for. Only trunks with caps cost
anything.

What may go wrong: nothing is known of a commit whose word was lost, so its leg is not sent and its place is given
back. While Postgres is away there are no places; no call can leave then anyway, as its intent cannot be written. A
dialer that dies leaves places behind, and each is kept as long as its attempt may be a call: the reaper takes back
those of attempts that are over, be it at the end of their quarantine.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog
from typing_extensions import override

from shared.adapters.postgres.clocks import Offset, ask
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.queries import queries
from shared.clock import monotonic_seconds
from shared.domain.errors import Unavailable
from shared.domain.fence import attempt_fence, is_second_leg
from shared.domain.trunk_places import SEND_WITHIN_SECONDS, TrunkCaps, TrunkFull, TrunkUse
from shared.ports.trunk_places import Place, TrunkPlaces

_log = structlog.get_logger()

_SQL = queries("trunk_places")
#: Any number that other programs on the same server are unlikely to lock; the other half of the key is the trunk.
_LOCKS_OF_TRUNKS: Final = 701_522_300
#: Before Postgres is told again who has left.
_PAUSE_WHEN_AWAY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    trunk: str
    leg: str
    #: On the loop's clock.
    until: float
    answer: "asyncio.Future[Place]"

    def refuse(self, why: TrunkFull) -> None:
        if not self.answer.done():
            self.answer.set_exception(why)


class PostgresTrunkPlaces(TrunkPlaces):
    """Places in Postgres, for the legs of one dialer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted: list[_Wanted] = []
        self._leaving: list[str] = []
        #: Legs that have, or may have, a place.
        self._held: set[str] = set()
        self._work: asyncio.Task[None] | None = None
        self._offset: Offset | None = None

    @override
    async def take(self, trunk: str, caps: TrunkCaps, leg: str, *, until: float) -> Place:
        wanted = _Wanted(trunk=trunk, leg=leg, until=until, answer=asyncio.get_running_loop().create_future())
        self._wanted.append(wanted)
        self._held.add(leg)
        self._go_on()
        try:
            async with asyncio.timeout_at(until):
                return await wanted.answer
        except TrunkFull:
            self._held.discard(leg)
            raise
        except TimeoutError as error:
            self.give_back(leg)
            raise TrunkFull(f"Nobody could tell in time whether the trunk {trunk} has a place.") from error
        except asyncio.CancelledError:
            self.give_back(leg)
            raise

    @override
    def give_back(self, leg: str) -> None:
        if leg in self._held:
            self._held.discard(leg)
            self._leaving.append(leg)
            self._go_on()

    async def close(self) -> None:
        """Give back what was to be given back, as far as Postgres is there; what is left is the reaper's."""
        work = self._work
        if work is not None:
            await asyncio.wait({work}, timeout=_PAUSE_WHEN_AWAY_SECONDS)
            work.cancel()
            await asyncio.wait({work})

    def _go_on(self) -> None:
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._settle_all(), name="places on trunks")

    async def _settle_all(self) -> None:
        while self._wanted or self._leaving:
            wanted, self._wanted = self._wanted, []
            leaving, self._leaving = self._leaving, []
            # Nobody waits for these any more: they were given back before they were asked for.
            wanted = [each for each in wanted if not each.answer.done()]
            try:
                await self._settle(wanted, leaving)
            except (Unavailable, asyncpg.PostgresError) as error:
                _log.warning("trunk_places_not_known", legs=len(wanted), left=len(leaving), reason=str(error))
                for each in wanted:
                    each.refuse(
                        TrunkFull("Postgres is away, and with it the count of who is on which trunk.")
                    )
                # Whether the commit took place is not known.
                self._leaving = [*leaving, *(each.leg for each in wanted), *self._leaving]
                await asyncio.sleep(_PAUSE_WHEN_AWAY_SECONDS)

    async def _settle(self, wanted: Sequence[_Wanted], leaving: Sequence[str]) -> None:
        """Leave and take in one transaction; nobody is told before it is committed."""
        places: list[tuple[_Wanted, Place]] = []
        async with self._database.transaction() as connection:
            names = sorted({each.trunk for each in wanted})
            if names:
                await connection.execute(_SQL["count_alone"], _LOCKS_OF_TRUNKS, names)
            if leaving:
                await connection.execute(_SQL["leave_places"], leaving)
            if names:
                places = await self._take(connection, wanted, names)
        for each, place in places:
            if not each.answer.done():
                each.answer.set_result(place)

    async def _take(
        self, connection: asyncpg.Connection, wanted: Sequence[_Wanted], names: Sequence[str]
    ) -> list[tuple[_Wanted, Place]]:
        """Write a place for each leg that has one, and refuse the others."""
        now, asked = await ask(connection, monotonic_seconds)
        self._offset = offset = asked.narrowed(self._offset)
        uses = {row["name"]: _use(row) for row in await connection.fetch(_SQL["trunks_in_use"], names)}
        taken: list[tuple[_Wanted, float]] = []
        for each in wanted:
            use = uses.get(each.trunk)
            try:
                if use is None:
                    each.refuse(TrunkFull(f"The trunk {each.trunk} is not in use any more."))
                else:
                    taken.append((each, use.take(now, offset.latest(each.until))))
            except TrunkFull as full:
                each.refuse(full)
        if taken:
            await connection.execute(_SQL["take_places"], *_columns(taken))
        return [(each, _place(offset, instant, uses[each.trunk], each.until)) for each, instant in taken]


def _use(row: asyncpg.Record) -> TrunkUse:
    caps = TrunkCaps(channels=row["channels"], calls_per_second=row["calls_per_second"])
    return TrunkUse(row["name"], caps, legs=row["legs"], instants=reversed(row["instants"]))


def _columns(
    taken: Sequence[tuple[_Wanted, float]],
) -> tuple[list[str], list[str], list[str], list[bool], list[float]]:
    return (
        [each.trunk for each, _ in taken],
        [each.leg for each, _ in taken],
        [attempt_fence(each.leg) for each, _ in taken],
        [is_second_leg(each.leg) for each, _ in taken],
        [instant for _, instant in taken],
    )


def _place(offset: Offset, instant: float, use: TrunkUse, until: float) -> Place:
    if not use.has_rate:
        return Place(not_before=float("-inf"), not_after=until)
    return Place(
        not_before=offset.not_before(instant), not_after=offset.not_after(instant + SEND_WITHIN_SECONDS)
    )
