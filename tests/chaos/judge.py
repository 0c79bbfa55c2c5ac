"""The verdict on a run: what must be nought is counted from the witnesses, and never from the dialer's own word."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tests.chaos.evidence import Attempt, Evidence
from tests.chaos.faults import Kind
from tests.chaos.stage import LONGEST_CALL_SECONDS, QUARANTINE_SECONDS, RING_SECONDS
from tests.chaos.witnesses import Call

#: Two readings of the same clock by two processes, and a loop that counts in milliseconds.
CLOCK_SECONDS: Final = 0.002
#: A process that is frozen between its last look at the clock and the INVITE itself is late by no fault of ours;
#: no such freeze is as short as this, and none of the other reasons to be late is as long.
LATE_SECONDS: Final = 0.25
#: "Effective within one second."
STOP_SECONDS: Final = 1.0
#: From the end of a call, or from its intent, to the write that the end of its dialer cut off: milliseconds, and
#: seconds where a dozen processes want two processors.
REPORT_SECONDS: Final = 5.0
#: A call whose dialer died is over when the network ends it.
LONGEST_SECONDS: Final = RING_SECONDS + LONGEST_CALL_SECONDS
SHOWN: Final = 5
#: Libraries that tell of a server's absence with a traceback: a pool that could not refill itself, and a worker to
#: whom a Redis that does not answer is unheard of. Both try again.
_NOISE: Final = ("WARNING asyncpg.pool ", "CRITICAL dramatiq.worker.")


@dataclass(kw_only=True)
class Charge:
    """One thing that must not have happened, with every case of it."""

    name: str
    cases: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Tell whether it happened."""
        return bool(self.cases)


def charges(evidence: Evidence) -> list[Charge]:
    """Judge."""
    return [Charge(name=name, cases=list(find(evidence))) for name, find in _CHARGES.items()]


def _fences_twice(evidence: Evidence) -> Iterator[str]:
    for fence, invites in Counter(call.fence for call in evidence.calls).items():
        if invites > 1:
            yield f"{fence}: {invites} INVITEs"


def _attempts_twice(evidence: Evidence) -> Iterator[str]:
    for attempt_id, calls in evidence.calls_of.items():
        if len(calls) > 1:
            yield f"attempt {attempt_id}: {len(calls)} INVITEs"


def _nobodys(evidence: Evidence) -> Iterator[str]:
    for call in evidence.calls:
        if call.fence not in evidence.attempt_of:
            yield f"{call.fence} to {call.e164}"


def _rang_though_withheld(evidence: Evidence) -> Iterator[str]:
    for attempt in evidence.attempts:
        if attempt.state not in {"DONE", "UNKNOWN"} and evidence.calls_of.get(attempt.attempt_id):
            yield f"attempt {attempt.attempt_id} is {attempt.state} ({attempt.withheld_because})"


def _too_often(evidence: Evidence) -> Iterator[str]:
    allowed: Counter[str] = Counter()
    for campaign in evidence.campaigns:
        allowed += campaign.calls_allowed()
    for e164, calls in Counter(call.e164 for call in evidence.calls).items():
        if calls > allowed[e164]:
            yield f"{e164}: {calls} calls, {allowed[e164]} allowed"


def _overlapping(evidence: Evidence) -> Iterator[str]:
    by_number: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(evidence.calls, key=lambda call: call.sent_at):
        by_number[call.e164].append(call)
    for e164, calls in by_number.items():
        for one, following in pairwise(calls):
            if following.sent_at < _over_at(one):
                yield f"{e164}: {one.fence} until {_over_at(one):.3f}, {following.fence} at {following.sent_at:.3f}"


def _over_at(call: Call) -> float:
    latest = call.sent_at + LONGEST_SECONDS
    return latest if call.ended_at is None else min(latest, call.ended_at)


def _out_of_turn(evidence: Evidence) -> Iterator[str]:
    for attempt, after_due, after_latest in evidence.lateness():
        if after_due < -CLOCK_SECONDS:
            yield f"attempt {attempt.attempt_id}: {-after_due:.4f} s before it was due"
        if after_latest > LATE_SECONDS:
            yield f"attempt {attempt.attempt_id}: {after_latest:.3f} s after its latest instant"


def _after_a_stop(evidence: Evidence) -> Iterator[str]:
    stopped = {campaign.campaign_id: campaign.stopped for campaign in evidence.campaigns}
    for call, attempt in _explained(evidence):
        for begin, end in stopped.get(attempt.campaign_id, ()):
            if begin + STOP_SECONDS < call.sent_at < end:
                yield f"attempt {attempt.attempt_id}: {call.sent_at - begin:.3f} s after the stop"


def _explained(evidence: Evidence) -> Iterator[tuple[Call, Attempt]]:
    for call in evidence.calls:
        attempt = evidence.attempt_of.get(call.fence)
        if attempt is not None:
            yield call, attempt


def _acknowledged(evidence: Evidence) -> list[str]:
    return [line.reference for campaign in evidence.campaigns for line in campaign.acknowledged]


def _numbers_lost(evidence: Evidence) -> Iterator[str]:
    wanted = len(_acknowledged(evidence))
    if evidence.states != {"FINAL": wanted} or evidence.results != wanted:
        yield f"{wanted} numbers were acknowledged; {evidence.states} and {evidence.results} results are there"


def _results_lost(evidence: Evidence) -> Iterator[str]:
    for reference in _acknowledged(evidence):
        if reference not in evidence.webhooks.by_reference:
            yield f"{reference} was accepted, and no result came"


