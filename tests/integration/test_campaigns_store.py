"""The API's repository: who may see what, what a start and a stop do, and counts that add up at every moment."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.adapters.embedded.ports import free_port
from shared.adapters.postgres.database import Database, DatabaseAway
from shared.adapters.postgres.tenants import create_token, token_hash, webhook_secret
from shared.domain.campaign import CAMPAIGN, CampaignEvent, CampaignState, Dialect
from shared.domain.errors import NotFound
from shared.domain.pace import Pace
from shared.domain.retry import BackInLine, Withheld
from shared.domain.wall_clock import WEEK, Weekday
from shared.ports.access import WrongToken
from shared.ports.campaigns import CampaignOver, CampaignView, Nickname, NicknameTaken

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORNING = Nickname(shown="Morning", key="morning")


async def seen(store: "Store", tenant_id: int, campaign_id: int) -> CampaignView:
    """Return a campaign as its owner sees it."""
    return await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)


# Tokens ----------------------------------------------------------------------------------------------------------


async def test_a_token_tells_its_tenant(store: "Store") -> None:
    """Several tokens may belong to one tenant; what is stored of them opens nothing."""
    first = await create_token(store.url, tenant="acme", name="one", sealer=store.sealer)
    second = await create_token(store.url, tenant="acme", name="two", sealer=store.sealer)
    other = await create_token(store.url, tenant="other", name="one", sealer=store.sealer)
    tenants = [await store.campaigns.tenant_of(token_hash(token)) for token in (first, second, other)]
    assert tenants[0] == tenants[1] != tenants[2]
    stored = repr(await store.sql("SELECT * FROM api_token"))
    assert first not in stored
    with pytest.raises(WrongToken):
        await store.campaigns.tenant_of(first.encode()[:32])


@pytest.mark.parametrize("gone", ["revoked_at = clock_timestamp()", "expires_at = clock_timestamp()"])
async def test_a_token_that_is_revoked_or_expired_is_nobody_s(store: "Store", gone: str) -> None:
    """From that instant on it is as unknown as any other; one that expires tomorrow works."""
    token = await create_token(store.url, tenant="acme", name="one", sealer=store.sealer)
    await store.sql("UPDATE api_token SET expires_at = clock_timestamp() + interval '1 day'")
    await store.campaigns.tenant_of(token_hash(token))
    await store.sql(f"UPDATE api_token SET {gone}")  # noqa: S608 - one of two of ours
    with pytest.raises(WrongToken):
        await store.campaigns.tenant_of(token_hash(token))


async def test_a_tenant_keeps_its_webhook_key(store: "Store") -> None:
    """A second token makes no second key, the key is stored sealed, and an unknown tenant has none."""
    await create_token(store.url, tenant="acme", name="one", sealer=store.sealer)
    secret = await webhook_secret(store.url, tenant="acme", sealer=store.sealer)
    await create_token(store.url, tenant="acme", name="two", sealer=store.sealer)
    assert await webhook_secret(store.url, tenant="acme", sealer=store.sealer) == secret
    assert secret.startswith("whsec_")
    assert secret.encode() not in (await store.one("SELECT webhook_keys[1] FROM tenant"))
    with pytest.raises(NotFound, match="nobody"):
        await webhook_secret(store.url, tenant="nobody", sealer=store.sealer)


async def test_tokens_of_a_new_tenant_made_side_by_side_make_one_tenant(store: "Store") -> None:
    """Two command lines at the same time agree on its id."""
    tokens = await asyncio.gather(
        *(
            create_token(store.url, tenant="acme", name=f"n{number}", sealer=store.sealer)
            for number in range(4)
        )
    )
    assert len({await store.campaigns.tenant_of(token_hash(token)) for token in tokens}) == 1


# Schedules and profiles ------------------------------------------------------------------------------------------


async def test_schedules_and_profiles_are_listed_as_they_were_made(store: "Store") -> None:
    """Oldest first, with or without a nickname, and only the tenant's own."""
    tenant_id, stranger = await store.tenant(), await store.tenant()
    schedules = [
        await store.campaigns.create_schedule(tenant_id, MORNING, [Weekday.MONDAY, Weekday.FRIDAY]),
        await store.campaigns.create_schedule(tenant_id, None, WEEK),
    ]
    profiles = [
        await store.campaigns.create_profile(
            tenant_id, MORNING, Pace(period_minutes=5, amount=100, gap_minutes=2)
        ),
        await store.campaigns.create_profile(tenant_id, None, Pace(period_minutes=1, amount=1)),
    ]
    assert await store.campaigns.schedules(tenant_id) == schedules
    assert await store.campaigns.profiles(tenant_id) == profiles
    assert await store.campaigns.schedules(stranger) == []
    assert await store.campaigns.profiles(stranger) == []


