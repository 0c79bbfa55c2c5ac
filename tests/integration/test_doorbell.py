"""The doorbell on a real Redis: what is rung is heard, what is no ring is dropped, and a Redis may come and go."""

import asyncio
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dramatiq.worker
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from structlog.testing import capture_logs

from shared.adapters.embedded.binaries import redis_program
from shared.adapters.embedded.ports import free_port
from shared.adapters.redis.doorbell import RedisDoorbell, RedisDoorbellListener, broker
from shared.contracts.dial_job import DELIVER_QUEUE, DIAL_QUEUE, DialJob
from shared.ports.doorbell import DoorbellAway

NAMESPACE = "test"
#: Long after everything that happens at once has happened.
PATIENCE_SECONDS = 60.0


def job(attempt_id: int = 7) -> DialJob:
    """Return a dial job."""
    return DialJob(tenant_id=3, campaign_id=5, attempt_id=attempt_id)


class Ear:
    """A listener, and what it heard on which thread."""

    def __init__(self, url: str, *, willing: bool = True) -> None:
        self.heard: queue.Queue[DialJob] = queue.Queue()
        self.woken: queue.Queue[str] = queue.Queue()
        self.willing = willing
        self.listener = RedisDoorbellListener(broker(url, NAMESPACE))

    def start(self) -> None:
        """Listen."""
        self.listener.start(
            on_dial=self.heard.put,
            on_delivery=lambda: self.woken.put(threading.current_thread().name),
            takes_dials=lambda: self.willing,
        )

    async def next(self, *, seconds: float = PATIENCE_SECONDS) -> DialJob:
        """Return what is heard next."""
        return await asyncio.to_thread(self.heard.get, timeout=seconds)


@contextmanager
def listening(url: str, *, willing: bool = True) -> Iterator[Ear]:
    """Listen for the block."""
    ear = Ear(url, willing=willing)
    ear.start()
    try:
        yield ear
    finally:
        ear.listener.stop()


Brokers = Callable[[str], RedisBroker]
Buttons = Callable[[str], RedisDoorbell]


@pytest.fixture
def open_broker() -> Iterator[Brokers]:
    """Return what opens a broker, to be closed after the test."""
    opened: list[RedisBroker] = []

    def make(url: str) -> RedisBroker:
        opened.append(broker(url, NAMESPACE))
        return opened[-1]

    yield make
    for each in opened:
        each.client.close()


@pytest.fixture
def button(open_broker: Brokers) -> Buttons:
    """Return what makes a doorbell."""
    return lambda url: RedisDoorbell(open_broker(url))


# Rings -----------------------------------------------------------------------------------------------------------


async def test_what_is_rung_is_heard_on_another_thread(redis_url: str, button: Buttons) -> None:
    """The job arrives whole, and the loop that listens is not the one that hears."""
    with listening(redis_url) as ear:
        await button(redis_url).ring([job()])
        assert await ear.next() == job()
        await button(redis_url).ring_deliverers()
        assert (
            await asyncio.to_thread(ear.woken.get, timeout=PATIENCE_SECONDS)
            != threading.current_thread().name
        )


async def test_every_ring_of_many_is_heard_once(redis_url: str, button: Buttons) -> None:
    """Two listeners share three hundred rings, and nobody hears what the other has heard."""
    with listening(redis_url) as one, listening(redis_url) as two:
        await button(redis_url).ring([job(number) for number in range(1, 301)])
        heard: list[int] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(heard) < 300:
                for ear in (one, two):
                    with suppress(queue.Empty):
                        heard.append(ear.heard.get_nowait().attempt_id)
                await asyncio.sleep(0)
    assert sorted(heard) == list(range(1, 301))
    assert one.heard.empty()
    assert two.heard.empty()


async def test_a_ring_waits_for_somebody_to_listen(redis_url: str, button: Buttons) -> None:
    """What was rung while no dialer was there is heard by the first that comes."""
    await button(redis_url).ring([job()])
    with listening(redis_url) as ear:
        assert await ear.next() == job()


async def test_a_ring_is_written_as_dramatiq_would(
    redis_url: str, open_broker: Brokers, button: Buttons
) -> None:
    """Under its own keys, with the fields of its own `enqueue` (other ids, another time), in the order rung."""
    own = open_broker(redis_url)
    _enqueue(own, kwargs={**RING, "attempt_id": 1})
    await button(redis_url).ring([job(2), job(3)])
    by_dramatiq, *ours = messages = _waiting(own)
    assert [message.kwargs["attempt_id"] for message in messages] == [1, 2, 3]
    for message in ours:
        assert message.asdict() == by_dramatiq.asdict() | {
            "kwargs": message.kwargs,
            "options": {"redis_message_id": message.options["redis_message_id"]},
            "message_id": message.message_id,
            "message_timestamp": message.message_timestamp,
        }
    assert len({message.message_id for message in messages}) == 3


