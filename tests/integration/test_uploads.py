"""Phone lists taken in: whole or not at all, every line accounted for, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from services.api.phone_list_upload import lines_of_array
from shared.adapters.postgres import uploads
from shared.domain.campaign import Dialect
from shared.domain.errors import NotFound
from shared.domain.phone_list import PhoneEntry, PhoneListLimits, PhoneListParser, RefusedLine, UnreadableList
from shared.ports.campaigns import CampaignOver, TakenIn
from tests.integration.conftest import serving

if TYPE_CHECKING:
    from tests.integration.conftest import Store

pytestmark = pytest.mark.asyncio(loop_scope="module")

Lines = AsyncIterator[Sequence[PhoneEntry | RefusedLine]]


async def listed(text: str, *, chunk_bytes: int = 64) -> Lines:
    """Yield the rows of a file in small chunks."""
    parser, data = PhoneListParser(PhoneListLimits()), text.encode()
    for start in range(0, len(data), chunk_bytes):
        yield parser.feed(data[start : start + chunk_bytes])
    yield parser.finish()


async def broken_off(*lines: str) -> Lines:
    """Yield some lines and then find that this is no list."""
    async for rows in lines_of_array(list(lines)):
        yield rows
    raise UnreadableList("The rest of this is no text.")


async def upload(store: "Store", tenant_id: int, campaign_id: int, lines: Lines, **options: str) -> TakenIn:
    """Append lines to a campaign."""
    return await store.campaigns.add_numbers(tenant_id, Dialect.PLUM, campaign_id, lines, **options)


async def empty_campaign(store: "Store", *, dedupe: str = "number_and_reference") -> tuple[int, int]:
    """Make a campaign without numbers."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, start=False)
    await store.sql("UPDATE campaign SET dedupe = $1 WHERE campaign_id = $2", dedupe, campaign_id)
    return tenant_id, campaign_id


def counts(taken: TakenIn) -> tuple[int, int, int]:
    """Return what became of the lines."""
    return taken.accepted, taken.duplicates, taken.refused


# What is taken ---------------------------------------------------------------------------------------------------


async def test_a_list_becomes_numbers_in_its_order(store: "Store") -> None:
    """Every field of a line is kept under the line's own number, and the numbers are ready to be called."""
    tenant_id, campaign_id = await empty_campaign(store)
    taken = await upload(
        store, tenant_id, campaign_id,
        listed("\ntel:+12025550101; ani=+12025550199; postd=1w2,first\n\n+12025550100\n"), file_name="march.csv",
    )  # fmt: skip
    assert counts(taken) == (2, 0, 0)
    rows = await store.sql("SELECT * FROM number ORDER BY batch_no, line_no")
    fields = (
        "batch_no",
        "line_no",
        "e164",
        "ani",
        "post_dial",
        "message_reference",
        "state",
        "tries",
        "last_ordinal",
    )
    assert [tuple(row[field] for field in fields) for row in rows] == [
        (1, 2, "+12025550101", "+12025550199", "1w2", "first", "READY", 0, 0),
        (1, 4, "+12025550100", None, None, None, "READY", 0, 0),
    ]
    [batch] = await store.sql("SELECT * FROM batch")
    assert (batch["file_name"], batch["accepted"], batch["refused"], batch["duplicates"]) == (
        "march.csv",
        2,
        0,
        0,
    )