async def test_a_nickname_is_taken_once_for_a_tenant(store: "Store") -> None:
    """By its key, however it is shown; another tenant and another kind of thing may have it too."""
    tenant_id, stranger = await store.tenant(), await store.tenant()
    pace = Pace(period_minutes=1, amount=1)
    again = Nickname(shown="  MORNING ", key=MORNING.key)
    await store.campaigns.create_schedule(tenant_id, MORNING, WEEK)
    await store.campaigns.create_profile(tenant_id, MORNING, pace)
    await store.campaigns.create_schedule(stranger, again, WEEK)
    with pytest.raises(NicknameTaken):
        await store.campaigns.create_schedule(tenant_id, again, WEEK)
    with pytest.raises(NicknameTaken):
        await store.campaigns.create_profile(tenant_id, again, pace)


async def test_of_ten_schedules_of_one_nickname_one_is_made(store: "Store") -> None:
    """However many ask for it at the same time."""
    tenant_id = await store.tenant()
    made = await asyncio.gather(
        *(store.campaigns.create_schedule(tenant_id, MORNING, WEEK) for _ in range(10)),
        return_exceptions=True,
    )
    assert [isinstance(answer, NicknameTaken) for answer in made].count(True) == 9
    assert len(await store.campaigns.schedules(tenant_id)) == 1


# Start and stop --------------------------------------------------------------------------------------------------


async def test_a_start_opens_a_new_epoch_and_wakes_the_pacer(store: "Store") -> None:
    """Once: a second start leaves a campaign that runs as it is."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", start=False)
    assert await store.look_in_seconds(campaign_id) is None
    for _ in range(2):
        await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
        [row] = await store.sql("SELECT state::text, epoch, started_at IS NOT NULL AS started FROM campaign")
        assert tuple(row) == ("RUNNING", 1, True)
    assert (await store.look_in_seconds(campaign_id) or 0) <= 0


async def test_every_stop_and_start_raises_the_epoch(store: "Store") -> None:
    """What was planned before any of them can be told from what was planned after; a second stop is no change."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a")
    epochs = []
    for _ in range(2):
        await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
        await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id, hang_up=True)
        epochs.append(await store.one("SELECT epoch FROM campaign"))
        await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
        epochs.append(await store.one("SELECT epoch FROM campaign"))
    assert epochs == [2, 3, 4, 5]
    # The last stop's: a start forgets it no more than it takes in the calls that follow.
    assert await store.one("SELECT hang_up_below_epoch FROM campaign") == 4


async def test_starts_and_stops_side_by_side_end_in_one_of_the_two_states(store: "Store") -> None:
    """Ten of each at the same time: every change that took place raised the epoch, and no other did."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", start=False)
    key = tenant_id, Dialect.PLUM, campaign_id
    await asyncio.gather(*(store.campaigns.start(*key) for _ in range(10)))
    assert await store.one("SELECT epoch FROM campaign") == 1
    await asyncio.gather(*(change(*key) for change in (store.campaigns.start, store.campaigns.stop) * 5))
    [row] = await store.sql("SELECT state::text, epoch FROM campaign")
    assert row["state"] == ("RUNNING" if row["epoch"] % 2 else "STOPPED")


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("event", [CampaignEvent.START, CampaignEvent.STOP])
async def test_start_and_stop_carry_out_the_machine_s_table(
    store: "Store", event: CampaignEvent, state: CampaignState
) -> None:
    """From each state a campaign goes where the table says; from every other it stays, under the same epoch."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", start=False)
    await store.sql("UPDATE campaign SET state = $1::campaign_state", state.value)
    change = store.campaigns.start if event is CampaignEvent.START else store.campaigns.stop
    if state is CampaignState.DELETED:
        with pytest.raises(NotFound):
            await change(tenant_id, Dialect.PLUM, campaign_id)
    else:
        await change(tenant_id, Dialect.PLUM, campaign_id)
    [row] = await store.sql("SELECT state::text, epoch FROM campaign")
    if CAMPAIGN.takes(state, event):
        assert tuple(row) == (CAMPAIGN.after(state, event), 1)
    else:
        assert tuple(row) == (state, 0)


