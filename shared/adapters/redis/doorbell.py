"""The doorbell over dramatiq's Redis broker.

dramatiq is used for what it does well, queueing across processes, and for nothing that it cannot promise: no
retries, no delays, no results, no time limits. A message that it loses is rung again by the pacer; one that it
doubles finds the attempt leased.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from typing_extensions import override

from shared.contracts.dial_job import DELIVER_QUEUE, DIAL_QUEUE, DialJob, UnreadableJob
from shared.failpoints import Failpoint, failpoint_in_thread
from shared.ports.doorbell import Doorbell, DoorbellAway, DoorbellListener

#: How long an idle consumer sleeps between two looks at the queue, at most.
WORKER_TIMEOUT_MS = 20
#: The callbacks only hand over: two threads keep one free while the other waits for the loop.
WORKER_THREADS = 2
#: What a consumer takes from Redis at a time. dramatiq's own default, twice the threads, costs a look at Redis for
#: every four rings: 530 a second were heard, and 4,000 are with this. More brings nothing, and robs other dialers.
PREFETCH = 32
#: A server that is away is noticed within this time instead of the system's minutes.
SOCKET_TIMEOUT_SECONDS = 2.0

#: The trace of a check goes away by itself.
CHECK_LIVES_SECONDS = 60

_log = structlog.get_logger()

#: A server that is gone, and one that takes no writes (full, or a replica now): whatever it says, nobody would hear.
_AWAY = (redis.RedisError, BrokerConnectionError, OSError)


def broker(url: str, namespace: str) -> RedisBroker:
    """Return a broker without middleware: every promise beyond delivery is kept in Postgres."""
    client = redis.Redis.from_url(
        url, socket_timeout=SOCKET_TIMEOUT_SECONDS, socket_connect_timeout=SOCKET_TIMEOUT_SECONDS
    )
    return _EasyBroker(client=client, namespace=f"{namespace}:dramatiq", middleware=[])  # type: ignore[no-untyped-call]  # dramatiq's own


class _EasyBroker(RedisBroker):
    """Does not insist on an acknowledgement.

    A worker of dramatiq's would try again until Redis is back, and a stop would wait ten minutes for it. A ring that is
    not acknowledged is heard once more by somebody, which changes nothing.
    """

    def do_ack(self, queue_name: str, message_id: str) -> None:
        with contextlib.suppress(redis.RedisError):
            self._dispatch("ack")(queue_name, message_id)  # type: ignore[no-untyped-call]  # as above


class RedisDoorbell(Doorbell):
    """Rings by enqueueing; dramatiq's client blocks, so it is called on a thread."""

    def __init__(self, redis_broker: RedisBroker) -> None:
        self._broker = redis_broker
        self._broker.declare_queue(DIAL_QUEUE)
        self._broker.declare_queue(DELIVER_QUEUE)

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        await asyncio.to_thread(self._enqueue, [_message(DIAL_QUEUE, job.encode()) for job in jobs])

    @override
    async def ring_deliverers(self) -> None:
        await asyncio.to_thread(self._enqueue, [_message(DELIVER_QUEUE, {})])

    @override
    async def works(self) -> bool:
        try:
            return bool(await asyncio.to_thread(self._write))
        except _AWAY:
            return False

    def _write(self) -> object:
        """Write something small: a server that answers a PING may still take no writes."""
        return self._broker.client.set(f"{self._broker.namespace}:bell", 1, ex=CHECK_LIVES_SECONDS)

    def _enqueue(self, messages: Sequence[dramatiq.Message[None]]) -> None:
        try:
            for message in messages:
                self._broker.enqueue(message)
        except _AWAY as error:
            raise DoorbellAway from error


class RedisDoorbellListener(DoorbellListener):
    """Listens with an embedded dramatiq worker: its threads only hand what they hear to the loop."""

    def __init__(self, redis_broker: RedisBroker) -> None:
        self._broker = redis_broker
        self._worker: dramatiq.Worker | None = None

    @override
    def start(self, *, on_dial: Callable[[DialJob], object], on_delivery: Callable[[], object]) -> None:
        def dial(**message: object) -> None:
            failpoint_in_thread(Failpoint.RING_HEARD)
            try:
                on_dial(DialJob.decode(message))
            except UnreadableJob as error:
                _log.warning("dial_job_unreadable", reason=str(error))

        def deliver() -> None:
            on_delivery()

        for name, hear in ((DIAL_QUEUE, dial), (DELIVER_QUEUE, deliver)):
            dramatiq.actor(broker=self._broker, actor_name=name, queue_name=name)(hear)
        self._worker = dramatiq.Worker(
            self._broker, worker_timeout=WORKER_TIMEOUT_MS, worker_threads=WORKER_THREADS
        )
        self._worker.queue_prefetch = PREFETCH
        self._worker.start()

    @override
    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        self._broker.close()
        self._broker.client.connection_pool.disconnect()  # those, too, that a thread had in hand when Redis went


def _message(name: str, fields: dict[str, int]) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name=name, actor_name=name, args=(), kwargs=fields, options={})
