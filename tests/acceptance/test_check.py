"""`paceline check` as an operator types it, against a platform that dials."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.acceptance.conftest import Platform

pytestmark = pytest.mark.acceptance

Run = Callable[..., "subprocess.CompletedProcess[str]"]

#: No call was made for it.
TAMPER = "UPDATE number SET tries = tries + 1"
#: Callees of every kind, more than are dialed within a second.
PHONE_LIST = "".join(f"tel:+120255501{number:02},invoice-{number}\n" for number in range(40))


@pytest.fixture(scope="module")
def platform_environment() -> dict[str, str]:
    """Quick enough to be through in seconds, and slow enough to be checked meanwhile."""
    return {"PACELINE_SIMULATOR_SPEED": "30"}


def _campaign(platform: "Platform", paceline: Run, folder: Path, *, per_minute: int) -> str:
    """Start a campaign whose receiver is not there, so that every result has a delivery with tries."""
    numbers = folder / "numbers.csv"
    numbers.write_text(PHONE_LIST)
    created = paceline(
        "campaign", "create", "--start-url", "http://127.0.0.1:1/none.vxml", "--numbers", numbers,
        "--result-url", "http://127.0.0.1:1/results", "--window", "00:00-24:00",
        "--days", "mon,tue,wed,thu,fri,sat,sun", "--period", "1", "--amount", str(per_minute), "--start",
        PACELINE_API=platform.api, PACELINE_TOKEN=platform.token,
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    return created.stdout.split()[1]


def _check_to_the_end(
    platform: "Platform", paceline: Run, campaign: str
) -> "tuple[int, subprocess.CompletedProcess[str]]":
    """See that all is sound until a campaign is over; returns how often it was seen at work, and the last verdict."""
    client = {"PACELINE_API": platform.api, "PACELINE_TOKEN": platform.token}
    at_work = 0
    while True:
        status = paceline("campaign", "status", campaign, **client).stdout
        checked = paceline("check", DATABASE_URL=platform.database_url)
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
        if "40 final" in status:
            return at_work, checked
        at_work += 1


async def _execute(platform: "Platform", statement: str) -> list[Any]:
    """Do to the database what nobody may, and return the ids that the statement returns."""
    connection = await asyncpg.connect(platform.database_url)
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_a_platform_that_dials_is_sound_and_one_that_was_tampered_with_is_not(
    platform: "Platform", paceline: Run, tmp_path: Path
) -> None:
    """Status 0 while it dials and afterwards; then status 1, with the ids that were tampered with and their count."""
    per_minute = 600
    while True:
        campaign = _campaign(platform, paceline, tmp_path, per_minute=per_minute)
        at_work, checked = _check_to_the_end(platform, paceline, campaign)
        if at_work:
            break
        per_minute //= 3  # where a command takes its time, a quick campaign is over before a look
        assert per_minute > 0
    lines = checked.stdout.splitlines()
    assert lines[-1] == f"All {len(lines) - 2} invariants hold."
    assert "one_result_per_final_number  0 numbers" in checked.stdout

    found = json.loads(paceline("check", "--json", DATABASE_URL=platform.database_url).stdout)
    assert (found["holds"], {each["total"] for each in found["invariants"]}) == (True, {0})
    assert {each["number"] for each in found["invariants"]} == {f"I{number}" for number in range(1, 14)}

    spoiled = sorted(await _execute(platform, f"{TAMPER} WHERE campaign_id = {campaign} RETURNING number_id"))
    broken = paceline("check", "--show", "3", DATABASE_URL=platform.database_url)
    assert (broken.returncode, broken.stderr) == (1, "")
    named = [f"  number {number} of campaign {campaign}, tenant 1" for number in spoiled[:3]]
    assert broken.stdout.splitlines()[-7:] == [
        "tries_are_calls is broken by 40 numbers:", *named, "  and 37 more (--show names them)", "",
        f"1 of {len(lines) - 2} invariants is broken.",
    ]  # fmt: skip
    as_json = paceline("check", "--json", DATABASE_URL=platform.database_url)
    assert as_json.returncode == 1
    [tries] = [each for each in json.loads(as_json.stdout)["invariants"] if each["total"]]
    assert (tries["name"], tries["total"]) == ("tries_are_calls", 40)
    assert [offender["id"] for offender in tries["offenders"]] == spoiled[:20]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "Postgres refused the connection"),
        ({"DATABASE_URL": "nonsense"}, "check DATABASE_URL"),
        ({}, "DATABASE_URL is not set"),
    ],
)
@pytest.mark.parametrize("words", [("check",), ("check", "--json")])
def test_a_database_that_is_away_is_no_verdict(
    paceline: Run, words: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    """Status 2, one sentence on standard error, and nothing that a program could take for an answer."""
    failed = paceline(*words, **environment)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert sentence in failed.stderr
    assert failed.stderr.count("\n") == 1


async def test_a_database_that_was_never_migrated_is_no_verdict(paceline: Run, platform: "Platform") -> None:
    """Tables that are not there prove nothing: status 2, and what to do."""
    await _execute(platform, "CREATE DATABASE bare")
    url = platform.database_url.rpartition("/")[0] + "/bare"
    failed = paceline("check", DATABASE_URL=url)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "run `paceline migrate`" in failed.stderr