async def test_a_campaign_that_is_over_is_not_started(store: "Store") -> None:
    """It says so, and nothing of it is changed."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", start=False, last_date="2026-01-02")
    before = await store.picture()
    with pytest.raises(CampaignOver):
        await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
    assert await store.picture() == before


async def test_what_belongs_to_another_is_unknown(store: "Store") -> None:
    """Another tenant's campaign, and one of another dialect, can be neither seen nor started nor stopped."""
    tenant_id, stranger = await store.tenant(), await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", start=False)
    before = await store.picture()
    for whose in ((stranger, Dialect.PLUM), (tenant_id, Dialect.VOICE)):
        for ask in (store.campaigns.campaign, store.campaigns.start, store.campaigns.stop):
            with pytest.raises(NotFound, match=str(campaign_id)):
                await ask(*whose, campaign_id)
        assert await store.campaigns.campaigns(*whose, most=10) == []
    assert await store.picture() == before


# Views -----------------------------------------------------------------------------------------------------------


async def test_the_newest_campaigns_are_listed_oldest_first(store: "Store") -> None:
    """As many as were asked for."""
    tenant_id = await store.tenant()
    made = [await store.campaign(tenant_id, start=False) for _ in range(3)]
    views = await store.campaigns.campaigns(tenant_id, Dialect.PLUM, most=2)
    assert [view.campaign_id for view in views] == made[1:]


async def test_a_campaign_shows_what_it_was_made_of(store: "Store") -> None:
    """Dates, zone, addresses, schedule and profiles come back."""
    tenant_id = await store.tenant()
    new = await store.new_campaign(tenant_id)
    campaign_id = (await store.campaigns.create_campaign(tenant_id, new, None)).campaign_id
    view = await seen(store, tenant_id, campaign_id)
    assert (view.state, view.name, view.first_date, view.last_date) == (
        CampaignState.READY, new.name, new.first_date, new.last_date,
    )  # fmt: skip
    assert (view.time_zone, view.start_url, view.result_url) == (new.time_zone, new.start_url, new.result_url)
    assert view.schedule_id == new.schedule_id
    [profile] = view.profiles
    assert (profile.profile_id, profile.opens_minute, profile.closes_minute) == (
        new.windows[0].profile_id, 0, 1440,
    )  # fmt: skip


async def test_counts_add_up_at_every_step_of_the_road(store: "Store") -> None:
    """Accepted is ready, waiting, in an attempt or final, whatever happens to the numbers."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, *(f"+120255501{number:02},r" for number in range(6)))
    await store.dialer()

    async def parts() -> tuple[int, int, int, int, int]:
        view = await seen(store, tenant_id, campaign_id)
        counts = view.numbers
        assert counts.accepted == counts.ready + counts.waiting + counts.in_attempt + counts.final == 6
        assert sum(view.outcomes.values()) == sum(view.results.values()) == counts.final
        return counts.ready, counts.waiting, counts.in_attempt, counts.final, view.calls_in_progress

    assert await parts() == (6, 0, 0, 0, 0)
    jobs = await store.tick(campaign_id)
    assert await parts() == (0, 0, 6, 0, 0)
    calls = [await store.dialing(job) for job in jobs[:4]]
    assert await parts() == (0, 0, 6, 0, 4)
    await store.end(calls[0])
    await store.postpone(calls[1], (await store.attempts().now()).replace(year=2199))
    await store.attempts().withhold(calls[2], Withheld.NO_TRUNK, BackInLine())
    assert await parts() == (1, 1, 3, 1, 1)
    await store.expire_leases()
    await store.reaping.quarantine_lost_calls(60, 10)
    assert await parts() == (1, 1, 3, 1, 0)
    view = await seen(store, tenant_id, campaign_id)
    assert (view.outcomes, view.results) == ({"Answered": 1}, {"completed": 1})


async def test_counts_add_up_while_everything_moves(store: "Store") -> None:
    """A view that is taken between two steps of many calls never loses or doubles a number."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, *(f"+120255501{number:02},r" for number in range(20)))
    await store.dialer()
    jobs = await store.tick(campaign_id)
    over = asyncio.Event()

    async def watch() -> int:
        looks = 0
        while not over.is_set():
            counts = (await seen(store, tenant_id, campaign_id)).numbers
            assert counts.accepted == counts.ready + counts.waiting + counts.in_attempt + counts.final == 20
            assert min(counts.ready, counts.waiting, counts.in_attempt, counts.final) >= 0
            looks += 1
        return looks

    async def move() -> None:
        for job in jobs:
            leased = await store.dialing(job)
            await (store.end(leased) if job.attempt_id % 2 else store.postpone(leased, leased_until))
        over.set()

    leased_until = (await store.attempts().now()).replace(year=2199)
    looks, _ = await asyncio.gather(watch(), move())
    assert looks > 10
    assert await store.broken_invariants(dialed_early=True) == {}


