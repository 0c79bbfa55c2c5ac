"""`paceline webhook …` and `paceline delivery …` against real receivers, a real database and the real API."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from services.api import wiring as api
from services.cli.main import app
from services.cli.webhooks import actions
from shared.adapters.postgres.tenants import create_token, tenant_id
from shared.adapters.sealing.sealer import create_key_file
from shared.domain.delivery_schedule import Disabled, Failed
from shared.domain.errors import PacelineError
from shared.ports.delivering import TryReport
from shared.process import StopRequest
from shared.settings import Settings
from tests.integration.delivering.outbox import SECRET, Outbox, claimed
from tests.integration.delivering.receivers import Inbox, lead_astray, rogue

FAILED = TryReport(
    status=500, error=None, sent=True, resolve_ms=1, connect_ms=2, total_ms=3, answer=b"oh", retry_after=None
)


async def paceline(*words: str) -> Result:
    """Run the command line as a person would, beside this loop."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(words)))


def sentence(result: Result) -> str:
    """Return what a person would read of a refusal."""
    assert isinstance(result.exception, PacelineError)
    return result.exception.message


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let results go to this machine."""
    monkeypatch.setenv("PACELINE_EGRESS_ALLOW", '["127.0.0.0/8"]')


@pytest.mark.parametrize("form", ["form", "json"])
async def test_a_sample_is_signed_posted_and_told_in_words(loopback: None, form: str) -> None:
    """The receiver gets one that verifies with the secret that was given; the person hears what it answered."""
    async with Inbox().open() as inbox:
        options = ["--json"] if form == "json" else []
        result = await paceline("webhook", "test", inbox.url, "--secret", SECRET, *options)
    assert result.exit_code == 0
    assert "It answered 200." in result.output
    assert SECRET not in result.output
    [(headers, body)] = inbox.received
    Webhook(SECRET).verify(body, dict(headers), json_parse=form == "json")
    assert b"paceline-webhook-test" in body


async def test_without_a_secret_one_is_made_up_and_shown(loopback: None) -> None:
    """The sample verifies with what was printed."""
    async with Inbox().open() as inbox:
        result = await paceline("webhook", "test", inbox.url)
    made_up = next(word for word in result.output.split() if word.startswith("whsec_")).rstrip(",")
    [(headers, body)] = inbox.received
    Webhook(made_up).verify(body, dict(headers), json_parse=False)


async def test_a_sample_goes_through_the_guard() -> None:
    """A private address is refused with the setting's name and exit status 1, and sees no connection."""
    async with Inbox().open() as inbox:
        result = await paceline("webhook", "test", inbox.url, "--secret", SECRET)
    assert result.exit_code == actions.REFUSED_EXIT
    assert "Nothing was sent" in result.output
    assert "PACELINE_EGRESS_ALLOW" in result.output
    assert inbox.received == []


async def test_a_redirect_is_told_and_not_followed(loopback: None) -> None:
    """It answered 302, and that is no arrival."""
    async with rogue(lead_astray) as url:
        result = await paceline("webhook", "test", url, "--secret", SECRET)
    assert result.exit_code == actions.REFUSED_EXIT
    assert "It answered 302." in result.output


async def test_a_secret_that_is_none_is_refused_without_being_repeated(loopback: None) -> None:
    """One sentence, and nothing leaves."""
    async with Inbox().open() as inbox:
        result = await paceline("webhook", "test", inbox.url, "--secret", "hunter2")
    assert "24 to 64 bytes" in sentence(result)
    assert inbox.received == []


