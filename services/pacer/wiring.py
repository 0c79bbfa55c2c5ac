"""Builds the pacer process: the one room here that knows adapters."""

import os
import socket
from datetime import timedelta

from services.pacer.pacer import Pacer
from services.pacer.reaper import Reaper
from services.pacer.totals import publish_totals_forever
from shared.adapters.postgres.database import Database
from shared.adapters.postgres.planning import PostgresPlanning
from shared.adapters.postgres.reaping import PostgresReaping
from shared.adapters.postgres.totals import PostgresTotals
from shared.adapters.redis.connection import open_redis
from shared.adapters.redis.doorbell import RedisDoorbell, broker
from shared.adapters.redis.scoreboard import RedisScoreboard
from shared.observability.publishing import publish_forever
from shared.observability.readiness import announce_ready
from shared.observability.tally import Tally
from shared.process import StopRequest, run_service, run_until
from shared.settings import Settings

ROLE = "paceline_pacer"
#: A pacer that freezes inside a tick must not hold its campaign for longer than this.
IDLE_IN_TRANSACTION_MS = 2000
#: The totals and the process's own word, at the same time.
SCOREBOARD_CONNECTIONS = 2


async def serve(settings: Settings, request: StopRequest) -> None:
    """Pace until asked to stop; a tick under way is rolled back or committed, never half."""
    database = await Database.connect(
        settings.required_database_url(),
        role=ROLE,
        size=settings.database_pool_size,
        idle_in_transaction_ms=IDLE_IN_TRANSACTION_MS,
    )
    redis_url = settings.required_redis_url()
    doorbell = RedisDoorbell(broker(redis_url, settings.redis_namespace))
    redis = open_redis(redis_url, connections=SCOREBOARD_CONNECTIONS)
    scoreboard = RedisScoreboard(redis, namespace=settings.redis_namespace)
    tally = Tally()
    planning = PostgresPlanning(database, send_tolerance_seconds=settings.send_tolerance_ms / 1000)
    pacer = Pacer(
        planning=planning,
        doorbell=doorbell,
        tally=tally,
        horizon=timedelta(milliseconds=settings.ring_ahead_ms),
    )
    reaper = Reaper(
        reaping=PostgresReaping(database),
        doorbell=doorbell,
        tally=tally,
        quarantine_seconds=settings.longest_call_seconds
        + settings.ring_seconds
        + settings.quarantine_margin_seconds,
    )
    announce_ready(settings.ready_file, service="pacer")
    try:
        await run_until(
            request.stop,
            pacer.run(),
            reaper.run(),
            publish_totals_forever(PostgresTotals(database), scoreboard),
            publish_forever(scoreboard, tally, service="pacer", process_id=process_id()),
        )
    finally:
        await redis.aclose()
        await database.close()


def process_id() -> str:
    """Return what tells this process from every other."""
    return f"{socket.gethostname()}-{os.getpid()}"


def main() -> None:
    """Run a pacer."""
    run_service("pacer", serve)
