"""No row of one tenant is seen or touched for another: every table, every role, whatever the statement."""

# ruff: noqa: S608 - the statements are made of the schema's own names

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from shared.adapters.postgres.tenants import create_token, token_hash
from shared.domain.retry import BackInLine, Withheld

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The tables in which a role sees every tenant, because its work has no tenant; all others show it one or none.
CROSS_TENANT: dict[str, set[str]] = {
    "paceline_admin": {"tenant", "api_token", "hold"},
    "paceline_api": set(),
    "paceline_dialer": set(),
    "paceline_deliverer": {"tenant", "delivery", "delivery_try", "receiver_circuit", "receiver_disabled"},
    "paceline_pacer": {
        "attempt", "batch", "blocklist", "callee", "callee_zones", "campaign", "campaign_pacing", "campaign_queue",
        "campaign_window", "delivery", "hold", "live_call", "number", "outcome_count", "pacing_profile", "result",
        "schedule", "tenant_turn",
    },
}  # fmt: skip
ROLES = tuple(CROSS_TENANT)


@dataclass
class Two:
    """Two tenants, each with a row in every table."""

    store: "Store"
    ours: int
    theirs: int

    @asynccontextmanager
    async def acting(self, role: str, tenant_id: int | None) -> AsyncIterator[asyncpg.Connection]:
        """Open a transaction of a role, for a tenant or for none; it is rolled back."""
        async with self.store.session(role) as connection:
            transaction = connection.transaction()
            await transaction.start()
            if tenant_id is not None:
                await connection.execute(f"SET LOCAL app.tenant = '{tenant_id}'")
            yield connection
            await transaction.rollback()

    async def tables_seen(self, connection: asyncpg.Connection, *tenant_ids: int) -> set[str]:
        """Return the tables in which rows of any of these tenants are seen."""
        seen = set()
        for table in self.store.tables:
            if await _count(connection, f"SELECT * FROM {table} WHERE tenant_id = ANY($1)", list(tenant_ids)):
                seen.add(table)
        return seen


