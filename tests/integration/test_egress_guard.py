"""The guarded session: what it refuses to connect to, and how far an answer can go."""

import asyncio
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given
from hypothesis import strategies as st
from typing_extensions import override

from shared.adapters.egress.exchange import Exchange, GuardedHttp
from shared.adapters.egress.fetcher import GuardedFetcher
from shared.adapters.egress.guard import EgressRefused, LookupsHeldUp, ThreadedLookup, socket_factory
from shared.adapters.egress.session import guarded_session
from shared.clock import utc_now
from shared.domain.egress import EGRESS_SETTING, EgressPolicy, url_problem
from shared.ports.fetching import FetchFailed

_VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ssrf_urls.json").read_text())
_CLOSED = EgressPolicy()
_LOOPBACK = EgressPolicy(allow=(ip_network("127.0.0.1"),))
_PLENTY_BYTES = 10_000_000

_Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


def _urls(section: str) -> list[object]:
    return [pytest.param(row["url"], id=row["what"]) for row in _VECTORS[section]]


class Names(AbstractResolver):
    """Name servers that answer as they are told: one list of addresses per question, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    @override
    async def close(self) -> None:
        pass


class Receiver:
    """A server on loopback that sends prepared bytes and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(
        self, *responses: bytes | _Respond, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Answer each connection's one request with the next of the responses, the last for ever."""
        left = [_saying(response) if isinstance(response, bytes) else response for response in responses]

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._open.add(task)
            try:
                self.requests.append(await _request(reader))
                respond = left.pop(0) if len(left) > 1 else left[0]
                await respond(writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # hung up on, as many tests want it
            finally:
                self._open.discard(task)
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)


def _saying(response: bytes) -> _Respond:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        await writer.drain()

    return say


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0"
    )
    return head + await reader.readexactly(int(length.partition(b":")[2]))


def _answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> bytes:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    lines = {"Content-Length": str(len(body)), "Connection": "close", **named}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


async def _exchange(
    url: str,
    policy: EgressPolicy = _LOOPBACK,
    *,
    lookup: AbstractResolver | None = None,
    timeout_s: float = 60,
    connect_timeout_s: float = 60,
    max_bytes: int = _PLENTY_BYTES,
) -> Exchange:
    async with guarded_session(policy, lookup=lookup) as session:
        return await GuardedHttp(session, policy).exchange(
            "GET",
            url,
            headers={},
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
        )


# What may be connected to.


@pytest.mark.parametrize("url", _urls("refused_when_written_and_called"))
async def test_the_session_itself_refuses_every_spelling_of_a_private_address(url: str) -> None:
    """Without the first look, and with the system's own name look-up, no socket is opened for the corpus."""
    async with guarded_session(_CLOSED) as session:
        with pytest.raises((EgressRefused, aiohttp.InvalidURL)):
            await session.get(url, allow_redirects=False)


@pytest.mark.parametrize("url", _urls("refused_when_called"))
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "::ffff:169.254.169.254", "fe80::1%1", "2002:7f00:1::"]
)
async def test_a_name_that_resolves_to_a_private_address_is_refused(url: str, address: str) -> None:
    """A name that passes the first look is stopped by its address, in a sentence that does not tell it."""
    answer = await _exchange(url, _CLOSED, lookup=Names([address]))
    assert EGRESS_SETTING in (answer.failure or "")
    assert address not in (answer.failure or "")
    assert not answer.sent


@pytest.mark.parametrize("url", [*_urls("refused_when_written_and_called"), *_urls("refused_when_written")])
async def test_an_exchange_reports_a_refused_url_and_sends_nothing(url: str) -> None:
    """The one way to make requests looks at the text first, and answers with a sentence."""
    names = Names(["127.0.0.1"])
    answer = await _exchange(url, _CLOSED, lookup=names)
    assert answer.failure == url_problem(url, _CLOSED)
    assert (answer.status, answer.sent, names.asked) == (None, False, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "demo.localhost"])
async def test_an_allowed_network_is_reached(host: str) -> None:
    """With loopback allowed a receiver on it answers: the guard refuses addresses, not everything."""
    receiver = Receiver()
    async with receiver.serving(_answer(b"hello")):
        answer = await _exchange(f"http://{host}:{receiver.port}/")
    assert (answer.status, answer.body, answer.failure, answer.sent) == (200, b"hello", None, True)
    assert 0 <= (answer.connect_ms or 0) <= answer.total_ms


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::1"], ["127.0.0.1", "no address"]],
)
async def test_a_name_with_one_refused_address_is_refused_altogether(addresses: list[str]) -> None:
    """An answer that mixes an allowed and a refused address is used for neither."""
    receiver = Receiver()
    async with (
        receiver.serving(_answer()),
        guarded_session(_LOOPBACK, lookup=Names(addresses)) as session,
    ):
        with pytest.raises(EgressRefused):
            await session.get(f"http://mixed.example:{receiver.port}/", allow_redirects=False)
    assert receiver.requests == []