async def test_a_secret_is_shown_and_replaced_in_two_steps(
    outbox: Outbox, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one is printed alone; a second rotation waits for the first; finishing leaves the new one."""
    monkeypatch.setenv("DATABASE_URL", outbox.url)
    monkeypatch.setenv("PACELINE_SECRET_KEY_FILE", str(key_file))
    await create_token(outbox.url, tenant="acme", name="n", sealer=outbox.sealer)
    old = (await paceline("webhook", "secret", "--tenant", "acme")).output.strip()
    new = (await paceline("webhook", "rotate", "--tenant", "acme")).output.strip()
    assert new != old
    assert old.startswith("whsec_")
    assert new.startswith("whsec_")
    assert (await paceline("webhook", "secret", "--tenant", "acme")).output.strip() == new
    assert "--finish" in sentence(await paceline("webhook", "rotate", "--tenant", "acme"))
    finished = await paceline("webhook", "rotate", "--tenant", "acme", "--finish")
    assert (finished.exit_code, "new secret alone" in finished.output) == (0, True)
    assert "not being replaced" in sentence(
        await paceline("webhook", "rotate", "--tenant", "acme", "--finish")
    )
    assert (await paceline("webhook", "secret", "--tenant", "acme")).output.strip() == new
    for words in (["secret"], ["rotate"], ["rotate", "--finish"]):
        assert "no tenant called nobody" in sentence(await paceline("webhook", *words, "--tenant", "nobody"))


async def test_another_key_does_not_open_the_secret(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the file that is wrong."""
    stranger = tmp_path / "other.key"
    create_key_file(stranger)
    monkeypatch.setenv("DATABASE_URL", outbox.url)
    monkeypatch.setenv("PACELINE_SECRET_KEY_FILE", str(stranger))
    await create_token(outbox.url, tenant="acme", name="n", sealer=outbox.sealer)
    assert "PACELINE_SECRET_KEY_FILE" in sentence(await paceline("webhook", "secret", "--tenant", "acme"))


@asynccontextmanager
async def api_process(outbox: Outbox) -> AsyncIterator[str]:
    """Run the API's own service for the block; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(DATABASE_URL=outbox.url, api_port=port)
    request = StopRequest()
    service = asyncio.create_task(api.serve(settings, request))
    await outbox.until(lambda: _listens(port))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        request.signalled()
        await service


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


async def test_deliveries_are_listed_shown_and_sent_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a client of the API: what failed is found, its log is read, and it is queued, alone or with others."""
    token = await create_token(outbox.url, tenant="acme", name="n", sealer=outbox.sealer)
    acme = await tenant_id(outbox.url, "acme")
    campaign_id = await outbox.campaign(acme)
    ids = await outbox.put(acme, "http://crm.example/r", 4, campaign_id=campaign_id)
    store = await outbox.store()
    for delivery in await claimed(store):
        await store.record(delivery, FAILED, Failed(reason="11 tries have failed."))
    monkeypatch.setenv("PACELINE_TOKEN", token)
    async with api_process(outbox) as url:
        monkeypatch.setenv("PACELINE_API", url)
        listed = await paceline(
            "delivery", "list", "--state", "failed", "--campaign", str(campaign_id), "--limit", "3"
        )
        assert [line.split("\t")[0] for line in listed.output.splitlines()] == [str(each) for each in ids[:3]]
        rest = await paceline("delivery", "list", "--after", str(ids[2]))
        assert [line.split("\t")[:3] for line in rest.output.splitlines()] == [
            [str(ids[3]), str(campaign_id), "FAILED"]
        ]
        shown = await paceline("delivery", "show", str(ids[0]))
        assert "Try 1" in shown.output
        assert "answered 500" in shown.output
        one = await paceline("delivery", "replay", str(ids[0]))
        assert "same webhook-id" in one.output
        dry = await paceline("delivery", "replay", "--campaign", str(campaign_id), "--dry-run")
        assert dry.output == "3 results would go out again.\n"
        assert (await outbox.states()).count("FAILED") == 3
        many = await paceline("delivery", "replay", "--campaign", str(campaign_id))
        assert many.output.startswith("3 results go out again")
        assert await outbox.states() == ["QUEUED"] * 4
        assert "on its way already" in sentence(await paceline("delivery", "replay", str(ids[0])))
        assert "no delivery" in sentence(await paceline("delivery", "show", "999"))
        assert "from" in sentence(await paceline("delivery", "replay", "--from", "monday"))
        assert "not both" in sentence(await paceline("delivery", "replay", "1", "--dry-run"))


async def test_a_disabled_receiver_is_found_and_enabled(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a URL the disabled ones are listed; with one its parked results go out."""
    token = await create_token(outbox.url, tenant="acme", name="n", sealer=outbox.sealer)
    await outbox.put(await tenant_id(outbox.url, "acme"), "http://crm.example/r", 5)
    store = await outbox.store(per_origin=1)
    [delivery] = await claimed(store)
    await store.record(delivery, FAILED, Disabled(reason="The receiver answered 410 Gone."))
    monkeypatch.setenv("PACELINE_TOKEN", token)
    async with api_process(outbox) as url:
        monkeypatch.setenv("PACELINE_API", url)
        listed = await paceline("delivery", "enable")
        assert listed.output.startswith("http://crm.example/r  since 2")
        enabled = await paceline("delivery", "enable", "http://crm.example/r")
        assert enabled.output == "The receiver is enabled; 5 parked results go out to it now.\n"
        assert (await paceline("delivery", "enable")).output == "No receiver is disabled.\n"
