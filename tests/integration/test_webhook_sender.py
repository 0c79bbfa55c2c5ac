"""Signed webhooks on their way to receivers that behave, and to those that do not."""

import asyncio
import base64
import gzip
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from standardwebhooks import Webhook, WebhookVerificationError

from shared.adapters.egress.exchange import GuardedHttp
from shared.adapters.egress.session import guarded_session
from shared.adapters.webhook.sender import Http, WebhookSender
from shared.adapters.webhook.signature import UnusableSecret, new_secret, secret_bytes, signature_header
from shared.clock import utc_now
from shared.domain.egress import EgressPolicy
from shared.domain.errors import Invalid
from shared.ports.delivering import OutgoingWebhook, TryReport

_VECTORS = json.loads((Path(__file__).parents[1] / "vectors/signatures.json").read_text())
_LOOPBACK = EgressPolicy(allow=(ip_network("127.0.0.1"),))
_SECRET, _OLD_SECRET = new_secret(bytes(range(32))), new_secret(bytes(range(24)))
_FORM = "application/x-www-form-urlencoded"
_WEBHOOK = OutgoingWebhook(
    webhook_id="res_42",
    url="http://127.0.0.1/",
    content_type=_FORM,
    body=b"phone_number=%2B12025550100&message_reference=a%26b&call_id=42&result=completed",
    keys=(_SECRET,),
)


