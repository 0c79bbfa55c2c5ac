"""The receiver of results."""

import socket

import aiohttp
import pytest

from services.cli.receiving.listen import result_line
from services.cli.receiving.result import Proof, ReceivedResult, Verifier
from services.cli.receiving.server import CannotListen, receiver, served

LOOPBACK = "127.0.0.1"


async def test_results_are_heard_and_documents_served() -> None:
    """Results are taken on any path, and the campaign's document is served by GET and by POST."""
    heard: list[ReceivedResult] = []
    app = receiver(Verifier(None), heard.append, {"/a.vxml": "<vxml/>"})
    async with served(app, LOOPBACK, 0) as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/results", data={"message_reference": "invoice-1"}) as answer:
            assert (answer.status, await answer.text()) == (200, "signature not checked\n")
        for ask in (session.get, session.post):
            async with ask(f"{url}/a.vxml") as answer:
                assert await answer.text() == "<vxml/>"
                assert answer.content_type == "application/voicexml+xml"
    assert [result.reference for result in heard] == ["invoice-1"]


async def test_a_wrong_signature_is_answered_401() -> None:
    """A result that proves nothing is told so, and its sender will try again."""
    heard: list[ReceivedResult] = []
    app = receiver(Verifier("whsec_" + "A" * 43 + "="), heard.append)
    async with (
        served(app, LOOPBACK, 0) as url,
        aiohttp.ClientSession() as session,
        session.post(url, data={"message_reference": "invoice-1"}) as answer,
    ):
        assert answer.status == 401
    assert [result.proof for result in heard] == [Proof.WRONG]


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"a=" + b"x" * 300_000, 413)])
async def test_what_is_no_result_is_not_heard(body: bytes, status: int) -> None:
    """An empty body and an enormous one are refused and not told to anybody."""
    heard: list[ReceivedResult] = []
    async with (
        served(receiver(Verifier(None), heard.append), LOOPBACK, 0) as url,
        aiohttp.ClientSession() as session,
        session.post(url, data=body) as answer,
    ):
        assert answer.status == status
    assert heard == []


async def test_a_taken_port_is_told() -> None:
    """Where somebody else listens, the sentence says so and what to change."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127.0.0.1:{port} cannot be .*: choose another with --port"):
            async with served(receiver(Verifier(None), print), LOOPBACK, port):
                pytest.fail("Nobody can listen here.")


async def test_the_next_port_is_taken_where_the_first_is_not_free() -> None:
    """Of several ports the first free one is served."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        async with served(receiver(Verifier(None), print), LOOPBACK, port, 0) as url:
            assert not url.endswith(f":{port}")
    async with served(receiver(Verifier(None), print), LOOPBACK, port, 0) as url:
        assert url.endswith(f":{port}")


def test_a_result_is_one_line() -> None:
    """A result is told in one line, what matters first, and control characters do not reach the terminal."""
    fields = {
        "phone_number": "+12025550100",
        "message_reference": "a\x1b[2Jb",
        "outcome": "Busy",
        "duration": "",
    }
    line = result_line(ReceivedResult(fields=fields, proof=Proof.VERIFIED))
    assert line == "a?[2Jb  Busy  phone_number=+12025550100  [signature verified]"