async def test_a_hold_is_told_with_its_reason(store: "Store") -> None:
    """The platform's, the tenant's and the campaign's own, the oldest first; another's is not ours."""
    tenant_id, stranger = await store.tenant(), await store.tenant()
    campaign_id = await store.campaign(tenant_id)
    other = await store.campaign(tenant_id)
    hold = "INSERT INTO hold (tenant_id, campaign_id, reason) VALUES ($1, $2, $3)"
    await store.sql(hold, stranger, None, "not ours")
    assert (await seen(store, tenant_id, campaign_id)).held_because is None
    await store.sql(hold, tenant_id, campaign_id, "complaints")
    await store.sql(hold, 0, None, "carrier maintenance")
    assert (await seen(store, tenant_id, campaign_id)).held_because == "complaints"
    assert (await seen(store, tenant_id, other)).held_because == "carrier maintenance"


async def test_a_running_campaign_says_why_no_call_can_leave(store: "Store") -> None:
    """Every living dialer is without a trunk: in their words. One that has a trunk, or a person's hold, comes first."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id)
    waiting = await store.campaign(tenant_id)
    await store.campaigns.stop(tenant_id, Dialect.PLUM, waiting, hang_up=False)
    first, second = store.attempts("w1"), store.attempts("w2")
    await first.advertise(0, unable_because="the trunk north does not answer")
    assert (await seen(store, tenant_id, campaign_id)).held_because == "the trunk north does not answer"
    assert (await seen(store, tenant_id, waiting)).held_because is None
    await store.sql("INSERT INTO hold (tenant_id, reason) VALUES ($1, 'complaints')", tenant_id)
    assert (await seen(store, tenant_id, campaign_id)).held_because == "complaints"
    await store.sql("DELETE FROM hold")
    await second.advertise(0)  # it drains: that is no way out
    assert (await seen(store, tenant_id, campaign_id)).held_because == "the trunk north does not answer"
    await second.advertise(5)
    assert (await seen(store, tenant_id, campaign_id)).held_because is None
    await store.sql("UPDATE dialer SET seen_at = clock_timestamp() - interval '6.1 s' WHERE worker = 'w2'")
    assert (await seen(store, tenant_id, campaign_id)).held_because == "the trunk north does not answer"
    await store.sql("DELETE FROM dialer")
    assert (await seen(store, tenant_id, campaign_id)).held_because is None


# Postgres away ---------------------------------------------------------------------------------------------------


async def test_a_store_that_is_not_there_is_said_to_be_away(store: "Store") -> None:
    """Whoever connects to it reads what to check."""
    with pytest.raises(DatabaseAway, match="DATABASE_URL"):
        await Database.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/x", role="paceline_api", size=1)


async def test_a_store_whose_connections_were_cut_works_again(store: "Store") -> None:
    """What was asked over a connection that Postgres ended counts as away; soon another one serves again."""
    assert await store.campaigns.works()
    tenant_id = await store.tenant()
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    for _ in range(5):
        await asyncio.gather(*(store.campaigns.schedules(tenant_id) for _ in range(10)))
        await store.sql(cut)
        # Some find the connection closed, some find it about to be: the client has read Postgres' farewell, no more.
        answers = await asyncio.gather(
            *(store.campaigns.schedules(tenant_id) for _ in range(10)), return_exceptions=True
        )
        assert [answer for answer in answers if answer != [] and not isinstance(answer, DatabaseAway)] == []
        async with asyncio.timeout(60):
            while not await store.campaigns.works():
                await asyncio.sleep(0.01)
    assert await store.campaigns.schedules(tenant_id) == []


async def test_a_transaction_that_is_given_up_twice_leaves_nothing_on_its_connection(store: "Store") -> None:
    """Cancelled in the middle and again while it rolls back: the next user of the connection finds it clean."""
    tenant_id = await store.tenant()
    database = await Database.connect(store.url, role="paceline_dialer", size=1)

    async def half() -> None:
        async with database.transaction(tenant_id=tenant_id) as connection:
            insert = "INSERT INTO callee VALUES ($1, '+12025550100', clock_timestamp())"
            await connection.execute(insert, tenant_id)
            begun.set()
            await connection.execute("SELECT pg_sleep(10)")

    for again in (False, True):
        begun = asyncio.Event()
        task = asyncio.create_task(half())
        await begun.wait()
        await asyncio.sleep(0)
        task.cancel()
        if again:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        row = await database.row(
            "SELECT current_setting('app.tenant', true) AS tenant, count(*) AS callees FROM callee"
        )
        assert row is not None
        assert (row["tenant"] or None, row["callees"]) == (None, 0)
    await database.close()
    assert await store.sql("SELECT 1 FROM callee") == []
