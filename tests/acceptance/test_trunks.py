"""`paceline trunk`: the ways out, from a shell."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytestmark = pytest.mark.acceptance

Paceline = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def trunk(paceline: Paceline, database_url: str, key_file: Path) -> Paceline:
    """Run `paceline trunk …` on an empty database."""

    def run(*words: str | Path) -> "CompletedProcess[str]":
        return paceline(
            "trunk", *words, DATABASE_URL=database_url, PACELINE_SECRET_KEY_FILE=str(key_file), COLUMNS="200"
        )

    return run


def test_trunks_are_added_listed_and_switched(trunk: Paceline, tmp_path: Path) -> None:
    """In the order in which they are tried, and never with a secret."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    assert "There is no trunk" in trunk("list").stdout
    added = trunk(
        "add", "carrier", "sip:sip.example.net:5080", "--user", "acme", "--secret-file", secret,
        "--cps", "5", "--channels", "30", "--prefix", "+44", "--priority", "10",
    )  # fmt: skip
    assert (added.returncode, added.stderr) == (0, "")
    assert "sip.example.net:5080" in added.stdout
    assert trunk("add", "world", "sip:192.0.2.1").returncode == 0
    assert trunk("disable", "world").returncode == 0
    listed = trunk("list").stdout.splitlines()
    assert listed[1].split() == [
        "world",
        "192.0.2.1:5060",
        "none",
        "any",
        "100",
        "no",
        "limit",
        "no",
        "limit",
        "disabled",
    ]
    assert listed[2].split() == [
        "carrier",
        "sip.example.net:5080",
        "acme",
        "44",
        "10",
        "5",
        "0",
        "of",
        "30",
        "in",
        "use",
    ]
    assert "s3cret" not in "".join(listed)
    assert trunk("enable", "world").returncode == 0
    assert "disabled" not in trunk("list").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "x", "192.0.2.1"), "sip:HOST"),
        (("add", "x", "sip:192.0.2.1", "--user", "acme"), "--secret-file"),
        (("add", "x", "sip:192.0.2.1", "--prefix", "4x"), "digits"),
        (("disable", "nobody"), "There is no trunk called nobody"),
        (("test", "nobody"), "There is no trunk called nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    trunk: Paceline, words: tuple[str, ...], says: str
) -> None:
    """And nothing is kept."""
    refused = trunk(*words)
    assert refused.returncode != 0
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "There is no trunk" in trunk("list").stdout


def test_a_trunk_is_asked_whether_it_is_there(trunk: Paceline) -> None:
    """Exit status 0 where somebody answers, 1 where nobody listens, each in words."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(30)
        port = far.getsockname()[1]
        assert trunk("add", "here", f"sip:127.0.0.1:{port}").returncode == 0

        async def ask() -> "CompletedProcess[str]":
            asking = asyncio.create_task(asyncio.to_thread(trunk, "test", "here"))
            await asyncio.to_thread(answer_once, far)
            return await asking

        answered = asyncio.run(ask())
    assert (answered.returncode, answered.stderr) == (0, "")
    assert "it answered 200" in answered.stdout
    gone = trunk("test", "here")
    assert gone.returncode == 1
    assert "nobody listens there" in gone.stdout


def answer_once(far: socket.socket) -> None:
    """Answer one OPTIONS with 200."""
    data, source = far.recvfrom(4096)
    kept = [
        line
        for line in data.decode().split("\r\n")
        if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
    ]
    far.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), source)
