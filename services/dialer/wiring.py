"""Builds the dialer process: the one room here that knows adapters."""

import asyncio
import os
import random
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from services.dialer.call_runner import CallLimits, CallRunner
from services.dialer.deliverer import Deliverer
from services.dialer.switchboard import Switchboard
from services.dialer.trunk_book import follow_trunks
from services.dialer.witness import CallWitness
from shared.adapters.egress.caching import CachingFetcher
from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.session import guarded_session
from shared.adapters.interpreter.pool import InterpreterPool
from shared.adapters.postgres.attempts import PostgresAttempts
from shared.adapters.postgres.database import IDLE_IN_TRANSACTION_TIMEOUT_MS, Database
from shared.adapters.postgres.deliveries import PostgresDeliveries
from shared.adapters.postgres.trunk_places import PostgresTrunkPlaces
from shared.adapters.postgres.trunks import PostgresUsableTrunks
from shared.adapters.recordings.directory import DirectoryRecordings, NowhereRecordings
from shared.adapters.redis.connection import open_redis
from shared.adapters.redis.doorbell import RedisDoorbellListener, broker
from shared.adapters.redis.scoreboard import RedisScoreboard
from shared.adapters.sealing.sealer import Sealer
from shared.adapters.simulator.outage import while_exists
from shared.adapters.simulator.telephony import Simulator
from shared.adapters.simulator.witness import open_witness
from shared.adapters.sip_trunk.credentials import read_credentials
from shared.adapters.sip_trunk.opening import SipSettings, open_sip_telephony
from shared.adapters.sip_trunk.report_line import Quality
from shared.adapters.sip_trunk.rtp_ports import PortRange
from shared.adapters.sip_trunk.telephony import SipTelephony
from shared.adapters.sip_trunk.trunk import Trunk, parse_address, parse_listen
from shared.adapters.webhook.sender import WebhookSender
from shared.clock import monotonic_seconds, utc_now
from shared.domain.delivery_schedule import DeliveryLease, shortest_lease_seconds
from shared.domain.egress import EgressPolicy
from shared.domain.routing import Route
from shared.domain.trunk_places import TrunkCaps
from shared.observability.metrics import (
    AUDIO_JITTER_MS,
    AUDIO_LATENESS_MS,
    AUDIO_LOST_HERE,
    AUDIO_LOST_THERE,
    AUDIO_ROUND_TRIP_MS,
    DIALER_CAPACITY,
)
from shared.observability.publishing import publish_forever
from shared.observability.readiness import announce_ready
from shared.observability.tally import Tally
from shared.ports.fetching import DocumentFetcher
from shared.ports.recordings import Recordings
from shared.ports.scoreboard import Scoreboard
from shared.ports.trunks import TrunkRecord, UsableTrunks
from shared.process import StopRequest, end, run_service, run_until, spare_the_collector
from shared.settings import Settings
from shared.sip.digest import Credentials
from shared.telephony.port import Telephony

ROLE = "paceline_dialer"
DELIVERER_ROLE = "paceline_deliverer"
#: A VoiceXML document that makes its interpreter think longer than this, in processor time, has lost its session: it
#: is over within the second, and the largest document that may be is read in a third of this.
INTERPRETER_ANSWER_SECONDS = 0.8
#: Claims of deliveries come one after the other: a deliverer that freezes in the middle of one holds up the others so
#: long at most.
FROZEN_CLAIM_MS = 2_000
#: One that publishes and one in reserve.
SCOREBOARD_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Boards:
    """Where a dialer notes what it measures."""

    tally: Tally
    scoreboard: Scoreboard


@dataclass(frozen=True, slots=True)
class TrunkStore:
    """What all dialers share of the trunks."""

    trunks: UsableTrunks
    places: PostgresTrunkPlaces


async def serve(settings: Settings, request: StopRequest) -> None:
    """Dial and deliver until asked to stop; then drain."""
    async with AsyncExitStack() as stack:
        desk = await _build(settings, stack)
        desk.listen()
        spare_the_collector()
        announce_ready(settings.ready_file, service="dialer")
        # Leases are renewed and results delivered while the last calls end.
        drained = asyncio.Event()
        work = asyncio.create_task(
            run_until(
                drained,
                desk.switchboard.lease_forever(),
                desk.switchboard.advertise_forever(),
                desk.switchboard.renew_forever(),
                desk.switchboard.obey_forever(),
                desk.deliverer.run(),
                publish_forever(desk.scoreboard, desk.tally, service="dialer", process_id=process_id()),
            )
        )
        stop = asyncio.create_task(request.stop.wait())
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await desk.switchboard.drain(settings.drain_seconds, request.hurry)
        drained.set()
        await work


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a dialer process is made of."""

    switchboard: Switchboard
    deliverer: Deliverer
    listener: RedisDoorbellListener
    scoreboard: RedisScoreboard
    tally: Tally

    def listen(self) -> None:
        """Let the doorbell's threads hand what they hear to this loop."""
        loop = asyncio.get_running_loop()
        self.listener.start(
            on_dial=lambda job: loop.call_soon_threadsafe(self.switchboard.hear, job),
            on_delivery=lambda: loop.call_soon_threadsafe(self.deliverer.wake),
            takes_dials=self.switchboard.takes_rings,
        )


