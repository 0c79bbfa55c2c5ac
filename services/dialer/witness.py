"""What a dialer counts about its calls: it sees every one of them and decides nothing."""

from collections import Counter
from typing import Final

from shared.clock import utc_now
from shared.domain.retry import Withheld
from shared.observability.metrics import (
    ANSWER_TIME_MS,
    ATTEMPTS_WITHHELD,
    CALL_LATENESS_MS,
    CALLS_IN_CONVERSATION,
    CALLS_IN_PROGRESS,
    CALLS_PLACED,
    CALLS_RINGING,
)
from shared.observability.tally import Tally
from shared.ports.dialing import LeasedAttempt
from shared.ports.scoreboard import Scoreboard
from shared.telephony.port import Answered, CallEvent, LiveCall, Ringing

_MS_PER_SECOND: Final = 1000


class CallWitness:
    """Sees every call of this process."""

    def __init__(self, scoreboard: Scoreboard, tally: Tally) -> None:
        self._scoreboard = scoreboard
        self._tally = tally
        self._phases: dict[int, str] = {}

    def placed(self, leased: LeasedAttempt, live: LiveCall) -> None:
        """Note an INVITE and how late it left."""
        self._tally.count(CALLS_PLACED)
        self._scoreboard.bump_minute(leased.job.tenant_id, leased.job.campaign_id, utc_now())
        self._scoreboard.observe(CALL_LATENESS_MS, (live.sent_at - leased.due) * _MS_PER_SECOND)
        self._enter(leased, "dialing")

    def saw(self, leased: LeasedAttempt, event: CallEvent, *, seconds: float) -> None:
        """Note a step of a call, so many seconds after its INVITE."""
        if isinstance(event, Ringing):
            self._enter(leased, "ringing")
        elif isinstance(event, Answered):
            self._scoreboard.observe(ANSWER_TIME_MS, seconds * _MS_PER_SECOND)
            self._enter(leased, "conversation")

    def over(self, leased: LeasedAttempt) -> None:
        """Note the end of a call."""
        self._phases.pop(leased.job.attempt_id, None)
        self._measure()

    def withheld(self, reason: Withheld) -> None:
        """Note an attempt that was no call."""
        self._tally.count(ATTEMPTS_WITHHELD, reason.name.lower())

    def _enter(self, leased: LeasedAttempt, phase: str) -> None:
        self._phases[leased.job.attempt_id] = phase
        self._measure()

    def _measure(self) -> None:
        phases = Counter(self._phases.values())
        self._tally.measure(CALLS_IN_PROGRESS, len(self._phases))
        self._tally.measure(CALLS_RINGING, phases["ringing"])
        self._tally.measure(CALLS_IN_CONVERSATION, phases["conversation"])
