"""The places where a process may die at the worst moment, each with a name, so that a test can make it die there.

A crash that a test leaves to chance falls between two statements about never. Each point below stands where
something was done and what must follow was not: `PACELINE_FAILPOINT=CP6:kill:3` kills the process by SIGKILL when
it passes CP6 for the third time, `CP6:pause:0.5` holds it there for half a second at every pass, `CP6:raise` fails
every pass. Every pass of the named point is logged, so that a test can show that it was there.

It is no setting: it has no use but to break a process, so it is neither in the table of settings nor documented
for operators, and nothing is armed in a process whose environment does not name a point when it starts. What is
not armed costs a comparison with None.
"""

import asyncio
import logging
import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from shared.domain.errors import PacelineError

VARIABLE: Final = "PACELINE_FAILPOINT"

#: A point that lies inside a library's call (a request was sent, no answer came) strikes so long after its line:
#: enough for a request on a loopback, too short for a receiver that takes its time to answer.
SOON_SECONDS: Final = 0.25

#: A value that cannot be read is shown this far.
_SHOWN_CHARACTERS: Final = 40

_log = logging.getLogger(__name__)


class Failpoint(StrEnum):
    """Where a process may die, in the order of a number's road."""

    UPLOAD_COMMITTED = "CP0"  # API: the list is stored, its client has no answer
    UPLOAD_STAGED_IN_PART = "CP1"  # API: some lines of a list were copied
    SLOTS_COMMITTED = "CP2"  # pacer: attempts are planned, nobody was told
    RUNG = "CP3"  # pacer: Redis has the jobs, nobody fetched them
    RING_HEARD = "CP4"  # dialer, on the doorbell's thread: fetched from Redis, never handed over
    LEASED = "CP5"  # dialer: holds attempt and number
    INTENT_COMMITTED = "CP6"  # dialer: may send, has not
    INVITE_SENT = "CP7"  # dialer: nothing came back yet
    RINGING = "CP8"  # dialer: the far end alerts, and Postgres knows
    APPLICATION_ASKED = "CP9"  # dialer: answered, and the start_url has not answered
    IN_CALL = "CP10"  # dialer: the callee listens
    CALL_OVER = "CP11"  # dialer: the call has ended, its result is not written
    RESULT_COMMITTED = "CP12"  # dialer: written, the deliverer was not woken
    WEBHOOK_SENT = "CP13"  # deliverer: the body has left, no answer came
    WEBHOOK_ANSWERED = "CP14"  # deliverer: 2xx came, and was not written down
    REAPED_IN_PART = "CP15"  # pacer: the reaper has ended some attempts of its batch
    SLOTS_RESERVED = "CP16"  # pacer: numbers are claimed, the pacing has not moved on
    STOP_NOT_COMMITTED = "CP17"  # API: a campaign is being stopped under its calls


class BadFailpoint(PacelineError):
    """PACELINE_FAILPOINT cannot be read; nothing was started."""

    def __init__(self, written: str) -> None:
        self.written = written
        super().__init__(
            f"{VARIABLE} cannot be read: {written[:_SHOWN_CHARACTERS]!r}. Write CP6:kill, CP6:kill:3, CP6:pause:0.5"
            " or CP6:raise, with a point from CP0 to CP17."
        )


class FailpointRaised(PacelineError):
    """A test asked this process to fail here (PACELINE_FAILPOINT)."""


@dataclass(slots=True, kw_only=True)
class _Armed:
    """The one point that is armed in this process."""

    point: Failpoint
    action: str
    #: The pass at which to kill.
    at_pass: int = 1
    seconds: float = 0.0
    passes: int = 0

    def passed(self) -> float:
        """Do what is due at this pass; returns how many seconds are to be waited."""
        self.passes += 1
        _log.warning("%s %s, pass %d: %s", self.point, self.point.name, self.passes, self.action)
        if self.action == "kill" and self.passes == self.at_pass:
            _kill()
        if self.action == "raise":
            raise FailpointRaised
        return self.seconds


_armed: _Armed | None = None

_WRITTEN = re.compile(
    r"(?P<point>CP[0-9]{1,2}):(?:(?P<kill>kill)(?::(?P<at_pass>[1-9][0-9]{0,5}))?"
    r"|(?P<pause>pause):(?P<seconds>[0-9]{1,4}(?:\.[0-9]{1,3})?)|(?P<raise>raise))"
)


def arm(environment: Mapping[str, str]) -> None:
    """Arm what the environment names, or nothing; raises BadFailpoint for what cannot be read. Called once."""
    global _armed  # noqa: PLW0603 - one per process, set before it serves
    written = environment.get(VARIABLE)
    _armed = _read(written) if written else None


async def failpoint(point: Failpoint) -> None:
    """Pass a point: nothing happens, unless it is armed."""
    if _armed is not None and _armed.point is point:
        await asyncio.sleep(_armed.passed())


def failpoint_in_thread(point: Failpoint) -> None:
    """Pass a point on a thread that has no loop."""
    if _armed is not None and _armed.point is point:
        time.sleep(_armed.passed())


def failpoint_soon(point: Failpoint) -> None:
    """Pass a point that lies inside the call which follows this line; kills only, nobody else is there to be hit."""
    if _armed is not None and _armed.point is point:
        asyncio.get_running_loop().call_later(SOON_SECONDS, _armed.passed)


def _read(written: str) -> _Armed:
    match = _WRITTEN.fullmatch(written)
    if match is None or match["point"] not in set(Failpoint):
        raise BadFailpoint(written)
    return _Armed(
        point=Failpoint(match["point"]),
        action=match["kill"] or match["pause"] or match["raise"],
        at_pass=int(match["at_pass"] or 1),
        seconds=float(match["seconds"] or 0),
    )


def _kill() -> NoReturn:
    """End as by a power failure: nothing is flushed, closed or said goodbye to."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived.")