async def _build(settings: Settings, stack: AsyncExitStack) -> Desk:
    database = await _database(settings, stack, ROLE)
    redis_url = settings.required_redis_url()
    redis = await stack.enter_async_context(open_redis(redis_url, connections=SCOREBOARD_CONNECTIONS))
    scoreboard = RedisScoreboard(redis, namespace=settings.redis_namespace)
    tally = Tally()
    tally.measure(DIALER_CAPACITY, settings.calls_per_dialer)
    sealer = Sealer.from_key_file(settings.required_secret_key_file())
    policy = EgressPolicy(allow=tuple(settings.egress_allow))
    deliverer = await _deliverer(settings, stack, sealer, policy, scoreboard, tally)
    attempts = PostgresAttempts(
        database,
        worker=process_id(),
        lease_seconds=settings.lease_seconds,
        callee_gap_seconds=settings.callee_gap_seconds,
    )
    fetcher = await _fetcher(policy, stack)
    runner = CallRunner(
        attempts=attempts,
        telephony=await _telephony(
            settings,
            stack,
            fetcher,
            Boards(tally, scoreboard),
            TrunkStore(PostgresUsableTrunks(database, unseal=sealer.open), PostgresTrunkPlaces(database)),
        ),
        interpreter=await _interpreter(settings, stack),
        fetcher=fetcher,
        fence_key=settings.required_secret_key_file().read_bytes(),
        limits=_limits(settings),
        witness=CallWitness(scoreboard, tally),
        result_written=deliverer.wake,
    )
    switchboard = Switchboard(
        runner, attempts, capacity=settings.calls_per_dialer, lease_seconds=settings.lease_seconds
    )
    listener = RedisDoorbellListener(broker(redis_url, settings.redis_namespace))
    stack.callback(listener.stop)
    return Desk(
        switchboard=switchboard,
        deliverer=deliverer,
        listener=listener,
        scoreboard=scoreboard,
        tally=tally,
    )


async def _database(
    settings: Settings,
    stack: AsyncExitStack,
    role: str,
    *,
    idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_TIMEOUT_MS,
) -> Database:
    database = await Database.connect(
        settings.required_database_url(),
        role=role,
        size=settings.database_pool_size,
        idle_in_transaction_ms=idle_in_transaction_ms,
    )
    stack.push_async_callback(database.close)
    return database


async def _telephony(
    settings: Settings, stack: AsyncExitStack, fetcher: DocumentFetcher, boards: Boards, stored: TrunkStore
) -> Telephony:
    if settings.telephony == "sip":
        return await _sip_telephony(settings, stack, fetcher, boards, stored)
    simulator = Simulator(
        speed=settings.simulator_speed,
        seed=settings.simulator_seed,
        witness=open_witness(settings.simulator_witness),
        trouble=while_exists(settings.simulator_outage_file),
    )
    stack.push_async_callback(simulator.close)
    return simulator


async def _sip_telephony(
    settings: Settings, stack: AsyncExitStack, fetcher: DocumentFetcher, boards: Boards, stored: TrunkStore
) -> SipTelephony:
    # Alone where it is set: whoever tries something out must not ring anybody through another.
    fixed = _trunk_of_settings(settings)
    if not fixed:
        stack.push_async_callback(stored.places.close)
    telephony = await stack.enter_async_context(
        open_sip_telephony(
            _sip_settings(settings, boards),
            fixed or [*map(_trunk, await stored.trunks.usable())],
            fetcher=fetcher,
            recordings=_recordings(settings),
            # The caps of a trunk that only this dialer knows are its own.
            places=None if fixed else stored.places,
        )
    )
    if not fixed:
        follower = asyncio.create_task(
            follow_trunks(stored.trunks, lambda records: telephony.use([*map(_trunk, records)]))
        )
        stack.push_async_callback(end, {follower})
    return telephony


def _trunk(record: TrunkRecord) -> Trunk:
    credentials = None
    if record.username is not None and record.password is not None:
        credentials = Credentials(username=record.username, password=record.password)
    return Trunk(
        route=Route(name=record.name, prefix=record.prefix, priority=record.priority),
        host=record.host,
        port=record.port,
        credentials=credentials,
        caller_id=record.caller_id,
        caps=TrunkCaps(channels=record.channels, calls_per_second=record.calls_per_second),
        pings=record.pings,
        asserted_identity=record.asserted_identity,
    )


