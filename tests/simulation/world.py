"""A campaign's world on a virtual clock: two pacers, a dialer, an owner, and a network that notes each INVITE.

The decisions are the real ones of `shared.domain`; what carries them out is a model of the rest, with its ways to
fail. A pacer locks the campaign's row or passes it by, decides, and commits after a while, or never; then it rings,
or never. A dialer hears, leases, waits for the due instant, commits the intent through the gates, and sends, each
a while late; what can no longer be sent in time is withheld, and its number goes back into the line. An outage of
Postgres stops all of them. A freeze stops one process wherever it is; Postgres rolls back who is frozen for too
long in a transaction.

Of all this, the oracle is shown `World.witness` alone: the instants of the INVITEs, in whole microseconds.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from shared.domain.calling_window import Calendar, CallingWindow, OpenInterval, next_open_intervals
from shared.domain.pace import Pace
from shared.domain.pacing import PacingState, Stretch, emissions_needed, plan
from shared.domain.pacing_row import PacingRow

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
NOW = timedelta()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LEAD = 500 * MILLISECOND
HORIZON = 2 * SECOND
#: How late a call may leave.
TOLERANCE = 100 * MILLISECOND
#: Who keeps a transaction open for longer without a word is rolled back.
LONGEST_SILENCE = 2 * SECOND
#: For windows without a pace; none here.
UNPACED = Pace(period_minutes=1, amount=600)
PLENTY = 10**9


def nothing() -> None:
    """Let nothing happen."""


def in_microseconds(instant: datetime) -> int:
    """Return an instant as the witness notes it."""
    return (instant - EPOCH) // MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long things take at most; each time anything from nought to that."""

    transaction: timedelta = 20 * MILLISECOND
    ring: timedelta = 20 * MILLISECOND
    lease: timedelta = 20 * MILLISECOND
    intent: timedelta = 5 * MILLISECOND
    send: timedelta = 2 * MILLISECOND


