"""Every named query, against the real schema, in the role that runs it."""

import asyncpg
import pytest

from shared.adapters.postgres.queries import queries

#: Which role runs which file.
ROLES = {
    "callee_hours": "paceline_pacer",
    "campaign_changes": "paceline_api",
    "campaign_plans": "paceline_api",
    "campaigns": "paceline_api",
    "delivering": "paceline_deliverer",
    "delivery_desk": "paceline_api",
    "dialing": "paceline_dialer",
    "audit": "paceline_api",
    "blocklist": "paceline_api",
    "daily_numbers": "paceline_api",
    "number_policies": "paceline_admin",
    "once": "paceline_api",
    "tokens": "paceline_api",
    "caps": "paceline_pacer",
    "holds": "paceline_api",
    "planning": "paceline_pacer",
    "reaping": "paceline_pacer",
    "result_feed": "paceline_api",
    "tenant_caps": "paceline_admin",
    "tenants": "paceline_admin",
    "totals": "paceline_pacer",
    "trunk_administration": "paceline_admin",
    "trunk_places": "paceline_dialer",
    "trunks": "paceline_dialer",
    "campaign_records": "paceline_api",
    "number_history": "paceline_api",
    "rehearsals": "paceline_api",
    "undoing": "paceline_api",
    "uploads": "paceline_api",
}
#: Run by themselves: they are no statements that a plan can be made for.
UNPLANNED = {
    "hold_on", "make_staging", "make_blocklist_staging", "allow_a_long_upload", "allow_a_long_blocklist",
    "allow_a_long_park", "allow_a_long_replay", "claim_without_nested_loops", "plan_as_usual",
    "wait_for_the_steps", "conclude_without_nested_loops",
}  # fmt: skip
#: What the statements of a file stage their rows in, and where that is made.
STAGING = {
    "uploads": ("uploads", "make_staging"),
    "rehearsals": ("uploads", "make_staging"),
    "blocklist": ("blocklist", "make_blocklist_staging"),
}
QUERIES = [(file, name) for file in ROLES for name in queries(file)]


@pytest.mark.parametrize(("file", "name"), QUERIES)
async def test_a_query_is_valid_and_permitted(module_database_url: str, file: str, name: str) -> None:
    """It parses, its columns exist, and its role may do what it does."""
    connection = await asyncpg.connect(module_database_url, server_settings={"role": ROLES[file]})
    try:
        if file in STAGING:
            owner, statement = STAGING[file]
            await connection.execute(queries(owner)[statement])
        if name in UNPLANNED:
            async with connection.transaction():
                await connection.execute(queries(file)[name])
            return
        prepared = await connection.prepare(queries(file)[name])
        await connection.execute(f"PREPARE planned AS {queries(file)[name]}")
        nothing = ", ".join("NULL" for _ in prepared.get_parameters())
        await connection.fetch(f"EXPLAIN EXECUTE planned{f'({nothing})' if nothing else ''}")
    finally:
        await connection.close()


@pytest.mark.parametrize("file", ROLES)
def test_a_query_says_what_it_is_for(file: str) -> None:
    """A file without statements, or a statement that starts with a comment, is a slip of the format."""
    assert queries(file)
    assert not any(statement.startswith("--") for statement in queries(file).values())
