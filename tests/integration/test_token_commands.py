"""`paceline token`: who may use the API, from a shell, and what the API answers them."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from shared.adapters.sealing.sealer import create_key_file

if TYPE_CHECKING:
    from tests.integration.conftest import WholeApi

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def _shell(whole_api: "WholeApi", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a shell beside the API's database."""
    key_file = tmp_path / "key"
    create_key_file(key_file)
    monkeypatch.setenv("DATABASE_URL", whole_api.store.url)
    monkeypatch.setenv("PACELINE_SECRET_KEY_FILE", str(key_file))


async def _token(*words: str) -> Result:
    """Run `paceline token …` beside this loop: it runs one of its own."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["token", *words]))


async def _made(*words: str) -> str:
    made = await _token("create", *words)
    assert made.exit_code == 0, made.output
    return made.output.strip()


async def _listed(tenant: str) -> list[list[str]]:
    listed = await _token("list", "--tenant", tenant)
    assert (listed.exit_code, listed.stderr) == (0, "")
    return [line.split("\t") for line in listed.stdout.splitlines() if line]


async def test_a_token_is_listed_without_its_secret_and_opens_nothing_once_it_is_revoked(
    whole_api: "WholeApi",
) -> None:
    """Of one tenant alone: id, role, name, expiry and last use; the others go on."""
    billing = await _made("--tenant", "acme", "--name", "billing", "--role", "reader", "--days", "30")
    night = await _made("--tenant", "acme", "--name", "night shift")
    theirs = await _made("--tenant", "globex")
    assert [(await whole_api.ask(each, "GET", "/api/schedules"))[0] for each in (billing, theirs)] == [
        200,
        200,
    ]

    first, second = await _listed("acme")
    assert first[1:3] + second[1:] == ["reader", "billing", "admin", "night shift", "never", "never"]
    # the expiry and the last use, to the minute
    assert [re.sub("[0-9]", "9", each) for each in first[3:]] == ["9999-99-99T99:99+99:99"] * 2
    shown = str(await _listed("acme") + await _listed("globex"))
    assert not [secret for secret in (billing, night, theirs) if secret in shown]

    revoked = await _token("revoke", first[0], "--tenant", "acme")
    assert (revoked.exit_code, revoked.stdout) == (
        0, f"Token {first[0]} of acme opens nothing from now on.\n",
    )  # fmt: skip
    assert await _listed("acme") == [second]
    statuses = [(await whole_api.ask(each, "GET", "/api/schedules"))[0] for each in (billing, night, theirs)]
    assert statuses == [401, 200, 200]


async def test_what_is_not_there_is_neither_listed_nor_revoked(whole_api: "WholeApi") -> None:
    """A token that was revoked, one of another tenant, a tenant that there is not: a sentence each, and no change."""
    await _made("--tenant", "acme")
    theirs = await _made("--tenant", "globex")
    (ours_id, *_), (theirs_id, *_) = *await _listed("acme"), *await _listed("globex")
    assert (await _token("revoke", ours_id, "--tenant", "acme")).exit_code == 0
    assert await _listed("acme") == []
    refused = {
        ("revoke", ours_id, "--tenant", "acme"): f"There is no token with id {ours_id}.",
        ("revoke", theirs_id, "--tenant", "acme"): f"There is no token with id {theirs_id}.",
        ("revoke", theirs_id, "--tenant", "initech"): "There is no tenant called initech",
        ("list", "--tenant", "initech"): "There is no tenant called initech",
    }
    for words, sentence in refused.items():
        answer = await _token(*words)
        assert answer.exit_code == 1, words
        assert sentence in f"{answer.output}{answer.exception}", words
    assert (await whole_api.ask(theirs, "GET", "/api/schedules"))[0] == 200
