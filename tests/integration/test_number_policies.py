"""What tenants may call and as whom, on a real Postgres: said by an operator, kept at the upload and at the gate."""

from typing import TYPE_CHECKING

import pytest

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.number_policies import PostgresNumberPolicies
from shared.domain.campaign import Dialect
from shared.domain.errors import NotFound
from shared.domain.gate import GateFacts, verdict, words
from shared.domain.number_policy import UNTOUCHED, NumberPolicy
from shared.domain.phone_list import parse_json_entries
from shared.domain.retry import Withheld
from shared.ports.dialing import Intent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.domain.phone_list import Row
    from shared.ports.campaigns import TakenIn
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRICT = "UPDATE tenant SET verified_callers_only = true WHERE tenant_id = $1"
VERIFY = "INSERT INTO verified_caller (tenant_id, e164) VALUES ($1, $2)"


async def listed(*lines: str) -> "AsyncIterator[Sequence[Row]]":
    """Return lines as an upload brings them."""
    yield parse_json_entries(list(lines))


async def upload(store: "Store", tenant_id: int, *lines: str) -> "TakenIn":
    """Send a list to a new campaign."""
    campaign_id = await store.campaign(tenant_id)
    return await store.campaigns.add_numbers(tenant_id, Dialect.PLUM, campaign_id, listed(*lines))


async def test_an_operator_says_it_and_reads_it_back(store: "Store") -> None:
    """What is left out stays as it was; every change is in the audit log of the tenant."""
    tenant_id = await store.tenant()
    name = await store.one("SELECT name FROM tenant WHERE tenant_id = $1", tenant_id)
    async with Database.opened(store.url, role="paceline_admin", size=1) as database:
        await said_and_read_back(PostgresNumberPolicies(database), name)
    changes = "SELECT object_type, action FROM audit_log WHERE tenant_id = $1 ORDER BY audit_id"
    audited = [tuple(row) for row in await store.sql(changes, tenant_id)]
    assert audited[-4:] == [
        ("tenant", "update"), ("tenant", "update"), ("verified_caller", "insert"), ("verified_caller", "delete"),
    ]  # fmt: skip


async def said_and_read_back(policies: PostgresNumberPolicies, name: str) -> None:
    """Change a tenant's policy step by step."""
    assert await policies.policy(name) == UNTOUCHED
    await policies.change(name, countries=["CA", "US"])
    await policies.change(name, premium=True, verified_only=True)
    await policies.verify(name, "+12025550199")
    await policies.verify(name, "+12025550199")
    assert await policies.policy(name) == NumberPolicy(
        countries=frozenset({"US", "CA"}), premium=True, verified=frozenset({"+12025550199"})
    )
    await policies.forget(name, "+12025550199")
    assert await policies.verified(name) == []
    with pytest.raises(NotFound, match="caller-id list"):
        await policies.forget(name, "+12025550199")
    with pytest.raises(NotFound, match="no tenant called nobody"):
        await policies.change("nobody", premium=True)


async def test_an_upload_refuses_what_is_not_allowed_line_by_line(store: "Store") -> None:
    """With a sentence for each; the other lines are taken."""
    tenant_id = await store.tenant()
    await store.sql("UPDATE tenant SET countries = '{US}' WHERE tenant_id = $1", tenant_id)
    taken = await upload(
        store, tenant_id, "+12025550100,a", "+442079460000,b", "+19005550100", "+19115550100"
    )
    assert (taken.accepted, taken.refused) == (1, 3)
    assert [line.text for line in taken.refused_lines] == ["+442079460000,b", "+19005550100", "+19115550100"]
    told = [line.reason for line in taken.refused_lines]
    assert ["a number of GB" in told[0], "premium-rate" in told[1], "emergency" in told[2]] == [True] * 3