async def test_nothing_is_heard_after_the_stop(redis_url: str, button: Buttons) -> None:
    """When `stop` has returned no callback runs any more, and what is rung then is left for another."""
    with listening(redis_url) as ear:
        await button(redis_url).ring([job(1)])
        await ear.next()
    await button(redis_url).ring([job(2)])
    assert ear.heard.empty()
    with listening(redis_url) as another:
        assert await another.next() == job(2)


async def test_who_cannot_dial_leaves_the_rings_to_others_and_still_delivers(
    redis_url: str, button: Buttons
) -> None:
    """In trouble or draining it takes none of a hundred rings, hears of results, and takes rings again when it can."""
    bell = button(redis_url)
    with listening(redis_url, willing=False) as unable:
        await bell.ring([job(number) for number in range(1, 101)])
        await bell.ring_deliverers()
        await asyncio.to_thread(unable.woken.get, timeout=PATIENCE_SECONDS)
        with listening(redis_url) as able:
            heard = {(await able.next()).attempt_id for _ in range(100)}
        assert heard == set(range(1, 101))
        assert unable.heard.empty()
        unable.willing = True
        await bell.ring([job(101)])
        assert await unable.next() == job(101)


# Garbage ---------------------------------------------------------------------------------------------------------

RING = job().encode()
#: What may lie on the queue under the actor's name and is no ring of this version.
UNREADABLE: dict[str, dict[str, object]] = {
    "another version": {**RING, "v": 2},
    "no version": {name: value for name, value in RING.items() if name != "v"},
    "a field too few": {"v": 1, "tenant_id": 3, "campaign_id": 5},
    "a field too many": {**RING, "e164": "+12025550100"},
    "a word for a number": {**RING, "attempt_id": "7"},
    "true for a number": {**RING, "attempt_id": True},
    "zero": {**RING, "tenant_id": 0},
    "below zero": {**RING, "tenant_id": -3},
    "more than an id can be": {**RING, "attempt_id": 2**63},
    "nothing": {},
}


