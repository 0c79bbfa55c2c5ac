"""What is known when a run is over: the witnesses' records beside the platform's own."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import asyncpg

from shared.clock import epoch_seconds
from shared.domain.fence import fence_of
from tests.chaos.customer import ChaosCampaign
from tests.chaos.faults import Injected
from tests.chaos.fleet import Ended
from tests.chaos.instants import now
from tests.chaos.stage import Stage
from tests.chaos.witnesses import Call, WebhookWitness

_ATTEMPTS: Final = """
SELECT a.tenant_id, a.campaign_id, a.number_id, a.attempt_id, a.epoch, a.state::text, a.outcome, a.worker,
       a.withheld_because, n.e164,
       extract(epoch FROM a.due_at)::float8 AS due_at, extract(epoch FROM a.send_by)::float8 AS send_by,
       extract(epoch FROM a.intent_at)::float8 AS intent_at, extract(epoch FROM a.ended_at)::float8 AS ended_at
FROM attempt a JOIN number n USING (tenant_id, campaign_id, number_id)
ORDER BY a.attempt_id
"""
UNKNOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt as Postgres has it; instants are the machine's monotonic clock."""

    campaign_id: int
    number_id: int
    attempt_id: int
    epoch: int
    state: str
    outcome: int | None
    #: The dialer that held it last.
    process: int | None
    withheld_because: str | None
    e164: str
    due_at: float
    send_by: float
    intent_at: float | None
    ended_at: float | None


@dataclass(kw_only=True)
class Evidence:
    """All of it."""

    key: bytes
    #: What is to be taken from seconds since 1970 to get an instant.
    ago: float
    attempts: Sequence[Attempt]
    calls: Sequence[Call]
    webhooks: WebhookWitness
    campaigns: Sequence[ChaosCampaign]
    injected: Sequence[Injected]
    ended: Sequence[Ended]
    logs: Mapping[str, str]
    results: int
    states: Mapping[str, int]

    @classmethod
    async def of(cls, stage: Stage, injected: Sequence[Injected]) -> "Evidence":
        """Gather it from a stage that is quiet."""
        # Two looks at the clocks with nothing in between, which the largest difference had.
        ago = max(epoch_seconds() - now() for _ in range(5))
        (results,) = await stage.sql("SELECT count(*) FROM result")
        states = await stage.sql("SELECT state::text, count(*) FROM number GROUP BY state")
        return cls(
            key=stage.key_file.read_bytes(),
            ago=ago,
            attempts=[_attempt(row, ago) for row in await stage.sql(_ATTEMPTS)],
            calls=stage.telephony.look(),
            webhooks=stage.webhooks,
            campaigns=stage.campaigns,
            injected=injected,
            ended=stage.fleet.ended,
            logs=stage.fleet.logs(),
            results=results["count"],
            states={row["state"]: row["count"] for row in states},
        )

    @cached_property
    def attempt_of(self) -> dict[str, Attempt]:
        """Every fence that any lease of any attempt can have had, worked out anew from the key."""
        return {
            fence_of(self.key, attempt_id=attempt.attempt_id, epoch=epoch): attempt
            for attempt in self.attempts
            for epoch in range(1, attempt.epoch + 1)
        }

    @cached_property
    def calls_of(self) -> dict[int, list[Call]]:
        """The calls that the network saw, by attempt."""
        found: dict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            attempt = self.attempt_of.get(call.fence)
            if attempt is not None:
                found[attempt.attempt_id].append(call)
        return found

    def lateness(self) -> Iterator[tuple[Attempt, float, float]]:
        """Yield each attempt that was called, and how long after its due and its latest instant, in seconds."""
        for call in self.calls:
            attempt = self.attempt_of.get(call.fence)
            if attempt is not None:
                sent_at = call.sent_epoch_seconds - self.ago  # the loops' own clock counts in milliseconds
                yield attempt, sent_at - attempt.due_at, sent_at - attempt.send_by

    def reporting(self) -> Iterator[float]:
        """Yield, for each call that was reported, the seconds from its end in the network to its end in Postgres."""
        for call in self.calls:
            attempt = self.attempt_of.get(call.fence)
            if attempt is None or call.ended_at is None or attempt.ended_at is None:
                continue
            if attempt.outcome != UNKNOWN:
                yield attempt.ended_at - call.ended_at

    @property
    def unknown(self) -> list[Attempt]:
        """The attempts that ended as Unknown."""
        return [attempt for attempt in self.attempts if attempt.outcome == UNKNOWN]

    def log_lines(self) -> list[dict[str, Any]]:
        """Every line of every log; what is not JSON, a traceback for example, is one `{"raw": …}` as far as it goes."""
        return [{"process": name, **line} for name, log in self.logs.items() for line in _lines(log)]


def _attempt(row: asyncpg.Record, ago: float) -> Attempt:
    worker: str | None = row["worker"]
    return Attempt(
        campaign_id=row["campaign_id"],
        number_id=row["number_id"],
        attempt_id=row["attempt_id"],
        epoch=row["epoch"],
        state=row["state"],
        outcome=row["outcome"],
        process=int(worker.rpartition("-")[2]) if worker else None,
        withheld_because=row["withheld_because"],
        e164=row["e164"],
        due_at=row["due_at"] - ago,
        send_by=row["send_by"] - ago,
        intent_at=None if row["intent_at"] is None else row["intent_at"] - ago,
        ended_at=None if row["ended_at"] is None else row["ended_at"] - ago,
    )


def _lines(log: str) -> Iterator[dict[str, Any]]:
    words = re.compile(r"^(?=\{|(?:WARNING|ERROR|CRITICAL) )", re.MULTILINE)
    for piece in filter(None, words.split(log)):
        yield json.loads(piece) if piece.startswith("{") and piece.count("\n") == 1 else {"raw": piece}