def _results_of_nobody(evidence: Evidence) -> Iterator[str]:
    yield from sorted(set(evidence.webhooks.by_reference) - set(_acknowledged(evidence)))


def _differing_duplicates(evidence: Evidence) -> Iterator[str]:
    for reference, posts in evidence.webhooks.by_reference.items():
        if len({(post.webhook_id, post.digest) for post in posts}) > 1:
            yield f"{reference}: {posts}"
    owners: dict[str, set[str]] = defaultdict(set)
    for post in evidence.webhooks.posts:
        owners[post.webhook_id].add(post.reference)
    yield from (f"{webhook_id} is of {found}" for webhook_id, found in owners.items() if len(found) > 1)


def _inexplicable(evidence: Evidence) -> Iterator[str]:
    for attempt in evidence.unknown:
        if why_unknown(evidence, attempt) is None:
            yield f"{attempt}, calls {evidence.calls_of.get(attempt.attempt_id)}"


def why_unknown(evidence: Evidence, attempt: Attempt) -> str | None:
    """Say by which fault an attempt came to end as Unknown; None when no fault can have done it."""
    calls = evidence.calls_of.get(attempt.attempt_id)
    last_seen, story, live = attempt.intent_at or 0.0, "killed before the INVITE left", False
    if calls and calls[-1].ended_at is None:
        last_seen, story, live = calls[-1].sent_at, "killed during the call", True
    elif calls and calls[-1].ended_at is not None:
        last_seen, story = calls[-1].ended_at, "killed before the end was written"
    for fault in evidence.injected:
        if fault.pid is None or fault.pid != attempt.process:
            continue
        if fault.kind is Kind.KILL_DIALER:
            if (
                live
                or fault.at - last_seen <= REPORT_SECONDS
                or _held_up(evidence, attempt.process, last_seen, fault.at)
            ):
                return story
        elif fault.kind is Kind.STOP_DIALER:
            continue  # it hangs up and records
        elif fault.until >= (attempt.intent_at or 0.0) + QUARANTINE_SECONDS - REPORT_SECONDS:
            return "frozen until it had been given up"
    return None


def _held_up(evidence: Evidence, process: int | None, since: float, until: float) -> bool:
    """Tell whether a write that was due may have waited: for Postgres, or because its dialer was frozen."""
    return any(
        fault.at <= until and fault.until >= since - REPORT_SECONDS
        for fault in evidence.injected
        if fault.kind in {Kind.CRASH_POSTGRES, Kind.CRASH_POSTGRES_AFTER_COMMITS}
        or (fault.pid is not None and fault.pid == process and fault.kind is not Kind.KILL_DIALER)
    )


def in_flight(evidence: Evidence) -> int:
    """Count, fault by fault, the calls in the hands of the dialer that was killed or frozen.

    By the network alone: those under way, and those that had ended so shortly before, or while nothing could be
    written, that the dialer cannot have written it.
    """
    return sum(
        sum(call.process == fault.pid and _in_hand(evidence, call, fault.at) for call in evidence.calls)
        for fault in evidence.injected
        if fault.pid is not None and fault.name.startswith("dialer") and fault.kind is not Kind.STOP_DIALER
    )


def _in_hand(evidence: Evidence, call: Call, at: float) -> bool:
    if call.is_live(at):
        return True
    if call.ended_at is None or call.ended_at > at:
        return False
    written_by = call.ended_at + REPORT_SECONDS
    return at <= written_by or _held_up(evidence, call.process, call.ended_at, written_by)


def _more_unknown_than_in_flight(evidence: Evidence) -> Iterator[str]:
    rang = [attempt for attempt in evidence.unknown if evidence.calls_of.get(attempt.attempt_id)]
    if len(rang) > (most := in_flight(evidence)):
        yield f"{len(rang)} calls ended Unknown, {most} were in flight"


def _broke(evidence: Evidence) -> Iterator[str]:
    for line in evidence.log_lines():
        raw = str(line.get("raw", ""))
        if line.get("level") in {"error", "critical"} or ("Traceback" in raw and not raw.startswith(_NOISE)):
            yield f"{line['process']}: {raw or line}"[:200] + "..." + raw[-800:]


def _ended_unasked(evidence: Evidence) -> Iterator[str]:
    for end in evidence.ended:
        if not end.killed and end.was_ready:
            yield f"{end.name} ({end.pid}) ended with {end.status}: {evidence.logs[end.name][-500:]}"


_CHARGES: Final[dict[str, Callable[[Evidence], Iterator[str]]]] = {
    "Call-IDs that were sent twice": _fences_twice,
    "attempts rung twice": _attempts_twice,
    "calls that belong to no attempt": _nobodys,
    "attempts that rang and are recorded as withheld": _rang_though_withheld,
    "numbers called more often than their lists allow": _too_often,
    "numbers with overlapping calls": _overlapping,
    "calls before their instant or after their latest one": _out_of_turn,
    "calls more than a second after a stop": _after_a_stop,
    "acknowledged numbers that are not final": _numbers_lost,
    "results lost": _results_lost,
    "results of numbers that nobody sent": _results_of_nobody,
    "duplicates with another id or other bytes": _differing_duplicates,
    "Unknown that no fault explains": _inexplicable,
    "more Unknown than calls in flight": _more_unknown_than_in_flight,
    "error lines in the logs": _broke,
    "processes that ended unasked": _ended_unasked,
}