async def _count(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    """Return how many rows a statement has; none where it is not permitted at all."""
    try:
        async with connection.transaction():
            return len(await connection.fetch(statement, *arguments))
    except asyncpg.InsufficientPrivilegeError:
        return 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(module_store: "Store") -> Two:
    """Two tenants with rows in every table, which no test changes."""
    await module_store.empty()
    tenants = [await _furnished(module_store) for _ in range(2)]
    return Two(module_store, *tenants)


async def _furnished(store: "Store") -> int:
    """Make a tenant that has a row in every table there is."""
    token = await create_token(
        store.url,
        tenant=f"tenant {await store.one('SELECT count(*) FROM tenant')}",
        name="n",
        sealer=store.sealer,
    )
    tenant_id = await store.campaigns.tenant_of(token_hash(token))
    done = await store.concluded(tenant_id=tenant_id)
    await store.dialing(await store.planned("+12025550101,live", tenant_id=tenant_id))
    refused = await store.leased(await store.planned("+12025550102,back", tenant_id=tenant_id))
    await store.attempts().withhold(refused, Withheld.SHUTDOWN, BackInLine())
    key = tenant_id, done.job.campaign_id
    await store.sql("INSERT INTO refused_line VALUES ($1, $2, 1, 7, 'nobody', 'no number')", *key)
    await store.sql(
        "INSERT INTO callee_zones (tenant_id, campaign_id, zones_no, zones) VALUES ($1, $2, 1, '{UTC}')", *key
    )
    await store.sql("INSERT INTO blocklist (tenant_id, e164) VALUES ($1, '+12025550109')", tenant_id)
    await store.sql("INSERT INTO verified_caller (tenant_id, e164) VALUES ($1, '+12025550108')", tenant_id)
    await store.sql("INSERT INTO tenant_turn (tenant_id, served) VALUES ($1, 1)", tenant_id)
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES ($1, 'why')", tenant_id)
    await store.sql(
        "INSERT INTO receiver_disabled (tenant_id, url, reason) VALUES ($1, 'https://x', 'why')", tenant_id
    )
    await store.sql(
        "INSERT INTO receiver_circuit (tenant_id, origin, state, window_began_at, samples, failures, times_opened)"
        " VALUES ($1, 'https://x:443', 'CLOSED', clock_timestamp(), 1, 1, 0)",
        tenant_id,
    )
    await store.sql(
        "INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no) VALUES ($1, $2, $3, 1)",
        *key, done.number_id,
    )  # fmt: skip
    await store.sql("INSERT INTO numbers_taken VALUES ($1, '2026-11-21', 1)", tenant_id)
    await store.sql(
        "INSERT INTO idempotency_key (tenant_id, key, fingerprint, status, content_type)"
        " VALUES ($1, 'k', sha256('x'), 200, 'text/plain')",
        tenant_id,
    )
    return tenant_id


async def test_every_table_of_tenants_has_rows_of_both(two: Two) -> None:
    """Else the tests below would show nothing."""
    for tenant_id in (two.ours, two.theirs):
        assert await two.tables_seen(two.store.superuser, tenant_id) == set(two.store.tables)


async def test_every_table_of_tenants_forces_its_policies(two: Two) -> None:
    """Each is under row-level security for everybody, its owner included, and has a policy by tenant."""
    unguarded = await two.store.sql(
        "SELECT c.relname FROM pg_class c WHERE c.relname = ANY($1)"
        " AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR NOT EXISTS ("
        "   SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname AND p.qual LIKE '%app.tenant%'))",
        list(two.store.tables),
    )
    assert unguarded == []


async def test_no_role_is_above_the_policies_and_none_owns_a_table(two: Two) -> None:
    """A process takes one of these roles, and none of them could switch row-level security off."""
    roles = await two.store.sql(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin AS mighty,"
        " EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid AND relpersistence <> 't') AS owner"
        " FROM pg_roles r WHERE rolname LIKE 'paceline\\_%' ORDER BY rolname"
    )
    assert [tuple(row) for row in roles] == [(role, False, False) for role in sorted(ROLES)]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_sees_another_tenant_s_rows_only_where_its_work_has_no_tenant(
    two: Two, role: str
) -> None:
    """In a transaction of one tenant the other's rows are not there."""
    async with two.acting(role, two.ours) as connection:
        assert await two.tables_seen(connection, two.theirs) == CROSS_TENANT[role]


@pytest.mark.parametrize("role", ROLES)
async def test_without_a_tenant_a_role_sees_nothing(two: Two, role: str) -> None:
    """A transaction that forgot to name its tenant is empty-handed, before any tenant was named and after."""
    async with two.store.session(role) as connection:
        assert await two.tables_seen(connection, two.ours, two.theirs) == CROSS_TENANT[role]
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.tenant = '{two.ours}'")
        assert await connection.fetchval("SELECT current_setting('app.tenant', true)") == ""
        assert await two.tables_seen(connection, two.ours, two.theirs) == CROSS_TENANT[role]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_changes_and_deletes_nothing_of_another_tenant(two: Two, role: str) -> None:
    """An update or a delete that names the other tenant finds no row, or is not permitted at all."""
    touched = set()
    async with two.acting(role, two.ours) as connection:
        for table in two.store.tables:
            column = await _a_column_to_change(two.store, role, table)
            statements = [f"DELETE FROM {table} WHERE tenant_id = $1 RETURNING 1"]
            if column is not None:
                statements.append(f"UPDATE {table} SET {column} = {column} WHERE tenant_id = $1 RETURNING 1")
            for statement in statements:
                if await _count(connection, statement, two.theirs):
                    touched.add(table)
    assert touched <= CROSS_TENANT[role]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gives_another_tenant_no_row(two: Two, role: str) -> None:
    """Neither a new one nor one of its own: whatever else the row lacks, whose it would be is refused first."""
    async with two.acting(role, two.ours) as connection:
        for table in sorted(set(two.store.tables) - CROSS_TENANT[role]):
            insert = f"INSERT INTO {table} (tenant_id) OVERRIDING SYSTEM VALUE VALUES ($1)"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await _execute(connection, insert, two.theirs)
            if table == "tenant":
                continue  # an identity cannot be changed by anybody
            move = f"UPDATE {table} SET tenant_id = $1 WHERE tenant_id = $2"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await _execute(connection, move, two.theirs, two.ours)


async def test_the_owner_is_bound_too(two: Two) -> None:
    """Somebody who owns every table and is no superuser sees one tenant, or nothing."""
    async with two.store.session() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("CREATE ROLE an_owner")
        for table in two.store.tables:
            await connection.execute(f"ALTER TABLE {table} OWNER TO an_owner")
        await connection.execute("SET LOCAL ROLE an_owner")
        assert await two.tables_seen(connection, two.ours, two.theirs) == set()
        await connection.execute(f"SET LOCAL app.tenant = '{two.ours}'")
        assert await two.tables_seen(connection, two.ours) == set(two.store.tables)
        assert await two.tables_seen(connection, two.theirs) == set()
        await transaction.rollback()


async def test_everybody_sees_the_holds_of_the_platform_and_nobody_may_change_them(two: Two) -> None:
    """They bind all tenants; a process of a tenant can neither lift nor add one."""
    await two.store.sql("INSERT INTO hold (tenant_id, reason) VALUES (0, 'carrier maintenance')")
    try:
        for role in ("paceline_api", "paceline_dialer"):
            async with two.acting(role, two.ours) as connection:
                assert await _count(connection, "SELECT 1 FROM hold WHERE tenant_id = 0") == 1
                release = "UPDATE hold SET released_at = clock_timestamp() WHERE tenant_id = 0 RETURNING 1"
                assert await _count(connection, release) == 0
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await _execute(connection, "INSERT INTO hold (tenant_id, reason) VALUES (0, 'mine')")
    finally:
        await two.store.sql("DELETE FROM hold WHERE tenant_id = 0")


async def test_a_token_that_is_presented_shows_its_own_row_alone(two: Two) -> None:
    """Looked up before anybody knows whose it is: a hash shows the row that has it, and anything else shows none."""
    [first, second] = await two.store.sql("SELECT tenant_id, secret_hash FROM api_token ORDER BY tenant_id")
    async with two.acting("paceline_api", None) as connection:
        for row in (first, second):
            await connection.execute(
                "SELECT set_config('app.token_hash', $1, true)", row["secret_hash"].hex()
            )
            seen = await connection.fetch("SELECT tenant_id FROM api_token")
            assert [each["tenant_id"] for each in seen] == [row["tenant_id"]]
            assert await two.tables_seen(connection, two.ours, two.theirs) == {"api_token"}
        for nothing in ("", "00" * 32):
            await connection.execute("SELECT set_config('app.token_hash', $1, true)", nothing)
            assert await connection.fetch("SELECT 1 FROM api_token") == []
    for role in ("paceline_dialer", "paceline_pacer", "paceline_deliverer"):
        async with two.acting(role, None) as connection:
            await connection.execute(
                "SELECT set_config('app.token_hash', $1, true)", first["secret_hash"].hex()
            )
            assert await _count(connection, "SELECT 1 FROM api_token") == 0


async def _a_column_to_change(store: "Store", role: str, table: str) -> str | None:
    """Return a column of the table that the role may write; None where it may write none."""
    column: str | None = await store.one(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = $2 AND is_generated = 'NEVER' AND is_identity = 'NO'"
        " AND column_name <> 'tenant_id' AND has_column_privilege($1, table_name, column_name, 'UPDATE') LIMIT 1",
        role,
        table,
    )
    return column


async def _execute(connection: asyncpg.Connection, statement: str, *arguments: object) -> None:
    async with connection.transaction():
        await connection.execute(statement, *arguments)
