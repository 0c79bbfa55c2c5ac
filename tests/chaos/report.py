"""What a trial says when it is over: what was done to the platform, what it did, and whether it kept its word."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.evidence import Evidence
from tests.chaos.judge import SHOWN, Charge, in_flight, why_unknown
from tests.chaos.observer import Observer

_WIDTH: Final = 62


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rows to be printed, and the charges that hold."""

    rows: Sequence[tuple[str, object]]
    charges: Sequence[Charge]

    @property
    def is_clean(self) -> bool:
        """Tell whether every promise was kept."""
        return not any(charge.holds for charge in self.charges)

    def text(self) -> str:
        """Return the tables, and the first cases of every charge that holds."""
        lines = [f"{name:<{_WIDTH}} {value}" for name, value in self.rows]
        lines += [
            "",
            "what must be nought",
            *(f"{one.name:<{_WIDTH}} {len(one.cases)}" for one in self.charges),
        ]
        for charge in self.charges:
            lines += [f"  {charge.name}: {case}" for case in charge.cases[:SHOWN]]
        return "\n".join(lines)


def report_of(
    evidence: Evidence,
    verdict: Sequence[Charge],
    observer: Observer,
    *,
    seed: int,
    seconds: float,
    rest_seconds: float,
) -> Report:
    """Put the figures of a run together."""
    injected = Counter(fault.kind.value for fault in evidence.injected)
    states = Counter(attempt.state for attempt in evidence.attempts)
    withheld = Counter(attempt.withheld_because for attempt in evidence.attempts if attempt.withheld_because)
    why = Counter(why_unknown(evidence, attempt) or "no fault explains it" for attempt in evidence.unknown)
    posts = evidence.webhooks.posts
    answers: Counter[str] = Counter()
    for customer in {id(campaign.customer): campaign.customer for campaign in evidence.campaigns}.values():
        answers += customer.answers
    return Report(
        rows=[
            ("seed", seed),
            ("seconds in all", round(seconds)),
            ("  of which at rest", round(rest_seconds)),
            *((f"fault: {kind}", count) for kind, count in sorted(injected.items())),
            ("numbers acknowledged", sum(len(campaign.acknowledged) for campaign in evidence.campaigns)),
            ("attempts", len(evidence.attempts)),
            *((f"  {state}", count) for state, count in sorted(states.items())),
            *((f"  withheld: {reason}", count) for reason, count in withheld.most_common()),
            ("INVITEs that the network saw", len(evidence.calls)),
            ("calls in flight in killed and frozen dialers", in_flight(evidence)),
            ("attempts that ended Unknown", len(evidence.unknown)),
            *((f"  {reason}", count) for reason, count in why.most_common()),
            ("results posted", len(posts)),
            ("  of which again", len(posts) - len({post.webhook_id for post in posts})),
            ("  taken without an answer", evidence.webhooks.dropped),
            ("API answers by status", dict(sorted(answers.items()))),
            ("looks by API, in Postgres", (observer.api_looks, observer.sql_looks)),
            ("ms from the due instant to the INVITE", _spread(due for _, due, _ in evidence.lateness())),
            ("ms from the end of a call to its result in Postgres", _spread(evidence.reporting())),
        ],
        charges=verdict,
    )


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    """Return what a person wants to know of many durations, in milliseconds."""
    found = sorted(1000 * duration for duration in seconds)
    shares = {"first": 0.0, "median": 0.5, "99 %": 0.99, "last": 1.0}
    return {
        name: round(found[min(len(found) - 1, int(share * len(found)))], 1)
        for name, share in shares.items()
        if found
    }