async def test_a_name_that_changes_its_address_is_judged_at_every_look_up() -> None:
    """A name that was good once is refused when its second answer is not: nothing is remembered."""
    receiver, names = Receiver(), Names(["127.0.0.1"], ["127.0.0.2"])
    async with receiver.serving(_answer()), guarded_session(_LOOPBACK, lookup=names) as session:
        url = f"http://rebinding.example:{receiver.port}/"
        async with session.get(url, allow_redirects=False) as first:
            assert first.status == 200
        with pytest.raises(EgressRefused):
            await session.get(url, allow_redirects=False)
    assert names.asked == ["rebinding.example"] * 2
    assert len(receiver.requests) == 1


async def test_a_port_outside_the_web_is_refused_at_the_connection() -> None:
    """A public address is not called on a port of another service, even with the first look skipped."""
    async with guarded_session(_CLOSED, lookup=Names(["8.8.8.8"])) as session:
        with pytest.raises(EgressRefused, match="Port 6379"):
            await session.get("http://public.example:6379/", allow_redirects=False)


def test_the_socket_factory_opens_only_what_is_allowed() -> None:
    """The last look is at the address of the socket itself, and leaves no socket open when it refuses."""
    factory = socket_factory(_LOOPBACK)
    kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with factory((socket.AF_INET, *kind, ("127.0.0.1", 9))) as opened:
        assert opened.family is socket.AF_INET
    for family, endpoint in (
        (socket.AF_INET, ("10.0.0.1", 80)),
        (socket.AF_INET6, ("::ffff:10.0.0.1", 80, 0, 0)),
        (socket.AF_INET6, ("fe80::1", 80, 0, 2)),
    ):
        with pytest.raises(EgressRefused):
            factory((family, *kind, endpoint))


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect for us, past the guard; the environment does not get a say."""
    proxy, receiver = Receiver(), Receiver()
    async with proxy.serving(_answer(b"proxy")) as proxy_url, receiver.serving(_answer(b"direct")) as url:
        monkeypatch.setenv("HTTP_PROXY", proxy_url)
        monkeypatch.setenv("http_proxy", proxy_url)
        assert (await _exchange(url)).body == b"direct"
    assert proxy.requests == []


# What goes wrong before anything is sent.


async def test_a_name_that_does_not_exist_is_a_sentence() -> None:
    """A name without an address is a failure before anything was sent."""
    answer = await _exchange("http://nowhere.example/", lookup=Names([]))
    assert (answer.failure, answer.sent) == ("The host name could not be resolved.", False)


async def test_a_name_server_that_never_answers_costs_a_bounded_time() -> None:
    """A look-up has a deadline of its own, so that a hostile name server holds nobody."""
    lookup = ThreadedLookup(timeout_seconds=0)
    with pytest.raises(TimeoutError):
        await lookup.resolve("127.0.0.1")
    await lookup.close()


class SlowNames:
    """A system whose look-ups of names under `slow.example` do not end before they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []
        monkeypatch.setattr("shared.adapters.egress.guard.socket.getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *_: object, **__: object) -> list[object]:
        self.asked.append(host)
        if host.endswith("slow.example"):
            self.let_go.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    """Names that are looked up for as long as the test wants."""
    names = SlowNames(monkeypatch)
    yield names
    names.let_go.set()


async def test_slow_names_of_one_domain_leave_threads_for_others(slow_names: SlowNames) -> None:
    """However many of its names are asked about, a few threads are its own, and the others' names are found at once."""
    lookup = ThreadedLookup(threads=8, per_party=4, timeout_seconds=60, queue_seconds=0.2)
    slow = [asyncio.create_task(lookup.resolve(f"n{number}.slow.example")) for number in range(40)]
    await asyncio.sleep(0)  # they ask first
    [found] = await lookup.resolve("well.example")
    assert found["host"] == "127.0.0.1"
    await asyncio.wait(slow[4:])
    slow_names.let_go.set()
    ends = Counter(type(end) for end in await asyncio.gather(*slow, return_exceptions=True))
    assert ends == {list: 4, LookupsHeldUp: 36}
    assert len(slow_names.asked) == 5
    await lookup.close()


async def test_a_thread_that_hangs_counts_until_it_ends(slow_names: SlowNames) -> None:
    """Who gave up waiting has not freed the thread: the next name waits for it, and has it when it ends."""
    lookup = ThreadedLookup(threads=8, per_party=1, timeout_seconds=0.05, queue_seconds=0.05)
    with pytest.raises(TimeoutError):
        await lookup.resolve("a.slow.example")
    with pytest.raises(LookupsHeldUp):
        await lookup.resolve("b.slow.example")
    await lookup.close()
    patient = ThreadedLookup(threads=1, per_party=1, timeout_seconds=60, queue_seconds=60)
    first, second = (asyncio.create_task(patient.resolve(f"{name}.slow.example")) for name in "ab")
    await asyncio.sleep(0)
    slow_names.let_go.set()
    assert [len(found) for found in await asyncio.gather(first, second)] == [1, 1]
    await patient.close()


async def test_look_ups_are_shared_by_tenant_where_it_is_known(slow_names: SlowNames) -> None:
    """A tenant with a slow name under each of many domains takes its own threads, and is told that we held it up."""
    lookup = ThreadedLookup(threads=4, per_party=2, timeout_seconds=60, queue_seconds=0.1)
    async with guarded_session(_LOOPBACK, lookup=lookup) as session:

        async def get(name: str, tenant_id: int) -> Exchange:
            return await GuardedHttp(session, _LOOPBACK).exchange(
                "GET", f"http://{name}/", headers={}, connect_timeout_s=60, timeout_s=60, max_bytes=9,
                tenant_id=tenant_id,
            )  # fmt: skip

        slow = [asyncio.create_task(get(f"d{number}-slow.example", 1)) for number in range(6)]
        await asyncio.sleep(0.01)  # they ask first
        found = await get("well.example", 2)
        assert (found.held_up, found.resolve_ms is None) == (False, False)
        waiting, answers = set(slow), list[Exchange]()
        while len(answers) < 4:
            ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            answers += [task.result() for task in ended]
        assert [(each.held_up, each.sent, each.status) for each in answers] == [(True, False, None)] * 4
        assert (answers[0].failure or "").startswith("Nothing was sent: ")
        slow_names.let_go.set()
        assert [each.held_up for each in await asyncio.gather(*waiting)] == [False, False]


async def test_the_system_look_up_refuses_a_name_that_cannot_be_one() -> None:
    """A name that the system's codec chokes on is a failed look-up, not an error of ours."""
    lookup = ThreadedLookup()
    with pytest.raises(socket.gaierror):
        await lookup.resolve("a" * 64 + ".example")
    await lookup.close()


async def test_a_closed_port_is_a_sentence() -> None:
    """A refused connection says so, and that nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = await _exchange(f"http://127.0.0.1:{port}/")
    assert answer.failure == "The connection could not be opened: connection refused."
    assert (answer.status, answer.sent, answer.connect_ms) == (None, False, None)


async def test_a_busy_host_keeps_others_waiting_for_a_bounded_time() -> None:
    """Beyond the connections that one host may hold, a request waits its connect time-out and is not sent."""
    receiver = Receiver()
    async with (
        receiver.serving(_hang) as url,
        guarded_session(_LOOPBACK, connections_per_host=1) as session,
    ):
        http = GuardedHttp(session, _LOOPBACK)
        first = asyncio.create_task(
            http.exchange("GET", url, headers={}, connect_timeout_s=60, timeout_s=60, max_bytes=1)
        )
        while not receiver.requests:
            await asyncio.sleep(0.01)
        second = await http.exchange("GET", url, headers={}, connect_timeout_s=0.1, timeout_s=60, max_bytes=1)
        assert first.cancel()
    assert (second.failure, second.sent) == ("No connection could be made in time.", False)
    assert len(receiver.requests) == 1


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    """TLS is verified: a self-signed receiver reads nothing of a result."""
    receiver = Receiver()
    async with receiver.serving(_answer(), tls=_self_signed(tmp_path)[0]) as url:
        answer = await _exchange(url)
    assert (answer.failure or "").startswith("The TLS certificate was not accepted: ")
    assert not answer.sent
    assert receiver.requests == []


async def test_a_plain_receiver_behind_an_https_url_is_a_failed_handshake() -> None:
    """Nothing is sent in the clear because the other side does not speak TLS."""

    async def rude(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
        answer = await _exchange(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (answer.failure, answer.sent) == ("The TLS handshake failed.", False)


# What an answer may be.


async def test_cookies_are_not_kept() -> None:
    """One customer's cookie is not sent with the next request."""
    receiver = Receiver()
    async with (
        receiver.serving(_answer(Set_Cookie="who=me; Path=/")) as url,
        guarded_session(_LOOPBACK) as session,
    ):
        for _ in range(2):
            async with session.get(url, allow_redirects=False) as answer:
                assert answer.status == 200
    assert b"cookie" not in receiver.requests[1].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_exchange_follows_no_redirect(status: int) -> None:
    """A redirect is an answer like any other."""
    receiver = Receiver()
    async with receiver.serving(_answer(status=f"{status} Moved", Location="/elsewhere")) as url:
        answer = await _exchange(url)
    assert (answer.status, len(receiver.requests)) == (status, 1)


@pytest.mark.parametrize("size", [0, 1, 65_536, 100_000])
async def test_a_body_of_exactly_the_bound_is_whole(size: int) -> None:
    """The bound itself is accepted; one byte more is cut and said to be."""
    receiver = Receiver()
    async with receiver.serving(_answer(b"x" * size), _answer(b"x" * (size + 1))) as url:
        whole = await _exchange(url, max_bytes=size)
        cut = await _exchange(url, max_bytes=size)
    assert (len(whole.body), whole.truncated, whole.failure) == (size, False, None)
    assert (len(cut.body), cut.truncated) == (size, True)


async def test_a_redirect_out_of_tls_is_refused(tmp_path: Path) -> None:
    """A document that was asked for over TLS is not fetched in the clear."""
    receiver, plain = Receiver(), Receiver()
    tls, certificate = _self_signed(tmp_path)
    async with (
        plain.serving(_answer()) as clear,
        receiver.serving(_answer(status="302 Found", Location=clear), tls=tls) as url,
        guarded_session(_LOOPBACK, tls=ssl.create_default_context(cafile=certificate)) as session,
    ):
        fetcher = GuardedFetcher(session, _LOOPBACK)
        with pytest.raises(FetchFailed, match="from https to http"):
            await fetcher.fetch("GET", url, timeout_s=60, max_bytes=1, follow_redirects=True)
    assert len(receiver.requests) == 1
    assert plain.requests == []


# How long an answer may take, and what it may be made of.


async def _hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _continue_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()


async def _chunks_for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + bytes(1_024) + b"\r\n")
        await writer.drain()


