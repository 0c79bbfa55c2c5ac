"""The invariants asked of a live database: one moment, in nobody's way, and within a time."""

import os
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.adapters.postgres import invariants
from shared.adapters.postgres.database import Database, DatabaseAway
from shared.adapters.postgres.invariants import INVARIANTS, ROLE, PostgresInvariants, Unasked
from shared.ports.invariants import Finding, Offender

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Far more than these databases take.
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def patient_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with something else is no Postgres that is frozen."""
    monkeypatch.setattr(invariants, "SILENCE_SECONDS", PATIENCE_SECONDS)


def _invariants(store: "Store") -> PostgresInvariants:
    return PostgresInvariants(store.databases["pacer"])


async def _asked(store: "Store", *, most: int = 10) -> dict[str, Finding]:
    findings = _invariants(store).check(most=most, within_seconds=PATIENCE_SECONDS)
    return {finding.invariant.name: finding async for finding in findings}


async def test_every_invariant_is_asked_in_its_turn(store: "Store") -> None:
    """Each is found once, in the order of the file, and holds where nothing has happened."""
    findings = await _asked(store)
    assert [finding.invariant for finding in findings.values()] == list(INVARIANTS)
    assert all(finding.holds for finding in findings.values())


async def test_a_finding_counts_all_and_names_the_first(store: "Store") -> None:
    """Of seven offenders over two tenants it says seven, and names as many as were asked for, in order."""
    lines = [f"+120255501{number:02},r" for number in range(7)]
    first, second = await store.tenant(), await store.tenant()
    keys = [(t, await store.campaign(t, *some)) for t, some in ((second, lines[:3]), (first, lines[3:]))]
    await store.sql("UPDATE number SET tries = 1")
    ids = {
        key: await store.sql("SELECT number_id FROM number WHERE campaign_id = $1", key[1]) for key in keys
    }
    named = [
        Offender(tenant_id=t, campaign_id=c, id=row["number_id"])
        for (t, c) in reversed(keys)
        for row in sorted(ids[t, c])
    ]
    for most in (1, 5, 100):
        finding = (await _asked(store, most=most))["tries_are_calls"]
        assert (finding.total, finding.offenders) == (7, tuple(named[:most]))
        assert not finding.holds


async def test_what_is_broken_twice_over_counts_once(store: "Store") -> None:
    """A live call under another number breaks both halves of an invariant, and is one offender."""
    leased = await store.dialing()
    await store.sql("UPDATE live_call SET e164 = '+12025550999'")
    finding = (await _asked(store))["one_live_call_per_number"]
    assert (finding.total, [offender.id for offender in finding.offenders]) == (1, [leased.job.attempt_id])


async def test_all_is_asked_of_one_moment(store: "Store") -> None:
    """What is committed after the first question is in none of the answers, and is in those of the next check."""
    await store.planned()
    async with aclosing(_invariants(store).check(most=1, within_seconds=PATIENCE_SECONDS)) as findings:
        await anext(findings)
        await store.sql("UPDATE number SET tries = 7")
        await store.sql("DELETE FROM attempt")
        assert all([finding.holds async for finding in findings])
    broken = {name for name, finding in (await _asked(store)).items() if not finding.holds}
    assert broken == {"one_attempt_at_a_time", "tries_are_calls", "emissions_are_known"}


async def test_a_check_stands_in_nobody_s_way(store: "Store") -> None:
    """Half through it holds no lock that reading does not need, and has written nothing."""
    await store.concluded()
    async with aclosing(_invariants(store).check(most=1, within_seconds=PATIENCE_SECONDS)) as findings:
        async for finding in findings:
            if finding.invariant.name == "numbers_are_conserved":
                break
        asking = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NULL"
        )
        [row] = await store.sql(asking)
        locks = await store.sql(
            "SELECT DISTINCT mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation'", row["pid"]
        )
        assert [lock["mode"] for lock in locks] == ["AccessShareLock"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_long_list_of_blocked_numbers_counts_from_its_end(store: "Store", *, together: bool) -> None:
    """A call while the list was taken in broke nothing; one after a list that was complete did."""
    leased = await store.dialing()
    block = (
        "INSERT INTO blocklist (tenant_id, e164, created_at)"
        " SELECT $1, * FROM unnest($2::text[], $3::timestamptz[])"
    )
    intended = (await store.attempt(leased.job))["intent_at"]
    rows = [
        (leased.e164, intended - timedelta(seconds=5)),
        ("+12025550999", intended + timedelta(seconds=5)),
    ]
    for some in [rows] if together else [[row] for row in rows]:
        await store.sql(block, leased.job.tenant_id, *map(list, zip(*some, strict=True)))
    assert (await _asked(store))["no_call_after_an_opt_out"].holds is together


async def test_a_check_that_takes_too_long_says_what_is_not_proven(store: "Store") -> None:
    """A table that cannot be read holds it up for its time only, and no longer."""
    async with store.session() as owner, owner.transaction():
        await owner.execute("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(
            Unasked, match=r"not all asked within 0\.2 s \(one_invite_per_attempt is unknown\)"
        ):
            await anext(aiter(_invariants(store).check(most=1, within_seconds=0.2)))
    assert (await _asked(store)).keys() == {invariant.name for invariant in INVARIANTS}


async def test_a_database_of_another_version_is_told_to_be_migrated(store: "Store") -> None:
    """A column or table that is not there is no proof of anything, and no defect either."""
    await store.sql("ALTER TABLE delivery RENAME COLUMN webhook_id TO hook")
    try:
        with pytest.raises(Unasked, match=re.escape("run `paceline migrate`")):
            await _asked(store)
    finally:
        await store.sql("ALTER TABLE delivery RENAME COLUMN hook TO webhook_id")


async def test_a_database_that_is_lost_meanwhile_is_away(store: "Store") -> None:
    """When Postgres ends the connection between two questions, the check ends as not made."""
    database = await Database.connect(store.url, role=ROLE, size=1)
    try:
        async with aclosing(
            PostgresInvariants(database).check(most=1, within_seconds=PATIENCE_SECONDS)
        ) as findings:
            await anext(findings)
            await store.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
            with pytest.raises(DatabaseAway):
                await anext(findings)
    finally:
        await database.close()


async def test_a_database_that_freezes_meanwhile_is_away(
    store: "Store", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Postgres that keeps the connection and says nothing holds nobody up for ever, not even for a rollback."""
    monkeypatch.setattr(invariants, "SILENCE_SECONDS", 0.2)
    database = await Database.connect(store.url, role=ROLE, size=1)
    try:
        findings, pid = await _half_way(store, database)
        async with aclosing(findings):
            os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises(DatabaseAway):
                    await anext(findings)
            finally:
                os.kill(pid, signal.SIGCONT)
    finally:
        await database.close()


async def _half_way(store: "Store", database: Database) -> tuple[AsyncGenerator[Finding, None], int]:
    """Begin a check that has little time, and more where a busy machine needs it; returns it and whom it asks."""
    for within_seconds in (0.5, 5.0, 50.0):
        findings = PostgresInvariants(database).check(most=1, within_seconds=within_seconds)
        with suppress(Unasked, DatabaseAway):
            await anext(findings)
            return findings, await store.one(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
    raise AssertionError("Not one invariant was asked in fifty seconds.")