async def test_the_columns_of_a_header_become_the_call_s_variables(store: "Store") -> None:
    """They come back with the lease, by name."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id)
    await upload(
        store, tenant_id, campaign_id, listed('destination,name,due\n+12025550100,"Zoë, Dr.",3 May\n')
    )
    await store.dialer()
    [job] = await store.tick(campaign_id)
    assert (await store.leased(job)).variables == {"name": "Zoë, Dr.", "due": "3 May"}


async def test_every_line_is_accounted_for(store: "Store") -> None:
    """Accepted, refused and duplicate lines make up the file without its blank lines, in the answer and the counts."""
    tenant_id, campaign_id = await empty_campaign(store)
    text = "+12025550100,a\n\nnobody\n+12025550100,a\n+12025550101\n \n+1,x\n+12025550101\n+12025550102,b\n"
    taken = await upload(store, tenant_id, campaign_id, listed(text))
    assert counts(taken) == (3, 2, 2)
    assert sum(counts(taken)) == len([line for line in text.splitlines() if line.strip()])
    view = await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
    assert (view.numbers.accepted, view.numbers.duplicates, view.numbers.refused) == (3, 2, 2)
    assert view.numbers.ready == 3


async def test_lines_that_were_not_taken_are_kept_with_number_and_reason(store: "Store") -> None:
    """The answer shows the first of them in the order of the file, refused and duplicate ones alike."""
    tenant_id, campaign_id = await empty_campaign(store)
    taken = await upload(store, tenant_id, campaign_id, listed("+12025550100,a\nnobody,b\n+12025550100,a\n"))
    kept = await store.sql("SELECT line_no, line, reason FROM refused_line ORDER BY line_no")
    assert [(row["line_no"], row["line"]) for row in kept] == [(2, "nobody,b"), (3, "+12025550100,a")]
    assert "already" in kept[1]["reason"]
    assert [tuple(line) for line in taken.refused_lines] == [tuple(row) for row in kept]


async def test_a_file_of_nonsense_fills_neither_answer_nor_disk(
    store: "Store", monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its lines are counted; only so many are shown, and only so many are kept."""
    monkeypatch.setattr(uploads, "KEPT_REFUSED_LINES", 200)
    tenant_id, campaign_id = await empty_campaign(store)
    taken = await upload(store, tenant_id, campaign_id, listed("no number\n" * 250))
    assert counts(taken) == (0, 0, 250)
    assert [line.line_no for line in taken.refused_lines] == list(range(1, uploads.SHOWN_REFUSED_LINES + 1))
    assert await store.one("SELECT count(*) FROM refused_line") == 200


async def test_the_same_list_twice_is_taken_once(store: "Store") -> None:
    """A second upload of a list adds nothing: every line of it is a duplicate."""
    tenant_id, campaign_id = await empty_campaign(store)
    text = "+12025550100,a\n+12025550101\n"
    assert counts(await upload(store, tenant_id, campaign_id, listed(text))) == (2, 0, 0)
    assert counts(await upload(store, tenant_id, campaign_id, listed(text))) == (0, 2, 0)


#: By the campaign's rule: how many of three lines are taken that have one number, and two of them one reference.
RULES = {"number_and_reference": 2, "number": 1, "none": 3}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("apart", [False, True], ids=["in one file", "in three uploads"])
async def test_what_a_duplicate_is_the_campaign_says(store: "Store", rule: str, apart: bool) -> None:
    """Within a file and across uploads; the first line of its kind is the one that is taken."""
    tenant_id, campaign_id = await empty_campaign(store, dedupe=rule)
    lines = ["+12025550100,invoice 1", "+12025550100,invoice 2", "+12025550100,invoice 1"]
    for part in [[line] for line in lines] if apart else [lines]:
        await upload(store, tenant_id, campaign_id, lines_of_array(list(part)))
    taken = await store.sql("SELECT message_reference FROM number ORDER BY batch_no, line_no")
    assert [row["message_reference"] for row in taken] == ["invoice 1", "invoice 2", "invoice 1"][
        : RULES[rule]
    ]


async def test_another_campaign_and_another_tenant_have_their_own_numbers(store: "Store") -> None:
    """A duplicate is one within a campaign."""
    for _ in range(2):
        tenant_id, campaign_id = await empty_campaign(store)
        assert counts(await upload(store, tenant_id, campaign_id, listed("+12025550100,a\n"))) == (1, 0, 0)
        other = await store.campaign(tenant_id, "+12025550100,a", start=False)
        assert other != campaign_id


# All or nothing --------------------------------------------------------------------------------------------------


async def test_a_list_that_breaks_off_leaves_nothing(store: "Store") -> None:
    """None of its lines is there, and the next upload goes on as if it had never come."""
    tenant_id, campaign_id = await empty_campaign(store)
    before = await store.picture()
    with pytest.raises(UnreadableList):
        await upload(store, tenant_id, campaign_id, broken_off("+12025550100,a", "nobody"))
    assert await store.picture() == before
    assert counts(await upload(store, tenant_id, campaign_id, listed("+12025550101\n"))) == (1, 0, 0)
    assert [row["e164"] for row in await store.sql("SELECT e164 FROM number")] == ["+12025550101"]
    assert await store.one("SELECT max(batch_no) FROM batch") == 1