@dataclass(slots=True, eq=False)
class Process:
    """A pacer or the dialer."""

    #: Frozen, killed and not yet back, or cut off: it does nothing before that.
    down_until: datetime = EPOCH
    #: Rises when it dies: what an earlier life began is never finished.
    life: int = 0
    #: Of a pacer, how often it was told when to look: the last word counts.
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A claimed number and its due instant."""

    due: datetime
    send_by: datetime
    epoch: int
    #: The period to which the pacer says that it belongs: its beginning and its pace.
    period_began_at: datetime
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """What the network saw; `attempt` is for who wants to know what the pacer meant by it."""

    at: int
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transaction:
    """A pacer's look at the campaign's row, which it has locked."""

    pacer: Process
    seen_at: datetime
    epoch: int
    started_at: datetime


@dataclass(eq=False)
class World:
    """Everything that there is, at `now`."""

    calendar: Calendar
    profiles: list[Pace]
    now: datetime
    rng: Random
    delays: Delays = field(default_factory=Delays)
    #: A pacer looks again no sooner than this.
    tick: timedelta = 250 * MILLISECOND
    waiting: int = PLENTY
    invites: list[Invite] = field(default_factory=list)
    #: From when to when the campaign was running; the last may go on.
    runs: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    withheld: int = 0
    pacers: tuple[Process, ...] = field(default_factory=lambda: (Process(), Process()))
    dialer: Process = field(default_factory=Process)
    _row: PacingRow = field(default_factory=lambda: PacingRow.of(PacingState()))
    _due_at: list[datetime] = field(default_factory=list)
    _transaction: Transaction | None = None
    _look_at: datetime | None = None
    _epoch: int = 0
    _events: list[tuple[datetime, int, Callable[[], object]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _intervals: tuple[OpenInterval, ...] = ()

    @property
    def witness(self) -> list[int]:
        """When each INVITE left."""
        return [invite.at for invite in self.invites]

    def run(self, until: datetime) -> None:
        """Let everything happen up to an instant."""
        while self._events and self._events[0][0] <= until:
            self.now, _, happens = heapq.heappop(self._events)
            happens()
        self.now = until

    def later(self, pause: timedelta, happens: Callable[[], object]) -> None:
        """Let something happen after a while."""
        heapq.heappush(self._events, (self.now + pause, next(self._order), happens))

    # What its owner does.

    def start(self) -> None:
        """Start the campaign, if it is not running, as soon as its row is not locked."""
        if self._transaction is not None:
            return self.later(MILLISECOND, self.start)
        if not self._running():
            self.runs.append((self.now, None))
            self._epoch += 1
            self._row = self._row._replace(cycle_started_at=None)
            self._wake()
        return None

    def stop(self, pause: timedelta) -> None:
        """Stop it, and start it again after a while."""
        if self._running():
            self.runs[-1] = (self.runs[-1][0], self.now)
            self._epoch += 1
            self.later(pause, self.start)

    def change_pace(self, profile: int, pace: Pace) -> None:
        """Change a profile: it counts from the next period on."""
        self.profiles[profile] = pace
        self._changed()

    def change_windows(self, windows: tuple[CallingWindow, ...]) -> None:
        """Change the hours: at once, so that nothing that was planned before may ring."""
        self.calendar = replace(self.calendar, windows=windows)
        self._epoch += 1
        self._changed()

    def have_waiting(self, numbers: int) -> None:
        """Have so many numbers in line, and no more."""
        self.waiting = numbers

    # What befalls it.

    def freeze(self, process: Process, length: timedelta) -> None:
        """Let a process do nothing for a while, and then go on where it was."""
        process.down_until = max(process.down_until, self.now + length)

    def kill(self, process: Process, length: timedelta) -> None:
        """Kill a process; another one takes its place after a while."""
        process.life += 1
        self.freeze(process, length)
        if self._transaction is not None and self._transaction.pacer is process:
            self._transaction = None
        if process in self.pacers:
            self._look_in(NOW, process)

    def cut_off(self, length: timedelta) -> None:
        """Take Postgres away for a while: every transaction is lost."""
        self.freeze(self.dialer, length)
        for pacer in self.pacers:
            self.kill(pacer, length)

    # The pacers.

    def _look_in(self, pause: timedelta, pacer: Process) -> None:
        pacer.told += 1
        told = pacer.told
        self._do(pacer, pause, lambda: self._look(pacer) if pacer.told == told else None)

    def _look(self, pacer: Process) -> None:
        if self._look_at is None:
            return  # until it is woken
        if self._look_at > self.now:
            self._look_in(max(self.tick, self._look_at - self.now), pacer)
        elif self._transaction is not None:
            self._look_in(self.tick, pacer)  # the row is locked: skipped
        else:
            self._decide(pacer)

    def _decide(self, pacer: Process) -> None:
        transaction = self._transaction = Transaction(
            pacer=pacer, seen_at=self.now, epoch=self._epoch, started_at=self.runs[-1][0]
        )
        # A pacer that is frozen for too long finds its transaction rolled back, and the row with another.
        self.later(LONGEST_SILENCE, lambda: self._roll_back(transaction))
        self._do(pacer, self._a_while(self.delays.transaction), lambda: self._commit(transaction))

    def _roll_back(self, transaction: "Transaction") -> None:
        if self._transaction is transaction:
            self._transaction = None

    def _commit(self, transaction: "Transaction") -> None:
        pacer = transaction.pacer
        if self._transaction is transaction:
            attempts = self._claim(transaction)
            self._transaction = None
            self._do(
                pacer,
                self._a_while(self.delays.ring),
                lambda: self._ring(attempts),
                lambda: self._withhold(len(attempts)),
            )
        self._look_in(self.tick, pacer)

    def _claim(self, transaction: "Transaction") -> list[Attempt]:
        state, stretches = self._row.state(), self._stretches(transaction.seen_at)
        if not stretches:
            self._look_at = None
            return []
        needed = emissions_needed(state, stretches, horizon=HORIZON, most=50)
        offer = plan(
            state,
            stretches=stretches,
            started_at=transaction.started_at,
            due_at={number: self._due_at[number - 1] for numbers in needed for number in numbers},
            now=transaction.seen_at,
            lead=LEAD,
            horizon=HORIZON,
            most=50,
        )
        assert offer.first_emission_number == len(self._due_at) + 1
        claimed = min(self.waiting, len(offer.dues))
        self.waiting -= claimed
        settled = offer.settle(claimed)
        self._row, self._look_at = PacingRow.of(settled.state), settled.wake_at
        self._due_at.extend(offer.dues[:claimed])
        return [
            self._planned(due, until, after, transaction.epoch)
            for due, until, after in zip(
                offer.dues[:claimed], offer.send_before, offer.states[1:], strict=False
            )
        ]

    def _planned(self, due: datetime, until: datetime, state: PacingState, epoch: int) -> Attempt:
        assert state.cycle is not None
        return Attempt(
            due=due,
            send_by=min(due + TOLERANCE, until - MICROSECOND),
            epoch=epoch,
            period_began_at=state.cycle.started_at,
            pace=state.cycle.pace,
        )

    def _stretches(self, seen_at: datetime) -> list[Stretch]:
        if not self._intervals or self._intervals[0].closes_at <= seen_at:
            self._intervals = next_open_intervals(self.calendar, seen_at, most=2)
        return [
            Stretch(opens_at=each.opens_at, closes_at=each.closes_at, pace=self.profiles[each.window.key])
            for each in self._intervals
        ]

    # The dialer.

    def _ring(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            self._dial(attempt, self._a_while(self.delays.lease), self._lease)

    def _lease(self, attempt: Attempt) -> None:
        wait = max(NOW, attempt.due - self.now) + self._a_while(self.delays.intent)
        self._dial(attempt, wait, self._intend)

    def _intend(self, attempt: Attempt) -> None:
        if self._running() and attempt.epoch == self._epoch and self.now <= attempt.send_by:
            self._dial(attempt, self._a_while(self.delays.send), self._send)
        else:
            self._withhold()

    def _send(self, attempt: Attempt) -> None:
        if self.now <= attempt.send_by:
            self.invites.append(Invite(at=in_microseconds(self.now), attempt=attempt))
        else:
            self._withhold()

    def _withhold(self, attempts: int = 1) -> None:
        self.waiting += attempts
        self.withheld += attempts

    # How time passes.

    def _running(self) -> bool:
        return bool(self.runs) and self.runs[-1][1] is None

    def _changed(self) -> None:
        self._intervals = ()
        if self._running():
            self._wake()

    def _wake(self) -> None:
        self._look_at = self.now
        for pacer in self.pacers:
            self._look_in(NOW, pacer)

    def _a_while(self, longest: timedelta) -> timedelta:
        return self.rng.randrange(longest // MICROSECOND + 1) * MICROSECOND

    def _do(
        self,
        process: Process,
        pause: timedelta,
        step: Callable[[], object],
        otherwise: Callable[[], object] = nothing,
    ) -> None:
        """Let a process do something after a while, or as soon as it is up; or something else, if it dies before."""
        life = process.life

        def when_up() -> None:
            if process.life != life:
                otherwise()
            elif process.down_until > self.now:
                self.later(process.down_until - self.now, when_up)
            else:
                step()

        self.later(pause, when_up)

    def _dial(self, attempt: Attempt, pause: timedelta, step: Callable[[Attempt], None]) -> None:
        """Let the dialer do something; the number of a dialer that dies is back in line soon."""
        self._do(self.dialer, pause, lambda: step(attempt), self._withhold)