class Inbox:
    """A receiver on loopback, an ordinary aiohttp server, that keeps what it was sent."""

    def __init__(
        self, status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self._answer = (status, body, headers)
        self.received: list[tuple[Mapping[str, str], bytes]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Receive, and give the address."""
        async with RawTestServer(self._receive) as server:
            yield str(server.make_url("/results"))

    async def _receive(self, request: web.BaseRequest) -> web.Response:
        self.received.append((request.headers, await request.read()))
        status, body, headers = self._answer
        return web.Response(status=status, body=body, headers=headers)


async def _send(
    webhook: OutgoingWebhook, *, timeout_s: float = 60, policy: EgressPolicy = _LOOPBACK
) -> TryReport:
    async with guarded_session(policy) as session:
        http: Http = GuardedHttp(session, policy)
        sender = WebhookSender(http, wall_clock=utc_now, timeout_s=timeout_s, connect_timeout_s=timeout_s)
        return await sender.send(webhook)


async def _send_and_give_up(url: str, *, answered: bool) -> TryReport:
    """Send with a short time-out, and with a longer one where a busy machine did not get as far as the receiver."""
    report = await _send(replace(_WEBHOOK, url=url), timeout_s=0.6)
    for timeout_s in (6, 60):
        if report.status is not None if answered else report.sent:
            break
        report = await _send(replace(_WEBHOOK, url=url), timeout_s=timeout_s)
    return report


_Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _rogue(respond: _Respond) -> AsyncIterator[str]:
    """Run a receiver that does as it likes with its connections."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await respond(reader, writer)
        except ConnectionError:
            pass  # hung up on, as most tests want it
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/results"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


# Signatures.


@pytest.mark.parametrize("row", [pytest.param(row, id=row["what"]) for row in _VECTORS["signatures"]])
def test_a_signature_is_the_one_that_openssl_computes(row: dict[str, Any]) -> None:
    """Every published signature is reproduced to the letter."""
    header = signature_header(
        row["secrets"],
        webhook_id=row["webhook_id"],
        timestamp_s=row["timestamp_s"],
        body=row["body"].encode(),
    )
    assert header == row["webhook_signature"]


def test_a_form_is_signed_as_the_reference_library_signs_it() -> None:
    """`Webhook.sign` of the standardwebhooks package agrees about a form body."""
    moment = datetime.fromisoformat("2026-11-21T12:00:00Z")
    header = signature_header(
        [_SECRET], webhook_id="res_42", timestamp_s=int(moment.timestamp()), body=_WEBHOOK.body
    )
    assert header == Webhook(_SECRET).sign("res_42", moment, _WEBHOOK.body.decode())


def test_a_new_secret_is_read_back_and_accepted_by_the_reference_library() -> None:
    """Secrets of 24 to 64 random bytes are written as the specification has them."""
    for size in (24, 32, 64):
        entropy = bytes(range(size))
        secret = new_secret(entropy)
        assert secret.startswith("whsec_")
        assert secret_bytes(secret) == entropy
        assert Webhook(secret).sign("a", utc_now(), "b").startswith("v1,")


@pytest.mark.parametrize("size", [0, 16, 23, 65])
def test_a_secret_is_neither_guessable_nor_endless(size: int) -> None:
    """Fewer than 24 bytes or more than 64 are refused, when made and when read."""
    with pytest.raises(UnusableSecret, match=f"not {size}"):
        new_secret(bytes(size))
    with pytest.raises(UnusableSecret, match=f"not {size}"):
        secret_bytes("whsec_" + base64.b64encode(bytes(size)).decode())


@pytest.mark.parametrize("secret", ["whsec_?", "whsec_a", "whsec_" + "ü" * 32, "whsec_" + "a b" * 12, "\0"])
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str) -> None:
    """What is not base64 is refused in a sentence that a log may keep."""
    with pytest.raises(UnusableSecret) as refusal:
        secret_bytes(secret)
    assert secret not in refusal.value.message


@pytest.mark.parametrize("webhook_id", ["", "res.42", "res 42", "res_42\n", "résult", "a" * 129])
def test_an_id_that_could_be_mistaken_for_another_is_not_signed(webhook_id: str) -> None:
    """A dot in an id would let a signature for one id and time serve for another."""
    with pytest.raises(Invalid):
        signature_header([_SECRET], webhook_id=webhook_id, timestamp_s=1, body=b"")


async def test_nothing_is_sent_without_a_secret() -> None:
    """An unsigned result never leaves."""
    inbox = Inbox()
    async with inbox.open() as url:
        with pytest.raises(UnusableSecret):
            await _send(replace(_WEBHOOK, url=url, keys=()))
    assert inbox.received == []


def test_what_is_secret_or_personal_is_not_shown() -> None:
    """The value's own text has neither the keys nor the body, so that a log line cannot leak them."""
    assert "whsec_" not in repr(_WEBHOOK)
    assert "12025550100" not in repr(_WEBHOOK)


# Receivers that behave.


async def test_a_receiver_can_verify_a_json_result() -> None:
    """`Webhook.verify` of the standardwebhooks package accepts what arrives, and the body is unchanged."""
    inbox, result = Inbox(), {"call_id": 42, "message_reference": "Zoë & co"}
    body = json.dumps(result, ensure_ascii=False).encode()
    async with inbox.open() as url:
        report = await _send(replace(_WEBHOOK, url=url, content_type="application/json", body=body))
    headers, received = inbox.received[0]
    assert (report.status, report.error, report.sent) == (200, None, True)
    assert received == body
    assert Webhook(_SECRET).verify(received, dict(headers)) == result
    with pytest.raises(WebhookVerificationError):
        Webhook(_OLD_SECRET).verify(received, dict(headers))


async def test_a_receiver_can_verify_a_form_result() -> None:
    """The form arrives byte for byte, with its content type, id and our version, and verifies."""
    inbox = Inbox()
    async with inbox.open() as url:
        await _send(replace(_WEBHOOK, url=url))
    headers, received = inbox.received[0]
    Webhook(_SECRET).verify(received, dict(headers), json_parse=False)
    assert parse_qs(received.decode())["message_reference"] == ["a&b"]
    assert headers["content-type"] == _FORM
    assert headers["webhook-id"] == "res_42"
    assert re.fullmatch(r"Paceline-Webhook/[0-9][0-9A-Za-z.+-]*", headers["user-agent"])


async def test_either_secret_verifies_while_one_is_being_replaced() -> None:
    """With two secrets there are two signatures, newest first, and each of them verifies."""
    inbox = Inbox()
    async with inbox.open() as url:
        await _send(replace(_WEBHOOK, url=url, keys=(_SECRET, _OLD_SECRET)))
    headers, received = inbox.received[0]
    newest, old = headers["webhook-signature"].split(" ")
    for secret, signature in ((_SECRET, newest), (_OLD_SECRET, old)):
        named = {**headers, "webhook-signature": signature}
        Webhook(secret).verify(received, named, json_parse=False)
        Webhook(secret).verify(received, dict(headers), json_parse=False)


async def test_a_second_try_has_the_same_id_and_the_same_bytes() -> None:
    """A receiver recognises a repetition by its id."""
    inbox = Inbox(500)
    async with inbox.open() as url:
        for _ in range(2):
            await _send(replace(_WEBHOOK, url=url))
    (first_headers, first_body), (second_headers, second_body) = inbox.received
    assert first_headers["webhook-id"] == second_headers["webhook-id"]
    assert first_body == second_body


@pytest.mark.parametrize("status", [200, 204, 400, 404, 410, 429, 500, 503])
async def test_every_status_is_reported_as_it_came(status: int) -> None:
    """The sender decides nothing: a status is a status."""
    async with Inbox(status).open() as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.error, report.sent) == (status, None, True)
    assert report.connect_ms is not None
    assert 0 <= report.connect_ms <= report.total_ms


