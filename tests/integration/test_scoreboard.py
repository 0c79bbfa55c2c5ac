"""The scoreboard on a real Redis: what is published is read, and Redis may come and go."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from structlog.testing import capture_logs

from shared.adapters.embedded.ports import free_port
from shared.adapters.redis.connection import ANSWER_TIMEOUT_SECONDS, open_redis
from shared.adapters.redis.outage import PROBE_SECONDS
from shared.adapters.redis.scoreboard import MINUTES_PER_WRITE, MOST_BUFFERED_MINUTES, RedisScoreboard
from shared.adapters.redis.scoreboard_reader import QUESTIONS_PER_READ, RedisScoreboardReader
from shared.domain.disposition import Outcome
from shared.domain.errors import Invalid
from shared.observability.metrics import CALL_LATENESS_MS, CALLS_PLACED, CAMPAIGN_KEY, KEY_MAP, PROCESS_KEY
from shared.ports.scoreboard import MOST_CAMPAIGNS, CampaignTotals, ScoreboardAway

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
DAY_SECONDS = 86_400
#: A machine that is busy with something else is no Redis that is away.
PATIENCE_SECONDS = 60.0


def totals(campaign_id: int = 12, *, tenant_id: int = 3, final: int = 47) -> CampaignTotals:
    """Totals of a campaign of sixty numbers."""
    return CampaignTotals(
        tenant_id=tenant_id,
        campaign_id=campaign_id,
        accepted=60,
        ready=57 - final,
        waiting=0,
        in_attempt=3,
        final=final,
        refused=1,
        duplicates=2,
        by_outcome=dict.fromkeys(Outcome, 0) | {Outcome.ANSWERED: final},
    )


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the test's Redis."""
    async with open_redis(redis_url, connections=4, answer_seconds=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture
def board(redis: Redis) -> RedisScoreboard:
    """A writer."""
    return patient_board(redis)


@pytest.fixture
def reader(redis: Redis) -> RedisScoreboardReader:
    """A reader."""
    return RedisScoreboardReader(redis, namespace="test", patience_seconds=PATIENCE_SECONDS)


def patient_board(redis: Redis) -> RedisScoreboard:
    """Make a writer that waits for a busy machine."""
    return RedisScoreboard(redis, namespace="test", answer_seconds=PATIENCE_SECONDS)


# Campaigns ---------------------------------------------------------------------------------------------------


async def test_totals_are_read_as_they_were_published(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """A campaign's totals come back whole, alone and in the list."""
    await board.publish_totals([totals()])
    assert await reader.campaign(3, 12) == totals()
    assert await reader.campaigns() == [totals()]


async def test_a_campaign_that_nobody_published_is_none(reader: RedisScoreboardReader) -> None:
    """Unknown is not zero."""
    assert await reader.campaign(3, 12) is None
    assert await reader.campaigns() == []


async def test_another_tenants_campaign_is_another_campaign(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """The tenant is part of the key."""
    await board.publish_totals([totals(tenant_id=3)])
    assert await reader.campaign(4, 12) is None


async def test_totals_are_absolute_so_that_a_flushall_heals_itself(
    board: RedisScoreboard, reader: RedisScoreboardReader, redis: Redis
) -> None:
    """After everything was lost, and after any other value, the next publication is right."""
    await board.publish_totals([totals(final=50)])
    await board.publish_totals([totals(final=47)])
    assert await reader.campaign(3, 12) == totals(final=47)
    await redis.flushall()
    await board.publish_totals([totals(final=48)])
    assert await reader.campaigns() == [totals(final=48)]


async def test_a_list_has_a_limit(board: RedisScoreboard, reader: RedisScoreboardReader) -> None:
    """However many campaigns there are, a reader gets so many and no more."""
    await board.publish_totals([totals(number) for number in range(MOST_CAMPAIGNS + 50)])
    assert len(await reader.campaigns()) == MOST_CAMPAIGNS


async def test_campaigns_published_last_come_first_and_those_of_yesterday_not_at_all(
    redis: Redis, reader: RedisScoreboardReader
) -> None:
    """What is over makes room in the list for what lives."""
    published_at = iter([0.0, DAY_SECONDS - 10.0, DAY_SECONDS + 10.0])
    board = RedisScoreboard(
        redis, namespace="test", clock=lambda: next(published_at), answer_seconds=PATIENCE_SECONDS
    )
    for campaign_id in (1, 2, 3):
        await board.publish_totals([totals(campaign_id)])
    assert [one.campaign_id for one in await reader.campaigns()] == [3, 2]


# Processes ---------------------------------------------------------------------------------------------------


async def test_a_process_is_read_as_it_described_itself(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """Gauges and counters come back by the catalogue's fields."""
    await board.publish_process(
        "dialer", "host-1", {"calls_in_progress": 3, "event_loop_lag_ms": 0.25}, {"attempts_withheld:late": 2}
    )
    (report,) = await reader.processes()
    assert (report.service, report.process_id) == ("dialer", "host-1")
    assert report.gauges == {"calls_in_progress": 3, "event_loop_lag_ms": 0.25}
    assert report.counters == {"attempts_withheld:late": 2, "scoreboard_dropped": 0}


async def test_a_killed_process_leaves_no_ghost(
    board: RedisScoreboard, reader: RedisScoreboardReader, redis: Redis
) -> None:
    """A process that stops publishing expires within ten seconds, and its calls are no longer counted."""
    await board.publish_process("dialer", "killed", {"calls_in_progress": 3}, {})
    await board.publish_process("dialer", "alive", {"calls_in_progress": 1}, {})
    key = PROCESS_KEY.name("test", service="dialer", process="killed")
    assert 0 < await redis.pttl(key) <= 10_000
    await redis.persist(
        PROCESS_KEY.name("test", service="dialer", process="alive")
    )  # it would go on publishing
    await redis.pexpire(key, 0)  # as the ten seconds would
    assert [report.process_id for report in await reader.processes()] == ["alive"]


async def test_a_process_that_ends_in_order_is_gone_at_once(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """Nobody waits for its last word to expire, and what it had observed is kept."""
    await board.publish_process("dialer", "host-1", {}, {})
    board.observe(CALL_LATENESS_MS, 3)
    await board.retire("dialer", "host-1")
    assert await reader.processes() == []
    assert sum((await reader.histograms())[0].counts) == 1


async def test_what_a_process_no_longer_says_is_gone(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """A publication replaces the one before, field by field."""
    await board.publish_process("dialer", "host-1", {"calls_ringing": 3}, {})
    await board.publish_process("dialer", "host-1", {}, {})
    (report,) = await reader.processes()
    assert report.gauges == {}


async def test_a_process_with_an_impossible_name_is_a_mistake(board: RedisScoreboard) -> None:
    """A name that would reach into another key is refused and not published."""
    with pytest.raises(ValueError, match="cannot be the process"):
        await board.publish_process("dialer", "a:b", {}, {})


# Minutes and histograms ----------------------------------------------------------------------------------------


async def test_calls_are_counted_by_the_minute_across_the_hour(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """The last sixty minutes come oldest first, whichever hours they lie in, and only those."""
    for minutes_ago, calls in ((0, 1), (1, 5), (31, 2), (59, 3), (60, 9)):
        board.bump_minute(3, 12, NOON - timedelta(minutes=minutes_ago), calls=calls)
    await board.flush()
    minutes = (await reader.calls_by_minute([12], until=NOON, minutes=60))[12]
    assert len(minutes) == 60
    assert {59 - at: calls for at, calls in enumerate(minutes) if calls} == {0: 1, 1: 5, 31: 2, 59: 3}


async def test_calls_of_several_processes_and_flushes_add_up(
    board: RedisScoreboard, reader: RedisScoreboardReader, redis: Redis
) -> None:
    """Two dialers that call for one campaign are seen as one pace."""
    other = patient_board(redis)
    for one in (board, other, board):
        one.bump_minute(3, 12, NOON)
        await one.flush()
    assert await reader.calls_by_minute([12], until=NOON, minutes=1) == {12: [3]}


async def test_only_campaigns_that_were_asked_for_are_read(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """One tenant's page does not carry another's minutes; a campaign without calls is missing."""
    board.bump_minute(3, 12, NOON)
    board.bump_minute(4, 13, NOON)
    await board.flush()
    assert await reader.calls_by_minute([12, 99], until=NOON, minutes=2) == {12: [0, 1]}


async def test_the_last_whole_minute_is_told_by_campaign(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """The minute that is not over would look like a slump."""
    board.bump_minute(3, 12, NOON - timedelta(minutes=1), calls=7)
    board.bump_minute(3, 12, NOON, calls=2)
    await board.flush()
    assert await reader.calls_last_minute(now=NOON) == {(3, 12): 7}


async def test_observations_of_several_processes_add_up(
    board: RedisScoreboard, reader: RedisScoreboardReader, redis: Redis
) -> None:
    """A histogram is that of the platform, not of a process, and outlives them."""
    other = patient_board(redis)
    board.observe(CALL_LATENESS_MS, 0.5)
    board.observe(CALL_LATENESS_MS, 1000)
    other.observe(CALL_LATENESS_MS, 0.75)
    await board.publish_process("dialer", "a", {}, {})  # which flushes too
    await other.flush()
    lateness = (await reader.histograms())[0]
    assert lateness.total == pytest.approx(1001.25)
    assert dict(lateness.cumulative()) == {
        "0": 0,
        **dict.fromkeys(list(dict(lateness.cumulative()))[1:-1], 2),
        "+Inf": 3,
    }


async def test_only_a_histogram_takes_observations(board: RedisScoreboard) -> None:
    """A mistake shows where it is made, not as a strange key in Redis."""
    with pytest.raises(ValueError, match="only histograms"):
        board.observe(CALLS_PLACED, 1)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands each round trip to Redis held, in order."""
    seen: list[int] = []
    execute = Pipeline.execute

    async def weighed(pipe: Pipeline, *arguments: bool) -> list[object]:
        seen.append(len(pipe))
        return await execute(pipe, *arguments)

    monkeypatch.setattr(Pipeline, "execute", weighed)
    return seen


async def test_what_is_long_goes_in_pieces_whatever_waited(
    board: RedisScoreboard, reader: RedisScoreboardReader, sizes: list[int]
) -> None:
    """A thousand campaigns' minutes are written and read whole, and no round trip is too long to be waited for."""
    for campaign_id in range(1, 1001):
        board.bump_minute(3, campaign_id, NOON, calls=campaign_id)
    await board.publish_process("dialer", "a", {}, {})
    written, sizes[:] = list(sizes), []
    assert await reader.calls_by_minute(range(1, 2000), until=NOON, minutes=1) == {
        campaign_id: [campaign_id] for campaign_id in range(1, 1001)
    }
    assert max(written) <= 2 * MINUTES_PER_WRITE + 3
    assert max(sizes) <= QUESTIONS_PER_READ


async def test_minutes_that_came_during_a_flush_wait_for_the_next(
    board: RedisScoreboard, reader: RedisScoreboardReader
) -> None:
    """A call that is placed while its minute is being written is neither lost nor told twice."""
    for campaign_id in range(1, 3 * MINUTES_PER_WRITE):
        board.bump_minute(3, campaign_id, NOON)
    async with asyncio.TaskGroup() as group:
        group.create_task(board.flush())
        group.create_task(board.flush())
        await asyncio.sleep(0)
        board.bump_minute(3, 1, NOON)
    await board.flush()
    told = await reader.calls_by_minute(range(1, 1000), until=NOON, minutes=1)
    assert told == {campaign_id: [1 + (campaign_id == 1)] for campaign_id in range(1, 3 * MINUTES_PER_WRITE)}


# The key map -------------------------------------------------------------------------------------------------


async def test_redis_holds_what_the_key_map_says_and_nothing_else(
    board: RedisScoreboard, redis: Redis
) -> None:
    """Every key is of the published pattern and type, below the namespace, and goes away in the published time."""
    await board.publish_totals([totals()])
    board.bump_minute(3, 12, NOON)
    board.observe(CALL_LATENESS_MS, 3)
    await board.publish_process("dialer", "host-1", {}, {})
    seen = set()
    for name in map(str, await redis.keys()):
        (key,) = [key for key in KEY_MAP if re.fullmatch(_pattern(key.pattern), name)]
        assert str(await redis.type(name)).replace("zset", "sorted set") == key.redis_type
        assert 0 < await redis.ttl(name) <= key.ttl_seconds
        seen.add(key)
    assert seen == set(KEY_MAP)


def _pattern(pattern: str) -> str:
    return "test:metrics:" + re.sub(r"\{\w+\}", "[^:]+", pattern)


async def test_what_others_wrote_into_our_keys_is_overlooked(
    board: RedisScoreboard, reader: RedisScoreboardReader, redis: Redis
) -> None:
    """Strange members and fields on a shared server count nothing and break nothing."""
    await board.publish_totals([totals()])
    await redis.hset(
        CAMPAIGN_KEY.name("test", tenant=3, campaign=12), mapping={"numbers_final": "many", "x": "y"}
    )
    await redis.zadd("test:metrics:campaigns", {"../..": 1e18, "3:12:4": 1e18, "\ufffd": 1e18})
    await redis.zadd("test:metrics:processes", {"dialer:*": 1e18})
    (seen,) = await reader.campaigns()
    assert (seen.final, seen.accepted) == (0, 60)
    assert await reader.processes() == []


# A Redis that is away ----------------------------------------------------------------------------------------


async def test_a_redis_that_is_away_hurts_no_publisher() -> None:
    """Every publication returns, what was dropped is counted, and the outage is logged once."""
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0", connections=2) as away:
        board = RedisScoreboard(away, namespace="test")
        with capture_logs() as lines:
            await board.publish_totals([totals()])
            await board.publish_process("dialer", "a", {}, {})
            board.bump_minute(3, 12, NOON)
            await board.flush()
            await board.retire("dialer", "a")
    assert [line["event"] for line in lines] == ["redis_away"]


async def test_a_reader_is_told_that_redis_is_away() -> None:
    """An empty page would be a lie."""
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0", connections=2) as away:
        reader = RedisScoreboardReader(away, namespace="test")
        for read in (reader.campaign(1, 2), reader.campaigns(), reader.processes(), reader.histograms()):
            with pytest.raises(ScoreboardAway):
                await read


class _OddServer:
    """A server that takes connections and says nothing, or one thing after a while."""

    def __init__(self, url: str) -> None:
        self.url = url
        #: Connections that were opened to it: a client that waited in vain for an answer opens another.
        self.connections = 0


@asynccontextmanager
async def _odd_server(answer: bytes = b"", *, after_seconds: float = 0.0) -> AsyncIterator[_OddServer]:
    accepted: list[asyncio.StreamWriter] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        odd.connections += 1
        accepted.append(writer)
        while answer and await reader.read(4096):
            await asyncio.sleep(after_seconds)
            writer.write(answer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    odd = _OddServer(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0?protocol=2")
    try:
        yield odd
    finally:
        server.close()
        for writer in accepted:
            writer.close()


async def test_a_redis_that_hangs_holds_a_publisher_once_and_no_longer_than_it_is_told() -> None:
    """One publication waits for the answer that does not come; of those that follow only a probe now and then does."""
    now = asyncio.get_running_loop().time
    async with _odd_server() as silent, open_redis(silent.url, connections=2) as hanging:
        board = RedisScoreboard(hanging, namespace="test")
        began_at = now()
        for _ in range(100):
            await board.publish_process("dialer", "a", {}, {})
        assert 1 <= silent.connections <= 1 + (now() - began_at) / PROBE_SECONDS
    assert board._outage.dropped == 100


async def test_a_reader_waits_longer_than_a_publisher() -> None:
    """A Redis, or the machine, that takes longer than a dialer could lose is no Redis that is away."""
    slow = _odd_server(b"*0\r\n", after_seconds=1.2 * ANSWER_TIMEOUT_SECONDS)
    async with slow as odd, open_redis(odd.url, connections=2, answer_seconds=PATIENCE_SECONDS) as client:
        reader = RedisScoreboardReader(client, namespace="test", patience_seconds=PATIENCE_SECONDS)
        assert await reader.processes() == []


async def test_a_reader_that_hangs_is_free_in_the_end() -> None:
    """However long its patience is, it has an end."""
    async with _odd_server() as silent, open_redis(silent.url, connections=2, answer_seconds=60.0) as client:
        reader = RedisScoreboardReader(client, namespace="test", patience_seconds=0.1)
        with pytest.raises(ScoreboardAway):
            await reader.processes()


async def test_what_was_dropped_in_an_outage_is_told_afterwards(
    redis: Redis, reader: RedisScoreboardReader
) -> None:
    """A process that missed Redis says how often, once it is back."""
    board = patient_board(redis)
    await redis.set("test:metrics:campaigns", "somebody else's")  # so that the write is refused
    with capture_logs():
        await board.publish_totals([totals()])
    board._outage.over()  # the probe's two seconds, without waiting for them
    await board.publish_process("pacer", "p", {}, {})
    (report,) = await reader.processes()
    assert report.counters["scoreboard_dropped"] == 1


async def test_the_buffer_has_a_limit(redis: Redis) -> None:
    """A process that cannot flush for long does not grow without bound."""
    board = patient_board(redis)
    for campaign_id in range(MOST_BUFFERED_MINUTES + 10):
        board.bump_minute(1, campaign_id, NOON)
    board.bump_minute(1, 0, NOON)  # a minute that is there already still counts
    assert len(board._minutes) == MOST_BUFFERED_MINUTES
    assert board._minutes[1, 0, int(NOON.timestamp() // 60)] == 2


@pytest.mark.parametrize(
    "url", ["", "localhost", "http://host", "redis://:secret@host:port/0", "redis://h/0?db=x"]
)
def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(url: str) -> None:
    """The sentence names the setting, and not the password."""
    with pytest.raises(Invalid) as refused:
        _ = open_redis(url, connections=1)
    assert "REDIS_URL" in refused.value.message
    assert "secret" not in refused.value.message
