"""Caps over the pace on a real Postgres: who is bounded by what, and how scarce room is shared out."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.adapters.postgres.database import Database
from shared.adapters.postgres.tenant_caps import PostgresTenantCaps
from shared.domain.errors import NotFound
from shared.domain.pace import Pace
from shared.ports.tenant_caps import TenantCap

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A hundred calls a second: one tick has more than a hundred slots in sight.
FAST = Pace(period_minutes=1, amount=6000)


async def running(store: "Store", count: int, *, tenant_id: int | None = None) -> int:
    """Start a campaign of so many numbers that nobody else has; returns its id."""
    tenant_id = tenant_id or await store.tenant()
    first = await store.one("SELECT count(*) FROM number")
    lines = [f"+1202555{number:04},r{number}" for number in range(first, first + count)]
    return await store.campaign(tenant_id, *lines, pace=FAST)


async def claimed(store: "Store", campaigns: list[int], *, rounds: int) -> list[int]:
    """Let each campaign have so many looks, in turn; returns how many calls each has claimed."""
    for _ in range(rounds):
        for campaign_id in campaigns:
            await store.tick(campaign_id)
    return [
        await store.one("SELECT count(*) FROM attempt WHERE campaign_id = $1", campaign_id)
        for campaign_id in campaigns
    ]


async def test_equal_campaigns_share_scarce_room_equally(store: "Store") -> None:
    """The first to look takes what there is, and what comes free then is the others' until they are even."""
    await store.dialer(capacity=12)
    tenant_id = await store.tenant()
    campaigns = [await running(store, 40, tenant_id=tenant_id) for _ in range(3)]
    assert await claimed(store, campaigns, rounds=2) == [12, 0, 0]
    await store.dialer(capacity=42)
    assert await claimed(store, campaigns, rounds=2) == [22, 10, 10]
    assert await store.one("SELECT sum(wants) FROM campaign_pacing") > 0


async def test_tenants_come_before_campaigns(store: "Store") -> None:
    """One with a single campaign gets as much as one with three."""
    await store.dialer(capacity=0)
    crowded = await store.tenant()
    campaigns = [
        await running(store, 40),
        *[await running(store, 40, tenant_id=crowded) for _ in range(3)],
    ]
    await claimed(store, campaigns, rounds=1)
    await store.dialer(capacity=36)
    assert await claimed(store, campaigns, rounds=3) == [18, 6, 6, 6]


async def test_who_wants_nothing_more_leaves_the_queue(store: "Store") -> None:
    """A campaign that was stopped, held or emptied while it waited keeps no room from the others."""
    await store.dialer(capacity=0)
    first, second = await running(store, 40), await running(store, 40)
    await claimed(store, [first, second], rounds=1)
    await store.sql("UPDATE campaign SET state = 'STOPPED' WHERE campaign_id = $1", first)
    await store.dialer(capacity=10)
    assert await claimed(store, [first, second], rounds=1) == [0, 10]


async def test_a_tenant_s_cap_holds_for_all_its_campaigns(store: "Store") -> None:
    """Ten at a time, however many campaigns it starts; another tenant takes the rest."""
    await store.dialer(capacity=100)
    capped = await store.tenant()
    name = await store.one("SELECT name FROM tenant WHERE tenant_id = $1", capped)
    database = await Database.connect(store.url, role="paceline_admin", size=1)
    caps = PostgresTenantCaps(database)
    await caps.set(name, 10)
    campaigns = [
        await running(store, 40, tenant_id=capped),
        await running(store, 40, tenant_id=capped),
        await running(store, 90),
    ]
    calls = await claimed(store, campaigns, rounds=2)
    assert calls[0] + calls[1] == 10
    assert calls[2] == 90
    assert await caps.standing() == [TenantCap(tenant=name, calls_at_once=10, under_way=10)]
    await caps.set(name, None)
    assert await caps.standing() == []
    with pytest.raises(NotFound, match="no tenant called nobody"):
        await caps.set("nobody", 1)
    await database.close()


@pytest.mark.parametrize(
    ("trunks", "calls"),
    [
        ([("a", 3, None)], 3),
        ([("a", 3, None), ("b", 4, None)], 7),
        ([("a", 3, None), ("b", None, None)], 20),
        ([("a", 30, None)], 20),
    ],
)
async def test_no_more_calls_than_the_trunks_have_channels(
    store: "Store", trunks: list[tuple[str, int | None, int | None]], calls: int
) -> None:
    """All enabled trunks together; one without a bound has room for everybody."""
    await store.dialer(capacity=100)
    for trunk in trunks:
        await store.sql("INSERT INTO trunk (name, channels, calls_per_second) VALUES ($1, $2, $3)", *trunk)
    await store.sql("INSERT INTO trunk (name, channels, disabled_at) VALUES ('gone', 1, now())")
    assert await claimed(store, [await running(store, 20)], rounds=2) == [calls]


