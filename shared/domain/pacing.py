"""When the next calls of a campaign are due: one pure decision over a small state.

A campaign's time to call is a row of *stretches*: the open intervals of its calendar, each with its pace. In
a stretch there are *cycles*: the first begins at the anchor, the later of the opening and the campaign's
start; the others follow, each a period and a gap after the one before. A cycle has N *slots*, spread evenly
over its period. A slot gives at most one call an *emission*: a number and a due instant, the latest of

* the slot's own instant: nothing is called early;
* `now + lead`: it must still reach a worker;
* the last due instant plus 4/5 of the slots' spacing, in the same stretch: a campaign that is behind catches
  up at 5/4 of its pace, never in a burst, neither over the end of a period nor by being stopped and started;
* what the ring of the last N emissions permits (`pacing_ring`): no time of a period's length holds more;

and then the first free slot of the trunks, where they have a rate (`trunk_rate`).

If that is not before the end of the period and of the stretch, the slot is spent, and so are those that are
left. A slot that went by while nothing was waiting is spent too. So a cycle holds at most N calls, and what
a campaign did not call it does not save up. A call may leave a little after its due instant, but not after the
end of its period: a late one would be one too many among the next period's calls, which may all be on time.

The decision offers due instants up to a horizon ahead, so that each call can be rung early and sent on time.
The caller claims as many numbers, says how many it got, and stores the settled state in that transaction: a
crash loses a decision as a whole. It costs what it offers; how long nobody looked, and how large N is, does
not matter. Any number of pacers may take turns, with clocks not quite in step: due instants only ever rise.

A changed pace comes into force where a cycle or a stretch begins. A change made when the first call of the
next cycle has already been offered, up to a horizon early, waits for the cycle after that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.calling_window import OpenInterval
from shared.domain.pace import Pace
from shared.domain.pacing_ring import Ring, spacing
from shared.domain.time_zone import as_utc
from shared.domain.trunk_rate import TrunkLoad, TrunkSlots


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which calls may be placed, [opens_at, closes_at) in UTC, and the pace now wanted in it."""

    opens_at: datetime
    closes_at: datetime
    pace: Pace

    @classmethod
    def of(cls, interval: OpenInterval, *, unpaced: Pace) -> "Stretch":
        """Return the stretch of an open interval; `unpaced` stands in for a window that has no pace."""
        return cls(
            opens_at=interval.opens_at,
            closes_at=interval.closes_at,
            pace=unpaced if interval.window.pace is None else interval.window.pace,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One period of a pace and how far it is used."""

    started_at: datetime
    #: In force for the whole cycle, whatever its owner changes meanwhile.
    pace: Pace
    #: All slots before it are used or spent; `pace.amount` when none is left.
    next_slot: int = 0

    @property
    def ends_at(self) -> datetime:
        """The end of the period, without the gap."""
        return self.started_at + self.pace.period

    @property
    def next_slot_due_at(self) -> datetime:
        """When the next slot falls due; the end of the period when none is left."""
        return self.started_at + self.pace.slot_offset(self.next_slot)

    def spent_until(self, instant: datetime) -> "Cycle":
        """Return the cycle without the slots that are due by `instant`, itself included."""
        due = self.pace.slots_due_by(instant - self.started_at)
        return replace(self, next_slot=max(self.next_slot, due))

    def following(self, pace: Pace, instant: datetime) -> "Cycle":
        """Return the next cycle, which is of `pace`, or the newest after it that has begun at `instant`."""
        started_at = self.started_at + self.pace.cycle
        skipped = max(0, (instant - started_at) // pace.cycle)
        return Cycle(started_at=started_at + skipped * pace.cycle, pace=pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingState:
    """All that is stored of a campaign's pacing. A campaign that was never paced has `PacingState()`."""

    #: The newest cycle that has begun or has had a call offered; None before the first.
    cycle: Cycle | None = None
    ring: Ring = field(default_factory=Ring)
    #: The last look, if nothing was waiting then: slots that go by from there on are spent. None if something
    #: was. A later start of the campaign overrides it.
    idle_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What to store when the numbers for a plan have been claimed."""

    state: PacingState
    #: When to look again; None if there is no stretch left. It is `now` itself if `most` held calls back.
    #: While the state is idle it is the due instant that nobody took, and may be put off until something
    #: waits again: the slots that go by meanwhile are spent by that look.
    wake_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Due instants that calls may take, in order. Nothing has happened until it is settled."""

    now: datetime
    #: The number of the first due instant's emission; the others follow.
    first_emission_number: int
    dues: tuple[datetime, ...]
    #: Before when each of these calls must have been sent: the end of its period, or of its stretch. A call that is
    #: a little late must not be one too many in the next period, whose own calls may all be on time.
    send_before: tuple[datetime, ...]
    #: After none of the dues, after the first, after the first two, and so on.
    states: tuple[PacingState, ...]
    #: When to look again if all dues are taken.
    wake_at: datetime | None

    def settle(self, claimed: int) -> Settlement:
        """Take the first `claimed` dues. Fewer than were offered means that nothing more was waiting."""
        state = self.states[claimed]
        if claimed == len(self.dues):
            return Settlement(state=state, wake_at=self.wake_at)
        return Settlement(state=replace(state, idle_since=self.now), wake_at=self.dues[claimed])

    def limited(self, most: int) -> "Plan":
        """Return the plan with no more than so many dues: what is over stays owed, and is looked for at once."""
        if most >= len(self.dues):
            return self
        return replace(
            self,
            dues=self.dues[:most],
            send_before=self.send_before[:most],
            states=self.states[: most + 1],
            wake_at=self.now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The circumstances of one decision."""

    stretches: Sequence[Stretch]
    started_at: datetime
    #: Grows with the plan: a call may depend on one that is offered with it.
    due_at: dict[int, datetime]
    now: datetime
    lead: timedelta
    #: Grows with the plan too; None without a rate.
    trunk: TrunkSlots | None

    def anchor(self, stretch: Stretch) -> datetime:
        return max(stretch.opens_at, self.started_at)

    def cycle_in(self, stretch: Stretch, cycle: Cycle | None) -> Cycle:
        """Keep a cycle that began with the anchor or later, or else begin one at the anchor.

        It may begin after the stretch: then the first call of the next one has been offered already.
        """
        if cycle is not None and cycle.started_at >= self.anchor(stretch):
            return cycle
        return Cycle(started_at=self.anchor(stretch), pace=stretch.pace)

    def earliest(self, ring: Ring, cycle: Cycle, stretch: Stretch) -> datetime:
        """Return when the next emission may be due for all that its slot does not say."""
        earliest = self.now + self.lead
        if ring.last_due_at is not None and ring.last_due_at >= stretch.opens_at:
            earliest = max(earliest, ring.last_due_at + spacing(ring, cycle.pace))
        free_at = ring.under(cycle.pace).earliest(self.due_at)
        return earliest if free_at is None else max(earliest, free_at)

    def on_trunk(self, instant: datetime) -> datetime:
        """Return when the trunks can take a call that is due at an instant."""
        return instant if self.trunk is None else self.trunk.earliest(instant)

    def note(self, emission_number: int, due: datetime) -> None:
        self.due_at[emission_number] = due
        if self.trunk is not None:
            self.trunk.take(due)


def emissions_needed(
    state: PacingState, stretches: Sequence[Stretch], *, horizon: timedelta, most: int
) -> tuple[range, ...]:
    """Return the numbers of the emissions whose due instants `plan` wants to see, for the same arguments.

    They are few, however large `most` is: no more than two stretches and their paces leave room for.
    """
    paces = {stretch.pace for stretch in stretches}
    if state.cycle is not None:
        paces.add(state.cycle.pace)
    # A call on either edge of the horizon, and one more where a second stretch of the pace begins.
    room = sum(horizon // pace.shortest_spacing + 2 for pace in paces)
    return state.ring.numbers_needed(paces, most=min(most, room))


def plan(
    state: PacingState,
    *,
    stretches: Sequence[Stretch],
    started_at: datetime,
    due_at: Mapping[int, datetime],
    now: datetime,
    lead: timedelta,
    horizon: timedelta,
    most: int,
    waiting: bool = False,
    trunk: TrunkLoad | None = None,
) -> Plan:
    """Offer the calls that fall due up to `now + horizon`.

    `stretches` are those that have not closed, in order; two are enough. `started_at` is the campaign's last
    start. `due_at` holds the due instants of `emissions_needed`. No due instant lies before `now + lead`, and
    no more than `most` are offered: the rest stays owed. `waiting` says that some number is known to wait, so
    that slots that go by from now on are owed even if none is offered yet. `trunk` is what the trunks have to carry
    already, where they have a rate.

    Raises `EmissionMissing` when `due_at` lacks one that matters.
    """
    if lead >= horizon:
        raise ValueError(f"A lead of {lead} reaches to the horizon of {horizon}: nothing could be offered.")
    look = _Look(
        stretches=stretches,
        started_at=as_utc(started_at),
        due_at=dict(due_at),
        now=as_utc(now),
        lead=lead,
        trunk=None if trunk is None else trunk.slots(),
    )
    dues: list[datetime] = []
    send_before: list[datetime] = []
    states = [_caught_up_with(state, look, waiting=waiting)]
    # If nothing more fits into the stretches given, the next one comes into view when the first closes.
    wake_at = stretches[0].closes_at if stretches else None
    for due, closes_at, after in _emissions(states[0], look):
        if due > look.now + horizon or len(dues) == most:
            wake_at = max(look.now, due - horizon)
            break
        dues.append(due)
        send_before.append(closes_at)
        states.append(after)
    return Plan(
        now=look.now,
        first_emission_number=state.ring.emitted + 1,
        dues=tuple(dues),
        send_before=tuple(send_before),
        states=tuple(states),
        wake_at=wake_at,
    )


def _caught_up_with(state: PacingState, look: _Look, *, waiting: bool) -> PacingState:
    """Return the state in the newest cycle that has begun, without slots that went by while it was idle.

    It is stored even if nothing is offered: from here on a change of pace has to wait for the next cycle. A
    cycle that has yet to begin is not stored before it has a call, because its stretch may still be moved.
    """
    idle = state.idle_since is not None and state.idle_since >= look.started_at
    idle_since = look.now if idle and not waiting else None
    if not look.stretches or look.anchor(look.stretches[0]) > look.now:
        return replace(state, idle_since=idle_since)
    cycle = look.cycle_in(look.stretches[0], state.cycle)
    if look.now >= cycle.started_at + cycle.pace.cycle:
        cycle = cycle.following(look.stretches[0].pace, look.now)
    return replace(state, cycle=cycle.spent_until(look.now) if idle else cycle, idle_since=idle_since)


def _emissions(state: PacingState, look: _Look) -> Iterator[tuple[datetime, datetime, PacingState]]:
    """Yield every due instant that fits, with the end of the time in which it fits, and the state after it."""
    while (found := _next_emission(state, look)) is not None:
        due, closes_at, cycle = found
        ring = state.ring.under(cycle.pace).grown(due)
        state = PacingState(cycle=replace(cycle, next_slot=cycle.next_slot + 1), ring=ring)
        look.note(ring.emitted, due)
        yield due, closes_at, state


def _next_emission(state: PacingState, look: _Look) -> tuple[datetime, datetime, Cycle] | None:
    """Find the first slot from which a call can be due in time, in this cycle or a later one."""
    for stretch in look.stretches:
        cycle = look.cycle_in(stretch, state.cycle)
        while cycle.started_at < stretch.closes_at:
            earliest = look.earliest(state.ring, cycle, stretch)
            if cycle.next_slot < cycle.pace.amount and earliest < cycle.ends_at:
                due = look.on_trunk(max(cycle.next_slot_due_at, earliest))
                if due >= stretch.closes_at:
                    break
                if due < cycle.ends_at:
                    return due, min(cycle.ends_at, stretch.closes_at), cycle
            # What the old pace forbids says nothing about the new one: only time itself skips its cycles.
            cycle = cycle.following(stretch.pace, earliest if cycle.pace == stretch.pace else look.now)
    return None