async def test_a_campaign_whose_list_breaks_off_is_not_made(store: "Store") -> None:
    """Campaign and list come together or not at all."""
    tenant_id = await store.tenant()
    campaign = await store.new_campaign(tenant_id)
    before = await store.picture()
    with pytest.raises(UnreadableList):
        await store.campaigns.create_campaign(tenant_id, campaign, broken_off("+12025550100,a"))
    assert await store.picture() == before


async def test_an_upload_that_is_given_up_leaves_nothing(store: "Store") -> None:
    """A client that goes away in the middle takes its lines with it, and the connection serves the next one."""
    tenant_id, campaign_id = await empty_campaign(store)
    before = await store.picture()
    async with half_staged(store, tenant_id, campaign_id) as task:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.picture() == before
    assert counts(await upload(store, tenant_id, campaign_id, listed("+12025550101\n"))) == (1, 0, 0)
    assert await store.one("SELECT count(*) FROM number") == 1


async def test_nothing_is_taken_for_a_campaign_that_is_not_there_or_is_over(store: "Store") -> None:
    """Another tenant's campaign is unknown, as is one of another dialect; one that is over says so."""
    tenant_id, campaign_id = await empty_campaign(store)
    before = await store.picture()
    stranger = await store.tenant()
    with pytest.raises(NotFound):
        await upload(store, stranger, campaign_id, listed("+12025550100\n"))
    with pytest.raises(NotFound):
        await store.campaigns.add_numbers(tenant_id, Dialect.VOICE, campaign_id, listed("+12025550100\n"))
    await store.sql("UPDATE campaign SET last_date = '2026-01-02'")
    with pytest.raises(CampaignOver):
        await upload(store, tenant_id, campaign_id, listed("+12025550100\n"))
    assert (await store.picture())["number"] == before["number"]


# Side by side ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def half_staged(
    store: "Store", tenant_id: int, campaign_id: int
) -> AsyncIterator["asyncio.Task[TakenIn]"]:
    """Hold an upload open whose first line was copied and whose second has not come."""
    copied, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> Lines:
        async for rows in lines_of_array(["+12025550190,slow"]):
            yield rows
        copied.set()
        await go_on.wait()
        async for rows in lines_of_array(["+12025550191,slow"]):
            yield rows

    task = asyncio.create_task(upload(store, tenant_id, campaign_id, slowly()))
    await copied.wait()
    try:
        yield task
    finally:
        go_on.set()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def half_published(
    store: "Store", tenant_id: int, campaign_id: int
) -> AsyncIterator["asyncio.Task[TakenIn]"]:
    """Hold an upload open whose numbers are published and whose refused line cannot be written yet."""
    async with store.session() as blocker:
        await blocker.execute("BEGIN; LOCK TABLE refused_line IN ACCESS EXCLUSIVE MODE")
        text = "+12025550190,slow\n+12025550191,slow\nnobody\n"
        task = asyncio.create_task(upload(store, tenant_id, campaign_id, listed(text)))
        try:
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'refused_line'::regclass"
            while not await store.sql(waiting):
                await asyncio.sleep(0.01)
            yield task
        finally:
            await blocker.execute("COMMIT")
            await asyncio.gather(task, return_exceptions=True)


HELD_OPEN = {"half staged": half_staged, "half published": half_published}


@pytest.mark.parametrize("how", HELD_OPEN)
async def test_a_stop_does_not_wait_for_an_upload(store: "Store", how: str) -> None:
    """However far a long list has come, its campaign is stopped and started before it is in; the list comes in."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a")
    async with HELD_OPEN[how](store, tenant_id, campaign_id) as task:
        async with asyncio.timeout(60):
            await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
            await store.campaigns.start(tenant_id, Dialect.PLUM, campaign_id)
            await store.campaigns.stop(tenant_id, Dialect.PLUM, campaign_id)
        assert not task.done()
    assert (await task).accepted == 2
    assert await store.one("SELECT state::text FROM campaign") == "STOPPED"
    assert await store.one("SELECT count(*) FROM number") == 3


@pytest.mark.parametrize("how", HELD_OPEN)
async def test_a_list_is_invisible_until_it_is_whole(store: "Store", how: str) -> None:
    """Meanwhile the campaign counts and calls the numbers that it has; then it has the whole list."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a")
    await store.dialer()
    async with HELD_OPEN[how](store, tenant_id, campaign_id):
        view = await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
        assert (view.numbers.accepted, view.numbers.refused) == (1, 0)
        async with asyncio.timeout(60):
            assert len(await store.tick(campaign_id)) == 1
    view = await store.campaigns.campaign(tenant_id, Dialect.PLUM, campaign_id)
    assert (view.numbers.accepted, view.numbers.ready, view.numbers.in_attempt) == (3, 2, 1)
    assert len(await store.tick(campaign_id)) == 2