async def _headers_for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: and more\r\n" * 100)
        await writer.drain()


@pytest.mark.parametrize("respond", [_hang, _drip, _continue_for_ever])
async def test_an_answer_has_a_bounded_time(respond: _Respond) -> None:
    """Silence, a byte now and then, and interim answers without end all stop at the deadline."""
    receiver = Receiver()
    async with receiver.serving(respond) as url:
        answer = await _exchange(url, timeout_s=0.6)
        for timeout_s in (6, 60):  # longer where a busy machine did not get as far as the receiver
            if answer.sent:
                break
            answer = await _exchange(url, timeout_s=timeout_s)
    assert answer.sent
    assert "in time" in (answer.failure or "")
    assert answer.total_ms >= 500


@pytest.mark.parametrize("respond", [_chunks_for_ever, _headers_for_ever])
async def test_an_answer_has_a_bounded_size(respond: _Respond) -> None:
    """Chunks and headers without end are stopped by their size, long before their time."""
    receiver = Receiver()
    async with receiver.serving(respond) as url:
        answer = await _exchange(url, timeout_s=60, max_bytes=100_000)
    assert answer.truncated or answer.failure == "The answer was not valid HTTP."
    assert len(answer.body) <= 100_000
    assert "in time" not in (answer.failure or "")


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"HTP/1.1 200 OK\r\n\r\n", id="a bad status line"),
        pytest.param(b"220 mail.example ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="a header without a colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", id="a long header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="a bad chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="half a body"),
        pytest.param(b"HTTP/1.1 200", id="half a status line"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_an_answer_that_is_not_http_is_a_sentence(response: bytes) -> None:
    """Broken answers are failures in our words, and the request counts as sent."""
    receiver = Receiver()
    async with receiver.serving(response) as url:
        answer = await _exchange(url)
    assert answer.sent
    assert (answer.failure or "").endswith(".")
    assert "mail.example" not in (answer.failure or "")


_LETTERS = st.text(st.sampled_from("aZ09éß漢क\u094d\u0627\ufb01①"), min_size=1, max_size=8)
_PUNYCODE = _LETTERS.map(lambda text: "xn--" + text.encode("punycode").decode())
_HOST = st.lists(_LETTERS | _PUNYCODE | st.just("a-_b"), max_size=4).map(
    lambda labels: ".".join([*labels, "ü"])
)


@given(
    st.sampled_from(["http://", "https://"]),
    _HOST,
    st.sampled_from(["", ":80", ":8000", "?q", "/%zz", "/\u00e9?\u00fc#x"]),
)
def test_no_url_that_passes_the_first_look_breaks_the_client(scheme: str, host: str, rest: str) -> None:
    """Whatever the first look accepts, a request for it ends in an answer or a sentence."""
    url = scheme + host + rest
    assume(url_problem(url, _LOOPBACK) is None)
    answer = asyncio.run(_exchange(url, lookup=Names([]), timeout_s=1))
    assert answer.failure is not None
    assert not answer.sent


def _self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1 that no authority has signed, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, pem
