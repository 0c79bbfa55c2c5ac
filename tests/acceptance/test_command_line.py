"""`paceline` as a user types it: the platform's life and its client, in real processes."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from shared.clock import epoch_seconds

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

pytestmark = pytest.mark.acceptance

Start = Callable[..., "Platform"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Background = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]

#: Two good lines and a bad one; both callees answer, and the second one presses a key.
PHONE_LIST = """\
tel:+12025550100;ani=+12025550199,invoice-1
tel:nobody;ani=+12025550199,invoice-2
tel:+12025550109;ani=+12025550199,invoice-3
"""


def _client(platform: "Platform") -> dict[str, str]:
    return {"PACELINE_API": platform.api, "PACELINE_TOKEN": platform.token}


def test_the_ready_file_tells_how_to_reach_everything(platform: "Platform") -> None:
    """When the ready file is there, all processes answer, and nobody else can read it."""
    facts = json.loads(platform.ready_file.read_text())
    assert set(facts) == {"api", "token", "dashboard", "database_url", "redis_url", "processes"}
    assert set(facts["processes"]) == {"api", "pacer", "dialer", "dashboard"}
    assert stat.S_IMODE(platform.ready_file.stat().st_mode) == 0o600
    assert facts["database_url"].startswith("postgresql://")
    assert facts["redis_url"].startswith("redis://")
    assert f"{facts['dashboard']}/#token={facts['token']}" in platform.output


async def test_the_api_and_the_dashboard_answer(platform: "Platform") -> None:
    """The addresses that are printed can be opened."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{platform.api}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with session.get(platform.dashboard) as answer:
            assert answer.status == 200
            assert "Paceline" in await answer.text()


@pytest.mark.parametrize("name", ["api", "pacer", "dialer", "dashboard"])
def test_a_killed_process_is_replaced(platform: "Platform", paceline: Run, name: str) -> None:
    """After SIGKILL of any process there is a new one, at the same address, and one line said so."""
    before = platform.kill(name)
    platform.wait_restarted(name, before)
    assert platform.output.count(f"The {name} ended (SIGKILL); it is started again") == 1
    assert paceline("campaign", "list", **_client(platform)).returncode == 0