@pytest.mark.parametrize("how", HELD_OPEN)
async def test_a_call_ends_while_a_list_comes_in(store: "Store", how: str) -> None:
    """A result and a retry are written without waiting for the upload."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a", "+12025550101,b")
    await store.dialer()
    first, second = await store.tick(campaign_id)
    async with HELD_OPEN[how](store, tenant_id, campaign_id):
        async with asyncio.timeout(60):
            await store.end(await store.dialing(first))
            await store.postpone(await store.dialing(second), await store.attempts().now())
    assert await store.one("SELECT count(*) FROM result") == 1


async def test_uploads_side_by_side_lose_nothing_and_double_nothing(store: "Store") -> None:
    """Eight lists that overlap come in at once: each number once, every line accounted for, batches in a row."""
    tenant_id, campaign_id = await empty_campaign(store)
    texts = [
        "".join(f"+120255501{number:02},r\n" for number in range(first, first + 20))
        for first in range(0, 80, 10)
    ]
    answers = await asyncio.gather(*(upload(store, tenant_id, campaign_id, listed(text)) for text in texts))
    assert all(sum(counts(taken)) == 20 for taken in answers)
    assert sum(taken.accepted for taken in answers) == 90
    assert await store.one("SELECT count(DISTINCT e164) FROM number") == 90
    assert await store.one("SELECT accepted FROM campaign_queue") == 90
    batches = await store.sql("SELECT batch_no, accepted, duplicates FROM batch ORDER BY batch_no")
    assert [row["batch_no"] for row in batches] == list(range(1, 9))
    assert all(row["accepted"] + row["duplicates"] == 20 for row in batches)
    numbers = await store.sql(
        "SELECT batch_no, count(*) AS n FROM number GROUP BY batch_no ORDER BY batch_no"
    )
    assert {row["batch_no"]: row["n"] for row in numbers} == {
        row["batch_no"]: row["accepted"] for row in batches if row["accepted"]
    }
    assert await store.broken_invariants() == {}


async def test_a_list_that_came_later_is_called_later_even_if_it_is_shorter(store: "Store") -> None:
    """Two uploads that overlap in time are claimed batch by batch, in the order in which they were published."""
    tenant_id = await store.tenant()
    campaign_id = await store.campaign(tenant_id, "+12025550100,a")
    async with half_published(store, tenant_id, campaign_id):
        short = asyncio.create_task(upload(store, tenant_id, campaign_id, listed("+12025550102,late\n")))
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        while not await store.sql(waiting):
            await asyncio.sleep(0.01)
    await short
    await store.dialer()
    assert await store.lines_of(await store.tick(campaign_id)) == [(1, 1), (2, 1), (2, 2), (3, 1)]


async def test_uploads_leave_room_for_a_stop_and_a_hold(store: "Store") -> None:
    """Ten long lists at once, as many as the process has connections: each stop and hold is answered meanwhile."""
    connections = 10  # as the module's pool has
    async with serving(store, database_pool_size=connections) as api, store.session() as blocker:
        token = await api.token()
        campaign_id = await store.campaign(await store.one("SELECT max(tenant_id) FROM tenant"), start=False)
        await blocker.execute("BEGIN; LOCK TABLE refused_line IN ACCESS EXCLUSIVE MODE")
        fields = {"campaign_id": str(campaign_id), "phone_numbers": '["+12025550100", "nobody"]'}
        uploads = [
            asyncio.create_task(api.ask(token, "POST", "/api/campaigns/add-calls", data=fields))
            for _ in range(connections)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while await store.one(waiting) < connections // 2:
            await asyncio.sleep(0.01)
        for _ in range(connections):
            stop = {"campaign_id": str(campaign_id), "calls": "hangup"}
            assert (await api.ask(token, "POST", "/api/campaigns/stop", data=stop))[0] == 200
            assert (await api.ask(token, "POST", "/api/hold", data={"reason": "a drill"}))[0] == 200
        assert not any(upload.done() for upload in uploads)
        await blocker.execute("COMMIT")
        assert [status for status, _ in await asyncio.gather(*uploads)] == [200] * connections
