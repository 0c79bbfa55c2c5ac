"""Who is called next: a campaign's line in memory, as the pacer's claim takes it from Postgres.

Whoever waits for another try comes first, in the order of their instants, as soon as these are not after the first of
the calls to be claimed. Then come the others by batch and line. Where a campaign keeps to callees' hours there is one
line for each set of time zones, and a claim looks only into those that are open from its first call to its last.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import NamedTuple

from shared.domain.callee_hours import CalleeClock, CalleeHours, OpenSpan, next_open_span


class NumberInLine(NamedTuple):
    """A number that is to be called; a million of them are held, so it is small."""

    number_id: int
    e164: str
    #: Calls to it before now.
    tries: int
    #: Which set of time zones it is at home in; None where callees' hours are not kept.
    zones_no: int | None = None
    #: Not before then; None: in line.
    next_at: datetime | None = None


class Line:
    """All numbers that are to be called and are in no attempt; they must come in the order of batch and line."""

    def __init__(
        self,
        numbers: Iterable[NumberInLine],
        *,
        hours: CalleeHours | None = None,
        zones: Mapping[int, tuple[str, ...]] | None = None,
    ) -> None:
        self._hours = hours
        self._zones = zones or {}
        self._queues: dict[int | None, _Queue] = {}
        self._places = count()
        self._length = 0
        for number in numbers:
            self.add(number)

    def __len__(self) -> int:
        return self._length

    @property
    def anybody_waits_for_an_instant(self) -> bool:
        """Whether some number's next call may not be before an instant."""
        return any(queue.waiting for queue in self._queues.values())

    def clock_of(self, number: NumberInLine) -> CalleeClock | None:
        """Return the clocks that are kept to for a number; None where it is called at any time."""
        if self._hours is None or number.zones_no is None:
            return None
        return CalleeClock(hours=self._hours, zones=self._zones[number.zones_no])

    def add(self, number: NumberInLine) -> None:
        """Put a number behind all others that are like it."""
        zones_no = None if self._hours is None else number.zones_no
        if zones_no not in self._queues:
            self._queues[zones_no] = _Queue(self.clock_of(number))
        self._queues[zones_no].add(number, next(self._places))
        self._length += 1

    def claim(self, dues: Sequence[datetime]) -> list[NumberInLine]:
        """Take a number for each of these instants, as long as there are any."""
        if not dues:
            return []
        open_queues = [queue for queue in self._queues.values() if queue.is_open(dues[0], dues[-1])]
        taken = list(_first(open_queues, len(dues), not_after=dues[0]))
        self._length -= len(taken)
        return taken

    def next_at(self, now: datetime) -> datetime | None:
        """Return when the first number may be called; None where nobody is left, or by no hours within two days."""
        found = (at for queue in self._queues.values() for at in queue.next_ats(now))
        return min(found, default=None)


class _Queue:
    """The numbers of one set of time zones."""

    def __init__(self, clock: CalleeClock | None) -> None:
        self._clock = clock
        self._span: OpenSpan | None = None
        self.ready: deque[tuple[int, NumberInLine]] = deque()
        self.waiting: list[tuple[datetime, int, NumberInLine]] = []

    def add(self, number: NumberInLine, place: int) -> None:
        if number.next_at is None:
            self.ready.append((place, number))
        else:
            heapq.heappush(self.waiting, (number.next_at, place, number))

    def is_open(self, first: datetime, last: datetime) -> bool:
        """Tell whether its clocks allow all calls from the first to the last."""
        if self._clock is None or not (self.ready or self.waiting):
            return True
        if self._span is None or first >= self._span.closes_at:
            self._span = next_open_span(self._clock, first)
        return self._span is not None and self._span.holds(first) and self._span.holds(last)

    def next_ats(self, now: datetime) -> Iterator[datetime]:
        wanted = [now] if self.ready else []
        if self.waiting:
            wanted.append(self.waiting[0][0])
        for at in wanted:
            if self._clock is None:
                yield at
            elif (span := next_open_span(self._clock, max(at, now))) is not None:
                yield max(at, span.opens_at)


def _first(queues: Sequence[_Queue], most: int, *, not_after: datetime) -> Iterator[NumberInLine]:
    """Yield the first numbers of all queues together, and take them out."""
    taken = 0
    while taken < most:
        waiting = [queue for queue in queues if queue.waiting and queue.waiting[0][0] <= not_after]
        if not waiting:
            break
        yield heapq.heappop(min(waiting, key=_first_instant).waiting)[2]
        taken += 1
    while taken < most:
        in_line = [queue for queue in queues if queue.ready]
        if not in_line:
            break
        yield min(in_line, key=_first_place).ready.popleft()[1]
        taken += 1


def _first_instant(queue: _Queue) -> tuple[datetime, int]:
    return queue.waiting[0][:2]


def _first_place(queue: _Queue) -> int:
    return queue.ready[0][0]