async def test_an_upload_refuses_a_caller_id_that_is_not_verified(store: "Store") -> None:
    """Of the line, else the campaign's; another tenant's number is not ours; no caller id is the trunk's."""
    tenant_id, other = await store.tenant(), await store.tenant()
    await store.sql(STRICT, tenant_id)
    await store.sql(VERIFY, tenant_id, "+12025550199")
    await store.sql(VERIFY, other, "+12025550198")
    lines = "+12025550100", "+12025550101;ani=+12025550199", "+12025550102;ani=+12025550198"
    taken = await upload(store, tenant_id, *lines)
    assert (taken.accepted, [line.line_no for line in taken.refused_lines]) == (2, [3])
    assert "+12025550198 is not verified" in taken.refused_lines[0].reason
    campaign_id = await store.campaign(tenant_id)
    await store.sql("UPDATE campaign SET caller_id = '+12025550197' WHERE campaign_id = $1", campaign_id)
    taken = await store.campaigns.add_numbers(tenant_id, Dialect.PLUM, campaign_id, listed(*lines))
    assert [line.line_no for line in taken.refused_lines] == [1, 3]


@pytest.mark.parametrize(
    ("line", "change", "reason", "told"),
    [
        ("+442079460000", "UPDATE tenant SET countries = '{US}'", Withheld.NOT_ALLOWED, "a number of GB"),
        ("+19005550100", "UPDATE tenant SET premium_allowed = false", Withheld.NOT_ALLOWED, "premium-rate"),
        (
            "+12025550100;ani=+12025550198", "UPDATE tenant SET verified_callers_only = true",
            Withheld.UNVERIFIED_CALLER, "+12025550198 is not verified",
        ),
    ],
)  # fmt: skip
async def test_the_gate_keeps_to_the_policy_of_this_moment(
    store: "Store", line: str, change: str, reason: Withheld, told: str
) -> None:
    """What was taken in under another policy is not dialled; the facts say why in words."""
    tenant_id = await store.tenant()
    await store.sql("UPDATE tenant SET premium_allowed = true WHERE tenant_id = $1", tenant_id)
    leased = await store.leased(await store.planned(line, tenant_id=tenant_id))
    assert leased.policy == NumberPolicy(premium=True)
    await store.sql(f"{change} WHERE tenant_id = $1", tenant_id)
    facts = await store.attempts().commit_intent(leased, "fence")
    assert isinstance(facts, GateFacts)
    assert verdict(facts) is reason
    assert told in words(reason, facts, None)


async def test_a_service_s_code_is_dialled_for_nobody(store: "Store") -> None:
    """Not even where a line of an older release stands in the campaign and premium numbers are allowed."""
    tenant_id = await store.tenant()
    await store.sql("UPDATE tenant SET premium_allowed = true WHERE tenant_id = $1", tenant_id)
    job = await store.planned(tenant_id=tenant_id)
    await store.sql("UPDATE number SET e164 = '+19115550100' WHERE tenant_id = $1", tenant_id)
    facts = await store.attempts().commit_intent(await store.leased(job), "fence")
    assert isinstance(facts, GateFacts)
    assert verdict(facts) is Withheld.NOT_ALLOWED


async def test_what_is_allowed_and_verified_is_dialled(store: "Store") -> None:
    """Under the strictest policy; another tenant's policy is its own."""
    tenant_id, other = await store.tenant(), await store.tenant()
    await store.sql(STRICT, tenant_id)
    await store.sql(VERIFY, tenant_id, "+12025550199")
    await store.sql("UPDATE tenant SET countries = '{US}' WHERE tenant_id = $1", tenant_id)
    await store.sql(
        "UPDATE tenant SET countries = '{GB}', verified_callers_only = true WHERE tenant_id = $1", other
    )
    for line in ("+12025550100;ani=+12025550199", "+12025550101"):
        leased = await store.leased(await store.planned(line, tenant_id=tenant_id))
        assert isinstance(await store.attempts().commit_intent(leased, "fence"), Intent)
