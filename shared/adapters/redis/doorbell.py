"""The doorbell over dramatiq's Redis broker.

dramatiq is used for what it does well, queueing across processes, and for nothing that it cannot promise: no
retries, no delays, no results, no time limits. A message that it loses is rung again by the pacer; one that it
doubles finds the attempt leased.

The ear is dramatiq's own worker. The button writes what dramatiq's `enqueue` writes, message by message, in one
transaction for all rings of a claim: a hundred microseconds for a message are thirteen then, and the pacer rings faster
than it claims. The keys and the message are dramatiq's, of its `dispatch.lua` and `Message`, whose major version is
pinned; that its worker hears every ring is tested. What `enqueue` does besides, a heartbeat for the sender and one
maintenance in a thousand, is for consumers, and the ears go on doing it.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from redis.typing import EncodableT, FieldT
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


def broker(url: str, namespace: str) -> "EasyBroker":
    """Return a broker without middleware: every promise beyond delivery is kept in Postgres."""
    client = redis.Redis.from_url(
        url, socket_timeout=SOCKET_TIMEOUT_SECONDS, socket_connect_timeout=SOCKET_TIMEOUT_SECONDS
    )
    return EasyBroker(client=client, namespace=f"{namespace}:dramatiq", middleware=[])  # type: ignore[no-untyped-call]  # dramatiq's own


class EasyBroker(RedisBroker):
    """Takes no ring that it has no use for, and does not insist on an acknowledgement.

    A worker of dramatiq's that is paused goes on until its queue is empty, and then rests for seconds: what it must not
    take it is not given here.

    It would also try to acknowledge until Redis is back, and a stop would wait ten minutes for it. A ring that is not
    acknowledged is heard once more by somebody, which changes nothing.
    """

    #: Asked before every look at the queue of rings for attempts.
    takes_dials: Callable[[], bool] = staticmethod(lambda: True)

    def do_fetch(self, queue_name: str, prefetch: int) -> list[bytes]:
        """Return what waits in a queue, up to so many messages; nothing that is not wanted."""
        if queue_name == DIAL_QUEUE and not self.takes_dials():
            return []
        fetched: list[bytes] = self._dispatch("fetch")(queue_name, prefetch)  # type: ignore[no-untyped-call]  # dramatiq's own
        return fetched

    def do_ack(self, queue_name: str, message_id: str) -> None:
        """Say once that a message was heard."""
        with contextlib.suppress(redis.RedisError):
            self._dispatch("ack")(queue_name, message_id)  # type: ignore[no-untyped-call]  # as above


class RedisDoorbell(Doorbell):
    """Rings by enqueueing; the client blocks, so it is called on a thread."""

    def __init__(self, redis_broker: RedisBroker) -> None:
        self._broker = redis_broker
        self._broker.declare_queue(DIAL_QUEUE)
        self._broker.declare_queue(DELIVER_QUEUE)

    @override
    async def ring(self, jobs: Sequence[DialJob]) -> None:
        if jobs:
            await asyncio.to_thread(self._enqueue, DIAL_QUEUE, [job.encode() for job in jobs])

    @override
    async def ring_deliverers(self) -> None:
        await asyncio.to_thread(self._enqueue, DELIVER_QUEUE, [{}])

    @override
    async def works(self) -> bool:
        try:
            return bool(await asyncio.to_thread(self._write))
        except _AWAY:
            return False

    def _write(self) -> object:
        """Write something small: a server that answers a PING may still take no writes."""
        return self._broker.client.set(f"{self._broker.namespace}:bell", 1, ex=CHECK_LIVES_SECONDS)

    def _enqueue(self, queue_name: str, messages: Sequence[dict[str, int]]) -> None:
        """Put all of them on a queue, or none: each in the hash of messages, and its id in the list of the waiting."""
        ring_id = uuid.uuid4().hex  # new for every ring: an id that waits already would be taken twice
        encoded: dict[FieldT, EncodableT] = {
            (message_id := f"{ring_id}-{place}"): _message(queue_name, message_id, fields).encode()
            for place, fields in enumerate(messages)
        }
        queue = f"{self._broker.namespace}:{queue_name}"
        try:
            with self._broker.client.pipeline(transaction=True) as pipeline:
                pipeline.hset(f"{queue}.msgs", mapping=encoded)
                pipeline.rpush(queue, *encoded)
                pipeline.execute()
        except _AWAY as error:
            raise DoorbellAway from error


class RedisDoorbellListener(DoorbellListener):
    """Listens with an embedded dramatiq worker: its threads only hand what they hear to the loop."""

    def __init__(self, redis_broker: EasyBroker) -> None:
        self._broker = redis_broker
        self._worker: dramatiq.Worker | None = None

    @override
    def start(
        self,
        *,
        on_dial: Callable[[DialJob], object],
        on_delivery: Callable[[], object],
        takes_dials: Callable[[], bool],
    ) -> None:
        self._broker.takes_dials = takes_dials

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


def _message(queue_name: str, message_id: str, fields: dict[str, int]) -> dramatiq.Message[None]:
    return dramatiq.Message(
        queue_name=queue_name, actor_name=queue_name, args=(), kwargs=fields,
        message_id=message_id, options={"redis_message_id": message_id},
    )  # fmt: skip
