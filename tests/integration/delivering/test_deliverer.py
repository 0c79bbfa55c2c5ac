"""The deliverer at work: the same bytes at every try, nothing lost when something dies, an orderly end."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import structlog
from standardwebhooks import Webhook, WebhookVerificationError

from services.dialer import wiring as dialer
from shared.adapters.postgres.tenants import finish_webhook_rotation, rotate_webhook_secret, webhook_secret
from shared.adapters.webhook.signature import new_secret
from shared.domain.delivery_schedule import LeaseTooShort, shortest_lease_seconds
from shared.process import StopRequest
from shared.settings import Settings
from tests.integration.delivering.outbox import SECRET, TRY_SECONDS, Outbox, claimed
from tests.integration.delivering.receivers import Inbox, Wire, hang, lead_astray, refused, rogue


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """A receiver that behaves."""
    async with Inbox().open() as this:
        yield this


async def test_every_try_has_the_same_id_and_the_same_bytes(outbox: Outbox, inbox: Inbox) -> None:
    """Eleven tries through the whole schedule, each signed anew; then it is FAILED, and kept."""
    inbox.status = 404
    [call_id] = await outbox.put(await outbox.tenant(), inbox.url)
    async with outbox.deliverer() as deliverer:
        for tries in range(1, 12):
            await outbox.until(partial(_has_tries, outbox, call_id, tries))
            await outbox.make_due()
            deliverer.wake()
        await outbox.until_all("FAILED")
        deliverer.wake()
    assert len(inbox.received) == 11
    assert {body for _, body in inbox.received} == {f"call_id={call_id}&result=completed".encode()}
    assert {headers["webhook-id"] for headers, _ in inbox.received} == {f"res_{call_id}"}
    for headers, body in inbox.received:
        Webhook(SECRET).verify(body, dict(headers), json_parse=False)
    assert [line["status"] for line in await outbox.log(call_id)] == [404] * 11


async def _has_tries(outbox: Outbox, call_id: int, tries: int) -> bool:
    return await outbox.one("SELECT tries FROM delivery WHERE number_id = $1", call_id) == tries


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "call_id=%s&result=completed"),
        ("application/json", '{"call_id":%s}'),
    ],
)
async def test_two_secrets_sign_while_one_is_being_replaced(
    outbox: Outbox, inbox: Inbox, content_type: str, body: str
) -> None:
    """Before, during and after a rotation each receiver verifies with the secret that it knows at that time."""
    tenant_id = await outbox.tenant(SECRET)
    [name] = await outbox.sql("SELECT name FROM tenant WHERE tenant_id = $1", tenant_id)
    tenant = str(name["name"])
    verified: list[tuple[bool, bool]] = []
    new = new_secret(bytes(32))
    async with outbox.deliverer() as deliverer:
        for step in ("before", "during", "after"):
            if step == "during":
                new = await rotate_webhook_secret(outbox.url, tenant=tenant, sealer=outbox.sealer)
            if step == "after":
                await finish_webhook_rotation(outbox.url, tenant=tenant)
            ids = await outbox.put(tenant_id, inbox.url, content_type=content_type, body=body)
            deliverer.wake()
            await outbox.until_all("DELIVERED", *ids)
            headers, received = inbox.received[-1]
            verified.append((_verifies(SECRET, headers, received), _verifies(new, headers, received)))
    assert verified == [(True, False), (True, True), (False, True)]
    assert await webhook_secret(outbox.url, tenant=tenant, sealer=outbox.sealer) == new


def _verifies(secret: str, headers: object, body: bytes) -> bool:
    """Ask the published library; JSON is parsed by it as well."""
    assert isinstance(headers, dict)
    try:
        Webhook(secret).verify(body, headers, json_parse=body.startswith(b"{"))
    except WebhookVerificationError:
        return False
    return True


async def test_an_unsigned_result_never_leaves(outbox: Outbox, inbox: Inbox) -> None:
    """A tenant without a usable key: the try is logged with its reason, and the schedule goes on."""
    tenant_id = await outbox.tenant()
    await outbox.sql("UPDATE tenant SET webhook_keys = '{}'")
    [call_id] = await outbox.put(tenant_id, inbox.url)
    async with outbox.deliverer():
        await outbox.until_all("RETRY")
    [line] = await outbox.log(call_id)
    assert "no webhook secret" in line["error"]
    assert inbox.received == []


async def test_a_redirect_fails_the_try_and_is_not_followed(outbox: Outbox) -> None:
    """The log has the 302; the next try comes by the schedule."""
    async with rogue(lead_astray) as url:
        [call_id] = await outbox.put(await outbox.tenant(), url)
        async with outbox.deliverer():
            await outbox.until_all("RETRY")
    [line] = await outbox.log(call_id)
    assert (line["status"], line["error"]) == (302, None)
    assert line["connect_ms"] is not None
    assert line["total_ms"] >= line["connect_ms"]


async def test_retry_after_is_honoured_by_postgres_clock(outbox: Outbox, inbox: Inbox) -> None:
    """A receiver that asks for an hour gets an hour, in seconds or as a date."""
    inbox.status, inbox.headers = 503, {"Retry-After": "3600"}
    await outbox.put(await outbox.tenant(), inbox.url)
    async with outbox.deliverer():
        await outbox.until_all("RETRY")
    [row] = await outbox.sql("SELECT next_at - clock_timestamp() AS wait FROM delivery")
    assert timedelta(minutes=59) < row["wait"] <= timedelta(hours=1)


async def test_410_parks_and_enabling_delivers_the_oldest_first(outbox: Outbox, inbox: Inbox) -> None:
    """Nothing is lost and nothing is sent in between; afterwards all arrive once, in the order of their making."""
    inbox.status = 410
    tenant_id = await outbox.tenant()
    ids = await outbox.put(tenant_id, inbox.url, 12)
    async with outbox.deliverer(per_origin=1) as deliverer:
        await outbox.until_all("PARKED")
        sent = inbox.call_ids
        later = await outbox.put(tenant_id, inbox.url, 3)
        deliverer.wake()
        await outbox.until_all("PARKED")
        assert inbox.call_ids == sent
        assert len(sent) < 12
        inbox.status = 200
        desk = await outbox.desk()
        assert await desk.enable_receiver(tenant_id, inbox.url) == 15
        await outbox.until_all("DELIVERED")
    arrived = inbox.call_ids[len(sent) :]
    assert sorted(arrived) == [*ids, *later]
    first_tries = [call_id for call_id in arrived if call_id not in sent]
    assert first_tries == sorted(first_tries)


async def test_an_origin_that_opens_and_closes_is_told_once_in_words(outbox: Outbox, inbox: Inbox) -> None:
    """One line when it is left alone, one when it is back, however many results wait; then all arrive."""
    inbox.status = 500
    await outbox.put(await outbox.tenant(), inbox.url, 40)
    with structlog.testing.capture_logs() as logs:
        async with outbox.deliverer() as deliverer:
            await outbox.until(lambda: _circuit_is_open(outbox))
            tries_when_open = len(inbox.received)
            inbox.status = 200
            await outbox.sql("UPDATE receiver_circuit SET shut_until = clock_timestamp()")
            await outbox.make_due()
            deliverer.wake()
            await outbox.until(lambda: _all_are_delivered(outbox))
    assert tries_when_open < 40
    told = [line for line in logs if line["event"] in {"receiver_left_alone", "receiver_is_back"}]
    assert [line["event"] for line in told] == ["receiver_left_alone", "receiver_is_back"]
    assert told[0]["origin"] == f"http://{urlsplit(inbox.url).netloc}"
    assert "tries failed: it is left alone for 30 s" in told[0]["reason"]


async def _circuit_is_open(outbox: Outbox) -> bool:
    return bool(await outbox.sql("SELECT 1 FROM receiver_circuit WHERE state = 'OPEN'"))


async def _all_are_delivered(outbox: Outbox) -> bool:
    await outbox.make_due()  # those that failed wait for their schedule
    return set(await outbox.states()) == {"DELIVERED"}


# What may die.


async def test_a_deliverer_that_loses_postgres_goes_on_by_itself(outbox: Outbox, inbox: Inbox) -> None:
    """What is under way is recorded when Postgres is back, what waits is delivered, and nothing is sent twice."""
    server = urlsplit(outbox.url)
    assert server.hostname is not None
    assert server.port is not None
    wire = Wire((server.hostname, server.port))
    await wire.mend()
    far = urlunsplit(server._replace(netloc=server.netloc.replace(str(server.port), str(wire.port))))
    tenant_id = await outbox.tenant()
    inbox.gate = asyncio.Event()
    try:
        async with outbox.deliverer(url=far) as deliverer:
            before = await outbox.put(tenant_id, inbox.url, 8)
            await outbox.until(lambda: _waits(inbox, 8))
            await wire.cut()
            waiting = await outbox.put(tenant_id, inbox.url, 5)
            inbox.gate.set()
            deliverer.wake()
            await outbox.until(lambda: _waits(inbox, 0))
            assert set(await outbox.states(*before)) == {"SENDING"}
            await wire.mend()
            await outbox.until_all("DELIVERED", *before, *waiting)
    finally:
        await wire.cut()
    assert Counter(inbox.call_ids) == Counter([*before, *waiting])


async def _waits(inbox: Inbox, requests: int) -> bool:
    return inbox.waiting == requests


@pytest.fixture
def settings(outbox: Outbox, redis_url: str, key_file: Path) -> Settings:
    """The settings of a dialer process."""
    return Settings(
        DATABASE_URL=outbox.url, REDIS_URL=redis_url, secret_key_file=key_file, egress_allow=["127.0.0.0/8"],
        webhook_seconds=5, drain_seconds=0, log_level="error",
    )  # fmt: skip


async def test_what_is_under_way_at_sigterm_ends_before_the_process(
    outbox: Outbox, inbox: Inbox, settings: Settings
) -> None:
    """A stopped dialer takes nothing new, waits for the answers that are due, and records them."""
    inbox.gate = asyncio.Event()
    ids = await outbox.put(await outbox.tenant(), inbox.url, 3)
    request = StopRequest()
    patient = settings.model_copy(update={"webhook_seconds": 30.0})  # a busy machine takes its time
    process = asyncio.create_task(dialer.serve(patient, request))
    await outbox.until(lambda: _waits(inbox, 3))
    request.signalled()
    late = await outbox.put(await outbox.tenant(), inbox.url, 1)
    _, pending = await asyncio.wait([process], timeout=1.5)
    assert pending
    inbox.gate.set()
    async with asyncio.timeout(60):
        await process
    assert await outbox.states(*ids) == ["DELIVERED"] * 3
    assert inbox.call_ids.count(late[0]) <= 1
    assert len(inbox.received) <= 4


async def test_a_receiver_that_hangs_holds_no_process_up(outbox: Outbox, settings: Settings) -> None:
    """The end of a dialer is bounded by the time that one try may take; the results go out again later."""
    async with rogue(hang) as url:
        await outbox.put(await outbox.tenant(), url, 3)
        request = StopRequest()
        quick = settings.model_copy(update={"webhook_seconds": 1.0})
        process = asyncio.create_task(dialer.serve(quick, request))
        await outbox.until(lambda: _one_is_under_way(outbox))
        request.signalled()
        async with asyncio.timeout(60):
            await process
    assert await outbox.states() == ["RETRY"] * 3


async def _one_is_under_way(outbox: Outbox) -> bool:
    return "SENDING" in await outbox.states()


async def test_a_process_does_not_start_with_a_lease_that_is_too_short(settings: Settings) -> None:
    """Whatever the settings say: the refusal names the setting and the least value."""
    wrong = settings.model_copy(update={"webhook_lease_seconds": 14.9})
    with pytest.raises(LeaseTooShort, match="PACELINE_WEBHOOK_LEASE_SECONDS to at least 15"):
        await dialer.serve(wrong, StopRequest())


async def test_a_kill_between_answer_and_record_costs_a_repetition_and_nothing_else(
    outbox: Outbox, inbox: Inbox, settings: Settings
) -> None:
    """The receiver has answered 200 when the process dies: the same id and the same bytes come once more."""
    [call_id] = await outbox.put(await outbox.tenant(), inbox.url)
    process = await _dialer_process(settings)
    try:
        inbox.gate = asyncio.Event()
        await outbox.until(lambda: _waits(inbox, 1))
        async with outbox.connection.transaction():
            # Whoever would record the answer waits here, until it is dead.
            await outbox.sql("SELECT 1 FROM delivery FOR UPDATE")
            inbox.gate.set()
            await outbox.until(lambda: _waits(inbox, 0))
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            # Postgres would carry out what it was already told; here the process dies before it could tell.
            await outbox.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'paceline_deliverer'"
            )
        await outbox.until(lambda: _nobody_else_is_connected(outbox))
        assert await outbox.states() == ["SENDING"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await outbox.expire_leases()
    async with outbox.deliverer():
        await outbox.until_all("DELIVERED")
    (first_headers, first_body), (second_headers, second_body) = inbox.received
    assert first_body == second_body
    assert first_headers["webhook-id"] == second_headers["webhook-id"] == f"res_{call_id}"
    assert [line["status"] for line in await outbox.log(call_id)] == [None, 200]


async def _dialer_process(settings: Settings) -> asyncio.subprocess.Process:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PACELINE_")},
        "DATABASE_URL": settings.required_database_url(),
        "REDIS_URL": settings.required_redis_url(),
        "PACELINE_SECRET_KEY_FILE": str(settings.required_secret_key_file()),
        "PACELINE_EGRESS_ALLOW": json.dumps(["127.0.0.0/8"]),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli.main", "dialer", env=environment, start_new_session=True
    )


async def _nobody_else_is_connected(outbox: Outbox) -> bool:
    """Tell whether Postgres has noticed the death, and with it ended what the dead had begun."""
    return not await outbox.sql(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )


async def test_a_deliverer_that_was_frozen_leaves_what_it_held_to_others(
    outbox: Outbox, inbox: Inbox
) -> None:
    """What was claimed so long ago that its lease may end during the try is not sent by this process any more."""
    await outbox.put(await outbox.tenant(), inbox.url, 2)
    in_time, too_late = await claimed(await outbox.store(lease_seconds=shortest_lease_seconds(TRY_SECONDS)))
    async with outbox.deliverer() as deliverer:
        now = asyncio.get_running_loop().time()
        await deliverer._deliver(in_time, now - 3)
        await deliverer._deliver(too_late, now - deliverer._lease.latest_start_seconds - 0.1)
    assert inbox.call_ids == [in_time.number_id]
    assert await outbox.states(in_time.number_id, too_late.number_id) == ["DELIVERED", "SENDING"]


async def test_nobody_there_is_no_answer_and_stands_in_the_log(outbox: Outbox) -> None:
    """A refused connection is a failed try with its reason and without a connection time."""
    [call_id] = await outbox.put(await outbox.tenant(), refused())
    async with outbox.deliverer():
        await outbox.until_all("RETRY")
    [line] = await outbox.log(call_id)
    assert (line["status"], line["connect_ms"]) == (None, None)
    assert line["error"] == "The connection could not be opened: connection refused."