async def test_a_lost_call_keeps_its_channel_and_not_its_dialer_s_room(store: "Store") -> None:
    """Its channel may still be in use until its quarantine is over; a dialer that died carries it no longer."""
    await store.dialer(capacity=2)
    await store.sql("INSERT INTO trunk (name, channels) VALUES ('a', 3)")
    campaign_id = await running(store, 20)
    jobs = await store.tick(campaign_id)
    assert len(jobs) == 2
    await store.dialing(jobs[0])
    await store.sql("UPDATE attempt SET state = 'UNKNOWN' WHERE state = 'DIALING'")
    assert await claimed(store, [campaign_id], rounds=2) == [3]
    await store.dialer(capacity=50)
    assert await claimed(store, [campaign_id], rounds=2) == [3]


async def test_a_second_leg_has_a_channel_of_its_own(store: "Store") -> None:
    """A transfer on some dialer leaves so much less for new calls; one that is over leaves it again."""
    await store.dialer(capacity=100)
    await store.sql("INSERT INTO trunk (name, channels) VALUES ('a', 5)")
    await store.sql(
        "INSERT INTO trunk_place (trunk, leg, fence, is_second, sends_at, over) VALUES"
        " ('a', 'x', 'x', false, now(), false), ('a', 'x.t1', 'x', true, now(), false),"
        " ('a', 'y.t1', 'y', true, now(), false), ('a', 'z.t1', 'z', true, now(), true)"
    )
    assert await claimed(store, [await running(store, 20)], rounds=2) == [3]


async def test_no_second_holds_more_new_calls_than_the_trunks_take(store: "Store") -> None:
    """Five a second over two campaigns that want a hundred each: a little over a fifth of one apart, in equal parts."""
    await store.dialer(capacity=0)
    await store.sql("INSERT INTO trunk (name, calls_per_second) VALUES ('a', 2), ('b', 3)")
    campaigns = [await running(store, 40), await running(store, 40)]
    await claimed(store, campaigns, rounds=1)
    await store.dialer(capacity=1000)
    first, second = await claimed(store, campaigns, rounds=2)
    assert first + second >= 7  # in sight of one look; what a busy machine adds is bounded by what follows
    assert abs(first - second) <= 2
    rows = await store.sql(
        "SELECT extract(epoch FROM due_at - lag(due_at) OVER (ORDER BY due_at))::float8 AS apart FROM attempt"
    )
    assert min(row["apart"] for row in rows if row["apart"] is not None) >= 0.214 - 1e-6


async def test_pacers_side_by_side_overshoot_no_cap(store: "Store") -> None:
    """Four count at the same moment, for four campaigns: each counts what the others have claimed."""
    await store.dialer(capacity=30)
    campaigns = [await running(store, 40) for _ in range(4)]
    for _ in range(6):
        for campaign_id in campaigns:
            await store.look_now(campaign_id)
        await asyncio.gather(*(store.tick() for _ in campaigns))
        assert await store.one("SELECT count(*) FROM attempt") <= 30
    assert await store.one("SELECT count(*) FROM attempt") == 30


async def test_with_room_for_all_nobody_waits_for_another_s_count(store: "Store") -> None:
    """A pacer whose tick is still open keeps no other from claiming, as long as there is plenty."""
    await store.dialer(capacity=5000)
    first, second = await running(store, 5), await running(store, 5)
    await store.look_now(first)
    async with store.planning.tick() as tick:
        assert tick is not None
        assert (await tick.room()).plenty
        async with asyncio.timeout(60):
            assert len(await store.tick(second)) == 5


async def test_a_count_serves_for_a_moment_where_very_much_is_left(store: "Store") -> None:
    """What was claimed since is taken off, and a campaign with a cap of its own is always counted."""
    await store.dialer(capacity=10_020)
    first, second = await running(store, 15), await running(store, 15)
    await store.look_now(first)
    async with store.planning.tick() as tick:
        assert tick is not None
        assert (await tick.room()).dialers == 10_020
    assert await claimed(store, [first], rounds=1) == [15]
    await store.dialer(capacity=0)
    await store.look_now(second)
    async with store.planning.tick() as tick:
        assert tick is not None
        assert (await tick.room()).dialers in {10_005, -15}  # -15: a quarter of a second has passed
    await store.sql("UPDATE campaign SET calls_at_once = 9 WHERE campaign_id = $1", second)
    assert await claimed(store, [second], rounds=2) == [0]