def _sip_settings(settings: Settings, boards: Boards) -> SipSettings:
    host, port = parse_listen(settings.sip_listen, field="PACELINE_SIP_LISTEN")
    advertised = settings.sip_advertised_host
    return SipSettings(
        host=host,
        port=port,
        advertised_host=None if advertised is None else str(advertised),
        advertised_port=settings.sip_advertised_port,
        rtp_ports=PortRange.parse(settings.sip_rtp_ports, field="PACELINE_SIP_RTP_PORTS"),
        max_calls=settings.calls_per_dialer,
        note_lateness=lambda seconds: boards.tally.measure(AUDIO_LATENESS_MS, seconds * 1000),
        note_quality=partial(note_quality, boards.scoreboard),
    )


def note_quality(scoreboard: Scoreboard, quality: Quality) -> None:
    """Count how the audio of a call that is over fared."""
    if quality.loss_here is not None:
        scoreboard.observe(AUDIO_LOST_HERE, quality.loss_here * 1000)
    there = quality.there
    if there is None:
        return
    scoreboard.observe(AUDIO_LOST_THERE, there.loss * 1000)
    scoreboard.observe(AUDIO_JITTER_MS, there.jitter_seconds * 1000)
    if there.round_trip_seconds is not None:
        scoreboard.observe(AUDIO_ROUND_TRIP_MS, there.round_trip_seconds * 1000)


def _trunk_of_settings(settings: Settings) -> list[Trunk]:
    """Return the trunk of the settings, if there is one."""
    if settings.sip_trunk is None:
        return []
    host, port = parse_address(settings.sip_trunk, field="PACELINE_SIP_TRUNK")
    trunk = Trunk(
        route=Route(name="settings"),
        host=host,
        port=port,
        credentials=read_credentials(settings.sip_user, settings.sip_secret_file),
        caller_id=settings.sip_caller_id,
        caps=TrunkCaps(channels=settings.sip_channels, calls_per_second=settings.sip_calls_per_second),
    )
    return [trunk]


def _recordings(settings: Settings) -> Recordings:
    if settings.recordings_folder is None:
        return NowhereRecordings()
    return DirectoryRecordings(settings.recordings_folder, keep_days=settings.recordings_days)


async def _interpreter(settings: Settings, stack: AsyncExitStack) -> InterpreterPool:
    pool = InterpreterPool(
        processes=settings.interpreter_processes, answer_timeout_s=INTERPRETER_ANSWER_SECONDS
    )
    await pool.start()
    stack.push_async_callback(pool.close)
    return pool


async def _fetcher(policy: EgressPolicy, stack: AsyncExitStack) -> CachingFetcher:
    session = await stack.enter_async_context(guarded_session(policy))
    return CachingFetcher(GuardedFetcher(session, policy), clock=monotonic_seconds)


async def _deliverer(
    settings: Settings,
    stack: AsyncExitStack,
    sealer: Sealer,
    policy: EgressPolicy,
    scoreboard: RedisScoreboard,
    tally: Tally,
) -> Deliverer:
    session = await stack.enter_async_context(guarded_session(policy))
    sender = WebhookSender(
        GuardedHttp(session, policy), wall_clock=utc_now, timeout_s=settings.webhook_seconds
    )
    lease = delivery_lease(settings, try_seconds=sender.longest_try_seconds)
    deliveries = PostgresDeliveries(
        await _database(settings, stack, DELIVERER_ROLE, idle_in_transaction_ms=FROZEN_CLAIM_MS),
        unseal=sealer.open,
        per_origin=settings.webhooks_per_origin,
        per_tenant=settings.webhooks_per_tenant,
        lease_seconds=lease.seconds,
    )
    return Deliverer(deliveries, sender, lease, scoreboard, tally, random.Random())  # noqa: S311 - jitter, not a secret


def delivery_lease(settings: Settings, *, try_seconds: float) -> DeliveryLease:
    """Return how long a result is held; raises LeaseTooShort, so that no process starts with one that is."""
    seconds = settings.webhook_lease_seconds
    return DeliveryLease(
        seconds=shortest_lease_seconds(try_seconds) if seconds is None else seconds, try_seconds=try_seconds
    )


def _limits(settings: Settings) -> CallLimits:
    return CallLimits(
        ring_seconds=settings.ring_seconds,
        longest_call_seconds=settings.longest_call_seconds,
        quarantine_seconds=settings.longest_call_seconds
        + settings.ring_seconds
        + settings.quarantine_margin_seconds,
        callee_gap_seconds=settings.callee_gap_seconds,
    )


def process_id() -> str:
    """Return what tells this process from every other."""
    return f"{socket.gethostname()}-{os.getpid()}"


def main() -> None:
    """Run a dialer."""
    run_service("dialer", serve)