def test_secrets_are_on_no_command_line(platform: "Platform") -> None:
    """Any user may list processes: none shows a token or the password of a server."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "command="], capture_output=True, text=True, check=True)
    assert platform.token not in listed.stdout
    for url in (platform.database_url, platform.redis_url):
        assert url.partition("://")[2].partition("@")[0].rpartition(":")[2] not in listed.stdout


def test_a_list_is_dialed_by_the_command_line_alone(
    platform: "Platform", paceline: Run, tmp_path: Path
) -> None:
    """`campaign create --start`, `status --watch` and `list` take a list from the file to its outcomes."""
    numbers = tmp_path / "march.csv"
    numbers.write_text(PHONE_LIST)
    created = paceline(
        "campaign", "create", "March", "--start-url", "http://127.0.0.1:1/none.vxml", "--numbers", numbers,
        "--window", "00:00-24:00", "--days", "mon,tue,wed,thu,fri,sat,sun", "--period", "1", "--amount", "120",
        "--start", **_client(platform),
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    assert "2 numbers accepted, 1 refused, 0 duplicates." in created.stdout
    assert "line 2: " in created.stdout
    campaign = created.stdout.split()[1]
    status = paceline("campaign", "status", campaign, "--watch", **_client(platform))
    assert "2 accepted, 1 refused" in status.stdout
    assert "0 ready, 0 waiting, 0 in an attempt, 2 final" in status.stdout
    row = next(
        line.split("\t")
        for line in paceline("campaign", "list", **_client(platform)).stdout.splitlines()
        if line.startswith(f"{campaign}\t")
    )
    assert row[1:2] + row[3:] == ["March", "2", "2", "0"]


def test_numbers_are_added_and_campaigns_stopped(platform: "Platform", paceline: Run, tmp_path: Path) -> None:
    """`add` takes more numbers, duplicates counted, and `start` and `stop` do what they say."""
    numbers = tmp_path / "more.csv"
    numbers.write_text(PHONE_LIST)
    created = paceline(
        "campaign", "create", "--start-url", "http://127.0.0.1:1/none.vxml", **_client(platform)
    )
    campaign = created.stdout.split()[1]
    for counts in (
        "2 numbers accepted, 1 refused, 0 duplicates",
        "0 numbers accepted, 1 refused, 2 duplicates",
    ):
        assert counts in paceline("campaign", "add", campaign, numbers, **_client(platform)).stdout
    for verb, state in (("start", "running"), ("stop", "stopped")):
        assert paceline("campaign", verb, campaign, **_client(platform)).returncode == 0
        assert f"State     {state}" in paceline("campaign", "status", campaign, **_client(platform)).stdout


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (("campaign", "status", "99999"), {}, "There is no campaign with id 99999."),
        (("campaign", "list"), {"PACELINE_TOKEN": "pl_wrong"}, "token"),
        (
            ("campaign", "list"),
            {"PACELINE_API": "http://127.0.0.1:1"},
            "No Paceline answers at http://127.0.0.1:1",
        ),
        (
            ("campaign", "create", "--start-url", "http://127.0.0.1:1/a", "--numbers", "/nowhere.csv"),
            {},
            "The phone list /nowhere.csv cannot be read: no such file or directory.",
        ),
        (("campaign", "create", "--start-url", "http://10.0.0.1/a"), {}, "PACELINE_EGRESS_ALLOW"),
        (("migrate",), {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "Postgres cannot be reached"),
        (("key", "create", "/nowhere/secret.key"), {}, "no such file or directory"),
        (("pacer",), {"PACELINE_RING_AHEAD_MS": "soon"}, "PACELINE_RING_AHEAD_MS cannot be used"),
        (("dialer",), {}, "DATABASE_URL is not set"),
        (("dashboard",), {"PACELINE_EGRESS_ALLOW": "10.0.0.0/8"}, "egress_allow"),
        (("listen",), {"PACELINE_WEBHOOK_SECRET": "whsec_"}, "A webhook secret is whsec_ and base64"),
    ],
)
def test_every_failure_is_a_sentence(
    platform: "Platform",
    paceline: Run,
    words: tuple[str, ...],
    environment: dict[str, str],
    sentence: str,
) -> None:
    """Whatever goes wrong, a person reads one sentence on standard error, and a script sees status 1."""
    failed = paceline(*words, **(_client(platform) | environment))
    assert failed.returncode == 1
    assert sentence in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""


def test_a_killed_platform_leaves_nothing_running_and_loses_nothing(
    start_platform: Start, paceline: Run, tmp_path: Path
) -> None:
    """SIGKILL of `paceline up` ends all that it had; the next start has the same token and campaigns.

    That one is stopped by SIGTERM, in order: status 0, and no ready file that tells of a platform any more.
    """
    first = start_platform(tmp_path / "data").wait_ready()
    made = paceline("campaign", "create", "Kept", "--start-url", "http://127.0.0.1:1/a", **_client(first))
    assert made.returncode == 0, made.stderr
    first.process.kill()
    first.process.wait()
    first.assert_nothing_remains()
    second = start_platform(tmp_path / "data").wait_ready()
    assert second.token == first.token
    assert "\tKept\t" in paceline("campaign", "list", **_client(second)).stdout
    assert second.stop(signal.SIGTERM) == 0
    assert not second.ready_file.exists()


@pytest.mark.parametrize(("program", "server"), [("redis-server", "Redis"), ("postgres", "Postgres")])
def test_a_lost_server_is_started_again(
    start_platform: Start, paceline: Run, tmp_path: Path, program: str, server: str
) -> None:
    """When an embedded server dies, that is said in a sentence, and the platform works on once it is back."""
    platform = start_platform(tmp_path / "data").wait_ready()
    os.kill(platform.server_pid(program), signal.SIGKILL)
    platform.until(
        lambda: f"The embedded {server} has ended" in platform.output, "its end", within_seconds=120
    )
    platform.until(
        lambda: f"The embedded {server} runs again." in platform.output, "its return", within_seconds=120
    )
    platform.until(
        lambda: paceline("campaign", "list", **_client(platform)).returncode == 0,
        "an answer",
        within_seconds=120,
    )
    assert platform.stop() == 0


@pytest.mark.parametrize("milestone", ["Starting Postgres", "Starting the API"])
def test_a_start_can_be_interrupted(start_platform: Start, tmp_path: Path, milestone: str) -> None:
    """Ctrl-C before everything answers stops what has been started until then, quietly."""
    platform = start_platform(tmp_path / "data")
    platform.until(lambda: milestone in platform.output, milestone, within_seconds=120)
    assert platform.stop() == 0
    _, stopping, more = platform.output.partition("Stopping.\n")
    assert stopping
    # Where the machine is busy a stop takes longer than nobody asks why.
    assert all(line.startswith("Waiting up to ") for line in more.splitlines()), platform.output
    assert not platform.ready_file.exists()


def test_servers_of_ones_own_are_used_and_left_alone(
    start_platform: Start, paceline: Run, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """With `--own-servers` the platform runs on DATABASE_URL and REDIS_URL; without it, it says that it does not."""
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    platform = start_platform(tmp_path / "data", environment=environment, options=["--own-servers"])
    assert platform.wait_ready().database_url == database_url
    assert platform.redis_url == redis_url
    assert paceline("campaign", "list", **_client(platform)).returncode == 0
    assert platform.stop() == 0
    assert paceline("migrate", **environment).returncode == 0


def test_a_second_platform_is_refused(platform: "Platform", paceline: Run, tmp_path: Path) -> None:
    """Neither the data folder nor a port is shared by two platforms, and the sentence says what to do."""
    same_folder = paceline("up", "--data-dir", platform.data_dir, "--port", "0")
    assert same_folder.returncode == 1
    assert f"already runs on {platform.data_dir}" in same_folder.stderr
    port = platform.api.rpartition(":")[2]
    same_port = paceline("up", "--data-dir", tmp_path / "other", "--port", port)
    assert same_port.returncode == 1
    assert f"Port {port} is taken: choose another with --port" in same_port.stderr
    assert not (tmp_path / "other").exists()


def test_a_process_alone_is_run_with_a_key_and_a_token(
    paceline: Run, in_background: Background, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """The way of production: a key, a migrated database, a token alone on standard output, and the API by itself."""
    key = tmp_path / "secret.key"
    assert paceline("key", "create", key).returncode == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PACELINE_SECRET_KEY_FILE": str(key)}
    assert paceline("migrate", **environment).stdout == "The database is up to date.\n"
    token = paceline("token", "create", "--tenant", "acme", **environment).stdout
    assert token.startswith("pl_")
    assert token.count("\n") == 1
    assert paceline("token", "create", "--tenant", "acme", **environment).stdout != token
    ready = tmp_path / "api.json"
    with in_background("api", PACELINE_API_PORT="0", PACELINE_READY_FILE=str(ready), **environment) as api:
        while not ready.exists():
            assert api.poll() is None
        port = json.loads(ready.read_text())["port"]
        client = {"PACELINE_API": f"http://127.0.0.1:{port}", "PACELINE_TOKEN": token.strip()}
        assert paceline("campaign", "list", **client).returncode == 0
        api.send_signal(signal.SIGTERM)
        assert api.wait(120) == 0


async def test_results_are_printed_as_they_arrive(in_background: Background) -> None:
    """`listen` prints each result with what its signature proves, and ends on Ctrl-C without a word."""
    key = b"k" * 32
    secret = f"whsec_{base64.b64encode(key).decode()}"
    with in_background("listen", "--port", "0", PACELINE_WEBHOOK_SECRET=secret) as listening:
        assert listening.stdout
        assert listening.stderr
        url = listening.stdout.readline().split()[4]
        listening.stdout.readline()
        body = b"message_reference=invoice-1&outcome=Busy"
        stamp = str(int(epoch_seconds()))
        signature = hmac.digest(key, b"res_1." + stamp.encode() + b"." + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "webhook-id": "res_1",
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        async with aiohttp.ClientSession(headers=headers) as session:
            for sent, status in ((body, 200), (body + b"!", 401)):
                async with session.post(url, data=sent) as answer:
                    assert (answer.status, len(await answer.read()) > 0) == (status, True)
        assert listening.stdout.readline() == "invoice-1  Busy  [signature verified]\n"
        assert listening.stdout.readline() == "invoice-1  Busy!  [signature does not match]\n"
        listening.send_signal(signal.SIGINT)
        # On a thread: our loop still has to let go of its connections, which the listener waits for.
        assert (await asyncio.to_thread(listening.wait, 120), listening.stderr.read()) == (130, "")
