"""The same walk on the real SQL: after every step each row must stand where the tables say.

And the walk is put to the test: with a statement that is a little wrong, it must come upon an order of steps in which
that tells.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import asyncpg
import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from typing_extensions import override

from shared.adapters.postgres import conclusions
from shared.adapters.postgres.queries import queries
from shared.adapters.sealing.sealer import Sealer
from shared.domain.errors import IllegalTransition
from tests.chaos.model.machine import RoadMachine
from tests.chaos.model.postgres_mirror import PostgresMirror, Walkground
from tests.chaos.model.walks import search, walk

#: As many as end within half a minute on a busy machine. One that fails is shrunk.
WALKS = settings(
    max_examples=50, stateful_step_count=30, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
#: Walks like those that find nothing wrong must find what is; nobody needs the shortest.
SEARCH = settings(parent=WALKS, phases=[Phase.generate], report_multiple_bugs=False, print_blob=False)


@pytest.fixture
def ground(database_url: str, key_file: Path) -> Iterator[Walkground]:
    """The database of all walks, on one loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ground = Walkground(runner.get_loop(), database_url, Sealer.from_key_file(key_file))
        yield ground
        ground.close()


def machine_on(ground: Walkground) -> type[RoadMachine]:
    """Return the machine whose mirror is Postgres."""

    class OnPostgres(RoadMachine):
        met: ClassVar[Counter[str]] = Counter()

        @override
        def make_mirror(self) -> PostgresMirror:
            return PostgresMirror(ground)

    return OnPostgres


def test_the_sql_carries_the_tables_out(ground: Walkground) -> None:
    """After every step every row of Postgres is the model's, and after the last everything recovers."""
    walk(machine_on(ground), WALKS)


#: Statements that are a little wrong: the file, the statement, what is taken out, and what stands there instead.
WRONG: Final = {
    "an intent looks at no epoch": ("dialing", "commit_intent", "AND a.epoch = $4", "AND $4::integer > 0"),
    "an intent looks at no lease": ("dialing", "commit_intent", "clock_timestamp() < a.lease_until", "true"),
    "an intent looks at no stop": (
        "dialing", "commit_intent", "c.state = 'RUNNING' AND c.epoch = a.campaign_epoch", "true",
    ),
    "a campaign that runs again lets old attempts pass": (
        "dialing", "commit_intent", "AND c.epoch = a.campaign_epoch", "",
    ),
    "a sign of life is anybody's": ("dialing", "renew_leases", "a.epoch = held.epoch AND", ""),
    "a report comes too late for a lost call": ("dialing", "end_attempt", ", 'UNKNOWN')", ")"),
    "an attempt is given back by anybody": (
        "dialing", "withhold_attempt", "AND epoch = $4", "AND $4::integer > 0",
    ),
    "a withheld attempt keeps its number": (
        "dialing", "withhold_attempt", "l.attempt_id = w.attempt_id", "false",
    ),
    "a lost call is planned again": (
        "reaping", "quarantine_lost_calls", "state = 'UNKNOWN'", "state = 'PLANNED'",
    ),
    "a result stands without its delivery": (
        "dialing", "conclude_number", "WHERE $13::text IS NOT NULL", "WHERE $13 = ''",
    ),
    "a post is settled by anybody": ("delivering", "settle_delivery", "AND epoch = $4", "AND $4::integer > 0"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_statement_that_is_a_little_wrong_is_found_out(
    ground: Walkground, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walks come upon an order of steps in which the mistake tells."""
    file, name, right, wrong = WRONG[mistake]
    statement = queries(file)[name]
    assert statement.count(right) == 1
    monkeypatch.setitem(queries(file), name, statement.replace(right, wrong))
    monkeypatch.setattr(conclusions, "_CONCLUDE", queries("dialing")["conclude_number"])
    with pytest.raises((AssertionError, IllegalTransition, asyncpg.PostgresError)):
        search(machine_on(ground), SEARCH)