async def test_the_beginning_of_the_answer_and_its_retry_after_are_kept() -> None:
    """2,048 bytes stay for the log, and the header as it came, if not too long."""
    async with Inbox(503, b"x" * 5_000, {"Retry-After": "120"}).open() as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.answer, report.retry_after) == (b"x" * 2_048, "120")
    async with Inbox(503, b"", {"Retry-After": "1" * 5_000}).open() as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.answer, len(report.retry_after or "")) == (b"", 64)


async def test_a_redirect_to_the_metadata_service_is_an_answer_and_no_more() -> None:
    """301 is reported; its target sees neither the result nor a connection."""
    inbox = Inbox(301, b"", {"Location": "http://169.254.169.254/latest/meta-data/"})
    async with inbox.open() as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.error) == (301, None)
    assert len(inbox.received) == 1


async def test_a_compressed_answer_is_not_unpacked() -> None:
    """A gzip bomb stays the few bytes that it came as; nothing compressed is even asked for."""
    bomb = gzip.compress(bytes(20_000_000))
    inbox = Inbox(200, bomb, {"Content-Encoding": "gzip"})
    async with inbox.open() as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.answer) == (200, bomb[:2_048])
    assert inbox.received[0][0]["Accept-Encoding"] == "identity"


# Receivers that do not.


async def test_a_receiver_that_hangs_costs_one_time_out() -> None:
    """Without an answer the try ends in time, and may have arrived."""

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with _rogue(hang) as url:
        report = await _send_and_give_up(url, answered=False)
    assert (report.status, report.error, report.sent) == (None, "No answer came in time.", True)
    assert report.total_ms >= 500


async def test_a_receiver_that_drips_its_answer_has_still_given_its_status() -> None:
    """A byte now and then does not outlast the time-out; the status that came counts."""

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with _rogue(drip) as url:
        report = await _send_and_give_up(url, answered=True)
    assert (report.status, report.error) == (200, "The answer did not end in time.")
    assert 0 < len(report.answer) < 1000


async def test_an_endless_answer_is_hung_up_on() -> None:
    """Of 64 MB, 64 KB are read: the receiver cannot get rid of the rest."""
    written = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1_024):
            writer.write(bytes(65_536))
            await writer.drain()
            written += 65_536

    async with _rogue(flood) as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.error, len(report.answer)) == (200, None, 2_048)
    assert written < 16_000_000  # what the kernel's buffers swallowed


async def test_a_receiver_that_resets_the_connection_may_have_read_the_result() -> None:
    """A reset before the answer is a failure after sending: nobody knows."""

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger_not_at_all = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all)
        writer.transport.abort()

    async with _rogue(reset) as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.sent) == (None, True)
    assert (report.error or "").startswith("The connection ")


async def test_an_early_200_that_breaks_off_keeps_its_status() -> None:
    """The status line has come: the report has it, beside what went wrong after it."""

    async def break_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()

    async with _rogue(break_off) as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.answer) == (200, b"half")
    assert report.error == "The answer broke off, or was not valid HTTP."


async def test_a_bad_status_line_is_no_answer() -> None:
    """What is not HTTP has no status, and its words are not passed on."""

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 fine, thanks\r\n\r\n")

    async with _rogue(babble) as url:
        report = await _send(replace(_WEBHOOK, url=url))
    assert (report.status, report.error, report.sent) == (None, "The answer was not valid HTTP.", True)


async def test_a_refused_connection_is_provably_unsent() -> None:
    """Nobody listens: the try failed before a byte left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    report = await _send(replace(_WEBHOOK, url=f"http://127.0.0.1:{port}/"))
    assert (report.status, report.sent, report.connect_ms) == (None, False, None)
    assert report.error == "The connection could not be opened: connection refused."


async def test_a_private_receiver_is_refused_when_the_operator_has_not_listed_it() -> None:
    """The guard holds on every try, and its sentence reaches the log of the delivery."""
    inbox = Inbox()
    async with inbox.open() as url:
        report = await _send(replace(_WEBHOOK, url=url), policy=EgressPolicy())
    assert "PACELINE_EGRESS_ALLOW" in (report.error or "")
    assert (report.status, report.sent, inbox.received) == (None, False, [])