@pytest.mark.parametrize("message", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_ring_is_dropped_with_a_log(
    redis_url: str, message: dict[str, object], open_broker: Brokers, button: Buttons
) -> None:
    """It reaches nobody, is said once, and the ring behind it is heard."""
    own = open_broker(redis_url)
    with capture_logs() as lines, listening(redis_url) as ear:
        _enqueue(own, kwargs=message)
        await button(redis_url).ring([job(9)])
        assert await ear.next() == job(9)
        assert ear.heard.empty()
    assert [line["event"] for line in lines] == ["dial_job_unreadable"]
    assert _left(own) == 0


@pytest.fixture
def quick_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a listener that lost its connection come back at once, where that is not what is measured."""
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.1)


@pytest.mark.usefixtures("quick_restart")
@pytest.mark.parametrize("garbage", [b"no JSON at all", b"\xff\xfe", b"null", b'{"a": 1}', b""])
async def test_bytes_of_another_program_hold_nobody_up_for_long(
    redis_url: str, garbage: bytes, open_broker: Brokers, button: Buttons
) -> None:
    """Something else wrote under our names: a ring that was fetched with it is lost, the next one is heard."""
    own = open_broker(redis_url)
    with listening(redis_url) as ear:
        own.client.hset(f"{NAMESPACE}:dramatiq:{DIAL_QUEUE}.msgs", "x", garbage)
        own.client.rpush(f"{NAMESPACE}:dramatiq:{DIAL_QUEUE}", "x")
        bell = button(redis_url)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while ear.heard.empty():
                await bell.ring([job(9)])
                await asyncio.sleep(0.05)
        assert ear.heard.get_nowait() == job(9)


async def test_a_message_with_arguments_or_for_another_actor_is_dropped(
    redis_url: str, open_broker: Brokers, button: Buttons
) -> None:
    """It is no ring of ours; the next one is heard."""
    own = open_broker(redis_url)
    with listening(redis_url) as ear:
        _enqueue(own, args=(1, 2), kwargs=dict(RING))
        _enqueue(own, actor="somebody_else", kwargs=dict(RING))
        await button(redis_url).ring([job(9)])
        assert await ear.next() == job(9)
        assert ear.heard.empty()


def _enqueue(
    own: RedisBroker, *, kwargs: dict[str, object], args: tuple[object, ...] = (), actor: str = DIAL_QUEUE
) -> None:
    own.declare_queue(DIAL_QUEUE)
    own.enqueue(
        dramatiq.Message(queue_name=DIAL_QUEUE, actor_name=actor, args=args, kwargs=kwargs, options={})
    )


def _waiting(own: RedisBroker) -> list[dramatiq.Message[None]]:
    """Return the rings that wait, in the order in which they will be heard."""
    queue_key = f"{NAMESPACE}:dramatiq:{DIAL_QUEUE}"
    ids = own.client.lrange(queue_key, 0, -1)
    found = [own.client.hget(f"{queue_key}.msgs", each) for each in ids]
    messages = [dramatiq.Message.decode(data) for data in found if isinstance(data, bytes)]
    assert [message.options["redis_message_id"].encode() for message in messages] == ids
    return messages


def _left(own: RedisBroker) -> int:
    """Return how many messages wait in the queues."""
    lengths = [own.client.llen(f"{NAMESPACE}:dramatiq:{name}") for name in (DIAL_QUEUE, DELIVER_QUEUE)]
    return sum(int(length) for length in lengths)


# Redis away ------------------------------------------------------------------------------------------------------


async def test_a_redis_that_is_not_there_is_said_to_be_away_at_once(button: Buttons) -> None:
    """Neither a ring nor the question waits for it."""
    away = button(f"redis://127.0.0.1:{free_port()}/0")
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(DoorbellAway):
            await away.ring([job()])
        with pytest.raises(DoorbellAway):
            await away.ring_deliverers()
        assert not await away.works()


async def test_a_redis_that_hangs_is_away_within_a_bounded_time(button: Buttons) -> None:
    """It takes the connection and never says a word: whoever rings is free again after a few seconds."""
    hanging = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    try:
        silent = button(f"redis://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/0")
        async with asyncio.timeout(PATIENCE_SECONDS):
            works, ring = await asyncio.gather(silent.works(), silent.ring([job()]), return_exceptions=True)
        assert works is False
        assert isinstance(ring, DoorbellAway)
    finally:
        hanging.close()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass
    writer.close()


class OwnRedis:
    """A server of the test's own, which can die and come back on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._program = redis_program(as_other_user=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [self._program.path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            env=self._program.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._until(lambda client: bool(client.ping()))

    def kill(self) -> None:
        """Let it die at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def say(self, *words: str) -> None:
        """Give it a command."""
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*words)

    def _until(self, met: Callable[["redis.Redis"], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS  # noqa: TID251 - a real server is waited for
        with redis.Redis.from_url(self.url) as client:
            while True:
                with suppress(redis.RedisError):
                    if met(client):
                        return
                assert time.monotonic() < deadline  # noqa: TID251 - as above
                time.sleep(0.02)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that runs and that a test may kill."""
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


async def test_a_listener_hears_again_when_redis_is_back(own_redis: OwnRedis, button: Buttons) -> None:
    """After a crash that lost everything, a ring of the button that was there before is heard."""
    bell = button(own_redis.url)
    with listening(own_redis.url) as ear:
        await bell.ring([job(1)])
        assert await ear.next() == job(1)
        own_redis.kill()
        with pytest.raises(DoorbellAway):
            await bell.ring([job(2)])
        own_redis.start()
        assert await bell.works()
        await bell.ring([job(3)])
        assert await ear.next() == job(3)
        assert ear.heard.empty()


@pytest.mark.usefixtures("quick_restart")
async def test_a_listener_may_start_before_redis_does(own_redis: OwnRedis, button: Buttons) -> None:
    """It does not fail; it hears when there is something to hear."""
    own_redis.kill()
    with listening(own_redis.url) as ear:
        own_redis.start()
        await button(own_redis.url).ring([job()])
        assert await ear.next() == job()


@pytest.mark.usefixtures("quick_restart")
async def test_a_listener_stops_while_redis_is_away(own_redis: OwnRedis, button: Buttons) -> None:
    """A dialer that drains must not wait for a Redis that may never come back."""
    with listening(own_redis.url) as ear:
        await button(own_redis.url).ring([job()])
        await ear.next()
        own_redis.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.to_thread(ear.listener.stop)


@pytest.mark.parametrize("trouble", [("CONFIG", "SET", "maxmemory", "1"), ("REPLICAOF", "127.0.0.1", "1")])
async def test_a_redis_that_takes_no_writes_is_away(
    own_redis: OwnRedis, trouble: tuple[str, ...], button: Buttons
) -> None:
    """One that is full, or has become a replica, answers and hears nothing: the pacer must learn it as such."""
    bell = button(own_redis.url)
    await bell.ring([job()])
    own_redis.say(*trouble)
    with pytest.raises(DoorbellAway):
        await bell.ring([job()])
